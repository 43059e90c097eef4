from datetime import date, datetime

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import HttpCase, TransactionCase, new_test_user


class SubscriptionCommon(TransactionCase):
    """A company that sells plans, one customer, one user a role; no demo data."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not issubclass(cls, HttpCase):
            # Freezing the clock looks through all modules, unless it is frozen already: one clock
            # that goes on as the real one does makes those of each step cheap.
            clock = freeze_time(tick=True)
            clock.start()
            cls.addClassCleanup(clock.stop)
        cls.company = cls.env.company
        cls.euro = cls.company.currency_id
        cls.customer = cls.make_customer("Camille")
        cls.manager = new_test_user(
            cls.env, "subscription_manager", "subscription_billing.group_subscription_manager")
        cls.user = new_test_user(
            cls.env, "subscription_user", "subscription_billing.group_subscription_user")
        (cls.env.user | cls.env.ref("base.user_admin") | cls.manager | cls.user).lang = "en_US"
        cls.company.partner_id.lang = "en_US"  # scheduled actions speak it
        # What is billed needs a rate; a test that is about it adds one of its own.
        currencies = cls.env["res.currency"].with_context(active_test=False).search(
            [("name", "in", ["USD", "GBP", "JPY", "KWD"])])
        cls.env["res.currency.rate"].create([{
            "name": "2000-01-01", "currency_id": currency.id, "rate": 1.0,
            "company_id": cls.company.id} for currency in currencies])
        cls.family = cls.env["subscription.family"].create({"name": "Test plans"})
        cls.starter = cls.make_plan("Starter", 100.0)
        cls.pro = cls.make_plan("Pro", 200.0)

    @classmethod
    def make_customer(cls, name, **vals):
        return cls.env["res.partner"].create({
            "name": name, "email": f"{name.lower()}@example.com", "lang": "en_US",
            "street": "1 rue du Test", "zip": "69001", "city": "Lyon",
            "country_id": cls.env.ref("base.fr").id, "tz": "Europe/Paris", **vals})

    @classmethod
    def make_portal(cls, login):
        """Make a portal user: a customer with the address that an invoice needs.

        :return: the ``res.users`` of a customer with the address an invoice needs
        """
        user = new_test_user(cls.env, login, "base.group_portal", lang="en_US", tz="Europe/Paris")
        user.partner_id.write({
            "street": "1 rue du Test", "zip": "69001", "city": "Lyon",
            "country_id": cls.env.ref("base.fr").id})
        return user

    @classmethod
    def make_plan(cls, name, amount=100.0, unit="month", count=1, prices=(), taxes=(), **vals):
        """Make a plan with a price for an interval, and perhaps (unit, count, amount) more."""
        return cls.env["subscription.plan"].create({
            "name": name, "family_id": cls.family.id, "list_price": amount,
            "taxes_id": [Command.set([tax.id for tax in taxes])],
            "price_ids": [
                Command.create({"interval_unit": unit, "interval_count": count, "amount": amount})
                for unit, count, amount in [(unit, count, amount), *prices]],
            **vals})

    @classmethod
    def make_tax(cls, amount, name=None, **vals):
        return cls.env["account.tax"].create({
            "name": name or f"Test {amount} %", "amount": amount, "type_tax_use": "sale",
            "country_id": cls.company.account_fiscal_country_id.id, **vals})

    @classmethod
    def draft(cls, plan, start=None, price=None, **vals):
        return cls.env["subscription.subscription"].create({
            "partner_id": cls.customer.id, "plan_id": plan.id,
            "price_id": (price or plan.price_ids[0]).id, "anchor_date": start, **vals})

    def subscribe(self, plan, start, price=None, **vals):
        """Start a subscription at noon of a civil day, as staff start it."""
        with self.at(start):
            subscription = self.draft(plan, start, price, **vals)
            subscription.action_start()
        return subscription

    def at(self, moment):
        """Set the clock of a test to a UTC datetime, or to noon of a date.

        Each step of a life is a transaction of its own: the numbers of documents that Odoo keeps
        in memory for the present one are forgotten in between.
        """
        self.env.cr.precommit.data.pop("sequence.mixin", None)
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, datetime.min.time()).replace(hour=12)
        elif not moment.hour and not moment.minute:
            moment = moment.replace(hour=12)
        return freeze_time(moment)

    def run_due(self, moment):
        """Run the renewals once at a moment, as the scheduled action does."""
        with self.at(moment), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_renew").method_direct_trigger()

    def run_each_day(self, first, last):
        """Run the scheduled action once a day."""
        day = first
        while day <= last:
            self.run_due(day)
            day = date.fromordinal(day.toordinal() + 1)

    def invoices(self, subscription):
        return subscription.period_ids.line_ids.move_id.filtered(
            lambda move: move.move_type == "out_invoice").sorted(
                lambda move: (move.invoice_date or date.max, move.id))

    def credit_notes(self, subscription):
        return subscription.period_ids.line_ids.move_id.filtered(
            lambda move: move.move_type == "out_refund")

    @classmethod
    def pay(cls, invoice):
        """Pay what is due of some invoices, by a payment registered by hand.

        Nothing is, where what was in the customer's favour has paid it.
        """
        invoice = invoice.filtered("amount_residual")
        if not invoice:
            return
        cls.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create({})._create_payments()

    def events(self, subscription):
        return subscription.event_ids.sorted("id").mapped("kind")

    def mails_to(self, partner):
        return self.env["mail.mail"].sudo().search([
            ("recipient_ids", "in", partner.ids)]).sorted("id")
