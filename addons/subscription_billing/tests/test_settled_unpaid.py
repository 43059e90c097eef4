"""Invoices that nobody pays, and yet nothing is left to pay: credited, or written off."""

from datetime import date, timedelta

import psycopg2

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common_dunning import REFUSED, DunningCommon


@tagged("post_install", "-at_install")
class TestNetted(DunningCommon):
    """A credit note alone settles the invoice: the chase stops, the service goes on."""

    def credit(self, invoice, amount=None):
        """Make a credit note by hand, netted with the invoice."""
        note = invoice._reverse_moves([{"invoice_date": REFUSED, "date": REFUSED}])
        if amount:
            note.invoice_line_ids.price_unit = amount
        note.action_post()
        self.subscription._settle_by_credit_notes(invoice + note)
        return note

    def test_chase_stops(self):
        period = self.refuse()
        with self.at(REFUSED + timedelta(days=1)):
            self.credit(period.invoice_id)
            self.assertEqual(period.invoice_id.payment_state, "reversed")
            self.assertEqual((period.state, self.subscription.state), ("paid", "active"))
        self.assertFalse(period.dunning_next_date)
        self.assertEqual(self.events(self.subscription)[-1], "recover")
        self.assertNotIn("payment", self.events(self.subscription)[-2:])
        mails = self.subjects()
        self.assertNotIn(f"Payment received: {period.invoice_id.name}", mails)
        self.dun_each_day(2, 31)
        self.assertEqual(self.subjects(), mails)

    def test_suspended_service_is_on_again(self):
        period = self.refuse()
        self.dun_each_day(1, 7)
        self.assertEqual(self.subscription.state, "suspended")
        with self.at(REFUSED + timedelta(days=8)):
            self.credit(period.invoice_id)
        self.assertEqual(self.subscription.state, "active")
        self.assertEqual(self.count(f"Your subscription {self.subscription.name} is on again"), 1)

    def test_by_a_credit_note_of_something_else(self):
        """What the customer has in their favour pays, as their accountant agreed."""
        period = self.refuse()
        with self.at(REFUSED + timedelta(days=1)):
            note = self.env["account.move"].create({
                "move_type": "out_refund", "partner_id": self.customer.id,
                "invoice_line_ids": [Command.create({
                    "name": "Favour", "price_unit": 299.0, "tax_ids": []})]})
            note.action_post()
            self.subscription._settle_by_credit_notes(period.invoice_id + note)
        self.assertEqual((period.state, self.subscription.state), ("paid", "active"))

    def test_in_part_goes_on(self):
        period = self.refuse()
        with self.at(REFUSED + timedelta(days=1)):
            self.credit(period.invoice_id, 100.0)
        self.assertEqual((period.state, self.subscription.state), ("invoiced", "past_due"))
        self.assertTrue(period.dunning_next_date)

    def test_another_refused_today_stays_unpaid(self):
        """Due today, and refused: the older one being settled does not make all well."""
        period = self.refuse()
        self.run_due(date(2027, 3, 10))
        self.charge(date(2027, 3, 10))
        with self.at(date(2027, 3, 10)):
            self.credit(period.invoice_id)
        self.assertEqual((period.state, self.subscription.state), ("paid", "past_due"))

    def test_cancelled_while_suspended(self):
        """The credit note of the cancellation turns nothing on again."""
        self.subscription.cancel_policy = "full"
        period = self.refuse()
        self.dun_each_day(1, 7)
        with self.at(REFUSED + timedelta(days=8)):
            self.subscription._cancel()
        self.assertEqual(period.invoice_id.payment_state, "reversed")
        self.assertEqual((period.state, self.subscription.state), ("paid", "ended"))
        self.assertEqual(self.count(f"Your subscription {self.subscription.name} is on again"), 0)
        self.assertNotIn("recover", self.events(self.subscription))


