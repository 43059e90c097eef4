"""The accounts follow: what is owed is the value of the lots, whatever was sold."""

from datetime import date

from odoo.exceptions import UserError

from .common import START, SubscriptionCreditCase


class TestBooks(SubscriptionCreditCase):

    def test_income_as_credits_are_booked(self):
        """The whole net price of the period is the value of its credits."""
        self.bought()
        invoice = self.book(3)
        income = invoice.line_ids.filtered(lambda line: line.product_id == self.training)
        self.assertEqual(income.balance, -30.0)
        self.assertOwed(deferred=70.0)
        self.assertEqual(invoice.amount_total, 0.0)

    def write_off(self, subscription):
        """Write off an invoice that nobody pays, as staff can."""
        with self.at(date(2027, 2, 20)):
            self.env["subscription.write.off"].with_context(
                active_id=subscription.period_ids.id).create({}).action_confirm()
        return self.invoices(subscription).write_off_ids

    def test_written_off_grants_nothing(self):
        """Credits nobody paid for are not granted, and their price waits no longer: as income,
        beside a loss of the same amount."""
        subscription = self.subscribe(self.small, START)
        entry = self.write_off(subscription)
        self.assertFalse(self.wallet.entry_ids)
        self.assertOwed(giveback=100.0)
        loss = self.company._subscription_loss_account()
        self.assertEqual(self.balance(loss), -100.0)  # services: VAT falls due when paid
        with self.assertRaisesRegex(UserError, "cannot be reset to draft"):
            entry.button_draft()

    def test_written_off_after_the_grant_keeps_the_credits(self):
        self.small.credit_grant_on = "posted"
        subscription = self.subscribe(self.small, START)
        self.write_off(subscription)
        self.assertEqual(self.lots(), [(10, 10, 100.0)])
        self.assertOwed(deferred=100.0)

    def test_share_of_the_price(self):
        """Only a part is for credits: the rest is income of the period, as for any plan."""
        self.small.credit_share = 40.0
        subscription = self.subscribe(self.small, START)
        line = self.invoices(subscription).invoice_line_ids
        income = line.account_id
        self.assertEqual(income.account_type, "income")
        self.assertEqual(self.balance(income), 100.0)
        self.pay_all(subscription, START)
        self.assertEqual(self.lots(), [(10, 10, 40.0)])
        self.assertEqual(self.balance(income), 60.0)
        self.assertOwed(deferred=40.0)
        # Half the month is credited: half of the credits are taken back, half of their value.
        with self.at(date(2027, 1, 15)):
            subscription._cancel(now=True)
        self.assertEqual(self.lots(), [(10, 5, 20.0)])
        # 16/31 of 100.00 was returned, 20.64 of it for credits worth 20.00.
        self.assertEqual(self.balance(income), 29.03)
        self.assertOwed(deferred=20.0, giveback=-0.64)

    def test_no_share_is_a_gift(self):
        self.small.credit_share = 0.0
        self.bought()
        self.assertEqual(self.lots(), [(10, 10, 0.0)])
        self.assertOwed()

    def test_multi_purpose_voucher(self):
        """VAT with each booking, none on the period (VAT Directive, art. 30b(2)).

        A plan that also sells something else keeps its VAT, and its bookings bear none.
        """
        self.company.credit_voucher_kind = "multi"
        subscription = self.subscribe(self.small, START)
        self.assertEqual(subscription._preview_next_invoice()["tax"], 0.0)
        self.assertEqual(self.invoices(subscription).amount_total, 100.0)
        self.pay_all(subscription, START)
        self.assertEqual(self.wallet.lot_ids.voucher_kind, "multi")
        self.assertAlmostEqual(self.book(10).amount_tax, 16.67)
        self.assertOwed()
        self.large.credit_share = 50.0
        subscription = self.bought(self.large)
        self.assertEqual(self.invoices(subscription).amount_total, 240.0)
        self.assertEqual(self.wallet.lot_ids.sorted("id")[-1].voucher_kind, "single")
        self.assertEqual(self.book(20).amount_tax, 0.0)

    def test_tax_included_price(self):
        vat = self.make_tax(20, "Included", price_include_override="tax_included")
        self.bought(self.make_credit_plan("Included", 120.0, 10, taxes=vat))
        self.assertEqual(self.lots(), [(10, 10, 100.0)])

    def test_foreign_currency(self):
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create({
            "currency_id": dollar.id, "company_id": self.company.id, "name": START,
            "rate": 1.2345})
        price = self.env["subscription.plan.price"].create({
            "plan_id": self.small.id, "currency_id": dollar.id, "amount": 100.0,
            "granted_credits": 10})
        subscription = self.bought(price=price)
        self.assertEqual(self.lots(), [(10, 10, 81.0)])  # 100 / 1.2345
        with self.at(START):
            subscription._cancel(now=True)
        # The first day stays billed, at 3.23 dollars: less than half a credit.
        self.assertEqual(self.wallet.balance, 0)
        self.assertOwed(giveback=2.61)

    def test_setup_fee_is_no_credit(self):
        self.small.price_ids.setup_fee = 25.0
        self.bought()
        self.assertEqual(self.lots(), [(10, 10, 100.0)])
        self.assertOwed(deferred=100.0)

    def test_reconciliation_at_every_day(self):
        subscription = self.bought()
        self.book(2, date(2027, 1, 10))
        self.run_due(date(2027, 2, 1))
        self.pay_all(subscription, date(2027, 2, 5))
        with self.at(date(2027, 2, 6)):
            self.wallet._expire_lots()
        for day, owed in ((1, 100.0), (10, 80.0), (31, 80.0)):
            lines = self.env["credit.reconciliation"]._compare(
                self.company, date(2027, 1, day))
            self.assertEqual([(line["account"], line["drift"]) for line in lines], [(owed, 0.0)])

    def test_queries_of_a_batch(self):
        """Ten invoices posted at once grant in little more than the queries of one: measured,
        173 for one and 257 for ten, nine more each."""
        self.small.credit_grant_on = "posted"

        def queries_of(count):
            customers = [self.make_customer(f"C{count}-{number}") for number in range(count)]
            with self.at(START):
                subscriptions = self.env["subscription.subscription"].concat(*(
                    self.draft(self.small, START, partner_id=customer.id)
                    for customer in customers))
                for subscription in subscriptions:
                    subscription.write(subscription._prepare_start_vals(START))
                subscriptions.state = "active"
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                subscriptions._bill_next_period()
                self.env.flush_all()
                return self.env.cr.sql_log_count - before

        queries_of(1)  # caches of the registry
        one, ten = queries_of(1), queries_of(10)
        self.assertLess(ten, one + 9 * 10, f"{one} queries for one, {ten} for ten")

    def test_renewed_together_with_a_price_without_credits(self):
        """Alike but for their credits: each invoice stands on its own account."""
        plan = self.make_plan(
            "A year", 1200.0, "month", 12, prices=[("year", 1, 1200.0)], taxes=self.vat)
        prices = plan.price_ids.grouped("interval_unit")
        prices["month"].granted_credits = 120
        bought = [self.bought(plan, price=prices[unit]) for unit in ("month", "year")]
        self.run_due(date(2028, 1, 1))
        accounts = [self.invoices(subscription)[-1].invoice_line_ids.account_id
                    for subscription in bought]
        self.assertEqual(accounts[0], self.pending)
        self.assertEqual(accounts[1].account_type, "income")