@tagged("post_install", "-at_install")
class TestWriteOff(DunningCommon):
    """« Staff can write off »: what is due becomes a loss (PCG 654), and the chase stops."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accountant = new_test_user(
            cls.env, "chantal", "account.group_account_invoice", lang="en_US")
        cls.loss = cls.company._subscription_loss_account()

    def wizard(self, period, outcome="end", user=None):
        return self.env["subscription.write.off"].with_user(
            user or self.accountant).with_context(active_id=period.id).create(
                {"outcome": outcome})

    def write_off(self, period, day=8, **how):
        with self.at(REFUSED + timedelta(days=day)):
            self.wizard(period, **how).action_confirm()
        return period.invoice_id.write_off_ids

    def balances(self, entry):
        return {line.account_id.code[:4]: line.balance for line in entry.line_ids}

    def test_ends_the_subscription(self):
        period = self.refuse()
        self.dun_each_day(1, 8)
        entry = self.write_off(period)
        self.assertEqual((period.state, self.subscription.state), ("written_off", "ended"))
        self.assertEqual((entry.state, entry.create_uid), ("posted", self.accountant))
        # Odoo calls it paid; its badge does not.
        self.assertEqual(period.invoice_id.status_in_payment, "written_off")
        self.assertEqual(self.balances(entry), {"6541": 299.0, "4111": -299.0})
        self.assertEqual(entry.line_ids.partner_id, self.customer)
        self.assertFalse(period.invoice_id.amount_residual)
        self.assertIn("write_off", self.events(self.subscription))
        # Nobody is thanked for a payment, told that the service is on, or chased any more.
        self.assertEqual(self.events(self.subscription).count("payment"), 1)
        self.assertEqual(self.count(f"Your subscription {self.subscription.name} is on again"), 0)
        self.assertEqual(self.count(f"Payment received: {period.invoice_id.name}"), 0)
        self.assertEqual(self.count(f"Your subscription {self.subscription.name} has ended"), 1)
        self.assertFalse(period.dunning_next_date)
        mails = self.subjects()
        self.dun_each_day(9, 31)
        self.assertEqual(self.subjects(), mails)

    def test_lets_the_subscription_go_on(self):
        period = self.refuse()
        self.dun_each_day(1, 8)
        self.write_off(period, outcome="keep")
        self.assertEqual((period.state, self.subscription.state), ("written_off", "active"))
        self.assertEqual(self.count(f"Your subscription {self.subscription.name} is on again"), 1)
        with self.at(REFUSED + timedelta(days=8)):
            self.subscription._cancel(now=True)  # what was not paid is not given back
        self.assertFalse(self.credit_notes(self.subscription))

    def test_twice_is_once(self):
        period = self.refuse()
        with self.at(REFUSED + timedelta(days=1)):
            wizards = [self.wizard(period), self.wizard(period)]
            for wizard in (*wizards, wizards[0]):
                wizard.action_confirm()
        self.assertEqual(len(period.invoice_id.write_off_ids), 1)
        self.assertEqual(self.events(self.subscription).count("write_off"), 1)
        with self.assertRaises(psycopg2.errors.UniqueViolation), mute_logger("odoo.sql_db"), \
                self.cr.savepoint():
            self.env["account.move"].create(
                {"move_type": "entry", "written_off_invoice_id": period.invoice_id.id})
            self.env.flush_all()

    def test_what_is_left_after_a_part_payment(self):
        period = self.refuse()
        with self.at(REFUSED + timedelta(days=1)):
            self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=period.invoice_id.ids).create(
                    {"amount": 100.0})._create_payments()
        self.assertEqual(self.balances(self.write_off(period)), {"6541": 199.0, "4111": -199.0})
        self.assertEqual((period.state, self.subscription.state), ("written_off", "ended"))
        self.assertEqual(self.events(self.subscription).count("payment"), 1)

    def test_vat_due_with_the_invoice_stays_in_the_loss(self):
        """Recovering it is another matter (CGI art. 272, 1)."""
        self.subscription.plan_id.taxes_id = self.make_tax(20)
        period = self.refuse()
        self.assertEqual(self.balances(self.write_off(period)), {"6541": 358.8, "4111": -358.8})

    def test_vat_due_on_payment_never_falls_due(self):
        """Services in France (CGI art. 269, 2, c): what nobody paid bears no VAT, what was paid
        keeps it."""
        vat = self.env["account.tax"].search([
            ("type_tax_use", "=", "sale"), ("amount", "=", 20.0),
            ("tax_exigibility", "=", "on_payment"), ("company_id", "=", self.company.id),
            ("price_include_override", "!=", "tax_included")], limit=1)
        self.subscription.plan_id.taxes_id = vat
        period = self.refuse()
        invoice = period.invoice_id
        with self.at(REFUSED + timedelta(days=1)):
            self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=invoice.ids).create(
                    {"amount": 119.6})._create_payments()
        before = invoice.tax_cash_basis_created_move_ids
        entry = self.write_off(period)
        self.assertEqual(
            self.balances(entry), {"6541": 199.33, "4111": -239.2, "4457": 39.87})
        self.assertEqual(invoice.tax_cash_basis_created_move_ids, before)
        waiting = (invoice + before + entry).line_ids.filtered(
            lambda line: line.account_id == vat.cash_basis_transition_account_id)
        self.assertEqual(round(sum(waiting.mapped("balance")), 2), 0.0)
        self.assertTrue(all(waiting.mapped("reconciled")))

    def test_foreign_currency(self):
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create({
            "currency_id": dollar.id, "company_id": self.company.id, "name": "2027-01-01",
            "rate": 1.2345})
        price = self.env["subscription.plan.price"].create({
            "plan_id": self.starter.id, "currency_id": dollar.id, "amount": 100.0})
        subscription = self.subscribe(self.starter, date(2027, 1, 10), price)
        entry = self.write_off(subscription.period_ids)
        self.assertEqual(self.balances(entry), {"6541": 81.0, "4111": -81.0})
        self.assertEqual(sorted(entry.line_ids.mapped("amount_currency")), [-100.0, 100.0])

    def test_one_invoice_of_two_subscriptions(self):
        """An order of two services has one invoice: both are given up."""
        with self.at(REFUSED):
            order = self.env["sale.order"].create({
                "partner_id": self.customer.id, "order_line": [
                    Command.create({"product_id": plan.product_variant_id.id})
                    for plan in (self.starter, self.pro)]})
            order.action_confirm()
            order._create_invoices().action_post()
        subscriptions = order.order_line.subscription_ids
        entry = self.write_off(subscriptions[0].period_ids)
        self.assertEqual(self.balances(entry)["6541"], 300.0)
        self.assertEqual(subscriptions.mapped("state"), ["ended", "ended"])
        self.assertEqual(subscriptions.period_ids.mapped("state"), ["written_off"] * 2)

    def test_customer_pays_after_all(self):
        """The entry is cancelled: the invoice is due again, and can be paid."""
        period = self.refuse()
        entry = self.write_off(period, outcome="keep")
        entry.with_user(self.accountant).button_draft()
        with self.assertRaisesRegex(UserError, "Cancel it instead"):
            entry.unlink()
        entry.with_user(self.accountant).button_cancel()
        self.assertEqual((period.state, period.invoice_id.amount_residual), ("invoiced", 299.0))
        with self.at(REFUSED + timedelta(days=20)):
            self.pay(period.invoice_id)
        self.assertEqual(period.state, "paid")
        self.assertEqual(self.events(self.subscription)[-1], "payment")

    def test_not_while_a_payment_is_under_way(self):
        """Money that arrives later would be nobody's."""
        period = self.refuse()
        with self.at(REFUSED + timedelta(days=1)):
            wizard = self.wizard(period)
            period.charge_at = REFUSED
            with self.assertRaisesRegex(UserError, "under way"):
                wizard.action_confirm()
            period.charge_at = False
            period.transaction_ids.state = "pending"
            with self.assertRaisesRegex(UserError, "under way"):
                wizard.action_confirm()
            # Nor is the card charged beside it, or the customer chased.
            with self.assertRaisesRegex(UserError, "under way"):
                self.subscription.with_user(self.user).action_charge()
        mails = self.subjects()
        self.dun(REFUSED + timedelta(days=3))
        self.assertEqual((self.subjects(), len(period.dunning_action_ids)), (mails, 0))

    def test_nothing_is_due(self):
        period = self.subscription.period_ids
        with self.assertRaisesRegex(UserError, "Nothing is due"):
            self.wizard(period).action_confirm()

    def test_accountants_only(self):
        period = self.refuse()
        with self.assertRaises(AccessError):
            self.wizard(period, user=self.user)
        self.assertEqual(period.state, "invoiced")

    def test_another_account(self):
        """Debts of former years go to 6544, or where the company says."""
        other = self.env["account.account"].search(
            [("code", "=like", "6544%"), ("company_ids", "=", self.company.id)], limit=1)
        self.company.subscription_loss_account_id = other
        self.assertEqual(self.balances(self.write_off(self.refuse()))["6544"], 299.0)
