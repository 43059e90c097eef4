from datetime import date

from odoo.tests import tagged

from odoo.addons.subscription_billing.tests.common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestPeriods(SubscriptionCommon):
    """Subscriptions tell their days of service; those of yearly plans are earned by month."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company._europe_create_taxes()
        cls.account = cls.company.deferral_account_id
        cls.yearly = cls.make_plan("Yearly", 1200.0, unit="year")

    def tearDown(self):
        self.assertEqual(self.env["revenue.deferral"]._violations(), [])
        super().tearDown()

    def dates(self, move):
        line = move.invoice_line_ids
        return line.deferred_start_date, line.deferred_end_date

    def test_year(self):
        subscription = self.subscribe(self.yearly, date(2026, 3, 15))
        invoice = self.invoices(subscription)
        self.assertEqual(self.dates(invoice), (date(2026, 3, 15), date(2027, 3, 14)))
        shares = invoice.revenue_deferral_ids
        self.assertEqual(len(shares), 12)
        self.assertEqual(
            round(sum(shares.mapped("amount")), 2), round(1200 - 1200 * 17 / 365, 2))
        self.assertEqual(shares.account_id, invoice.invoice_line_ids.account_id)

    def test_month_is_not_spread(self):
        subscription = self.subscribe(self.starter, date(2026, 3, 15))
        invoice = self.invoices(subscription)
        self.assertEqual(self.dates(invoice), (date(2026, 3, 15), date(2026, 4, 14)))
        self.assertFalse(invoice.revenue_deferral_ids)

    def test_cancelled_in_the_middle(self):
        """The credit note gives back the days after today's, and their months."""
        subscription = self.subscribe(self.yearly, date(2026, 3, 15))
        self.pay(self.invoices(subscription))
        with self.at(date(2026, 9, 15)):
            subscription._cancel(now=True)
        note = self.credit_notes(subscription)
        self.assertEqual(self.dates(note), (date(2026, 9, 16), date(2027, 3, 14)))
        invoice = self.invoices(subscription)
        by_month = {}
        for share in invoice.revenue_deferral_ids + note.revenue_deferral_ids:
            by_month[share.month] = round(by_month.get(share.month, 0) + share.amount, 2)
        later = [by_month[month] for month in by_month if month > date(2026, 9, 30)]
        self.assertEqual(len(later), 6)
        self.assertTrue(all(abs(amount) <= 0.01 for amount in later), later)

    # When nothing is owed, nothing stays deferred ------------------------------------------------

    def deferred_until(self, day):
        """Return what the account of deferred revenue holds on a day."""
        lines = self.env["account.move.line"].search([
            ("account_id", "=", self.account.id), ("parent_state", "=", "posted"),
            ("date", "<=", day)])
        return round(-sum(lines.mapped("balance")), 2)

    def assertNothingDeferred(self, day, subscription, earned):
        """Check that nothing is deferred on the day a service ends, nor earned in the months after
        it.

        :param float earned: what the subscription earned in all, without VAT
        """
        income = self.invoices(subscription).invoice_line_ids.account_id
        self.assertEqual(self.deferred_until(day), 0.0)
        for month in (day, date(2027, 12, 31)):
            self.earn(month)
            self.assertEqual(self.deferred_until(month), 0.0)
        items = self.env["account.move.line"].search([
            ("account_id", "in", income.ids), ("parent_state", "=", "posted")])
        self.assertEqual(round(-sum(items.mapped("balance")), 2), earned)
        self.assertEqual({item.date <= day for item in items}, {True})

    def earn(self, day):
        with self.at(day), self.enter_registry_test_mode():
            self.env.ref("invoice_europe.ir_cron_earn").method_direct_trigger()
        self.env.cr.precommit.data.pop("sequence.mixin", None)

    def year_until(self, day, **vals):
        """Make a paid year, earned until the month before a day."""
        subscription = self.subscribe(self.yearly, date(2026, 3, 15), **vals)
        self.pay(self.invoices(subscription))
        self.earn(day.replace(day=1))
        self.assertGreater(self.deferred_until(day), 0.0)
        return subscription

    def test_cancelled_near_its_end(self):
        """A credit note too short to be spread by itself takes back what its invoice deferred."""
        day = date(2027, 2, 10)
        subscription = self.year_until(day)
        with self.at(day):
            subscription._cancel(now=True)
        note = self.credit_notes(subscription)
        self.assertEqual(note.amount_untaxed, 105.21)
        self.assertEqual(
            note.invoice_line_ids.corrected_line_id, self.invoices(subscription).invoice_line_ids)
        self.assertNothingDeferred(day, subscription, 1094.79)

    def test_cancelled_by_whatever_policy(self):
        day = date(2026, 9, 15)
        for policy, earned in (("none", 1200.0), ("prorated", 608.22), ("full", 0.0)):
            with self.subTest(policy):
                income = self.deferred_until(date(2027, 12, 31))
                self.assertEqual(income, 0.0)
                self.yearly.cancel_policy = policy
                before = self.revenue()
                subscription = self.year_until(day)
                with self.at(day):
                    subscription._cancel(now=True)
                self.assertEqual(self.deferred_until(day), 0.0)
                self.earn(date(2027, 12, 31))
                self.assertEqual(self.deferred_until(date(2027, 12, 31)), 0.0)
                self.assertEqual(round(self.revenue() - before, 2), earned)

    def revenue(self):
        income = self.yearly.product_variant_id._get_product_accounts()["income"]
        items = self.env["account.move.line"].search([
            ("account_id", "=", income.id), ("parent_state", "=", "posted")])
        return -sum(items.mapped("balance"))

    def test_ended_unpaid(self):
        day = date(2026, 9, 15)
        subscription = self.subscribe(self.yearly, date(2026, 3, 15))
        self.earn(date(2026, 9, 1))
        with self.at(day):
            subscription._end(reason="unpaid")
        self.assertNothingDeferred(day, subscription, 1200.0)

    def test_changed_and_paused(self):
        """What is given back of the year is no longer deferred; the new year is."""
        day = date(2026, 9, 15)
        subscription = self.year_until(day)
        larger = self.make_plan("Larger", 2400.0, unit="year")
        with self.at(day):
            subscription._change(larger.price_ids)
        first = subscription.period_ids.sorted("date_start")[0]
        self.assertEqual(set(first.line_ids.revenue_deferral_ids.mapped("state")), {"earned"})
        self.assertGreater(self.deferred_until(day), 0.0)
        with self.at(date(2026, 10, 20)):
            self.pay(self.invoices(subscription).filtered("amount_residual"))
            subscription._pause()
        self.assertEqual(self.deferred_until(date(2026, 10, 20)), 0.0)

    def test_invoiced_late(self):
        """A period invoiced after its first months: they are earned at once, the others by month,
        and the invoice tells the days of the period."""
        invoice = self.invoices(self.subscribe(self.yearly, date(2026, 3, 15)))
        invoice.button_draft()
        invoice.write({"invoice_date": date(2026, 6, 20), "date": date(2026, 6, 20)})
        invoice.action_post()
        self.assertEqual(self.dates(invoice), (date(2026, 3, 15), date(2027, 3, 14)))
        self.assertEqual(min(invoice.revenue_deferral_ids.filtered(
            lambda share: not share.is_void).mapped("month")), date(2026, 7, 1))
        vals = self.env["account.edi.xml.cii"]._export_invoice_vals(invoice)
        self.assertEqual([(line["billing_start"], line["billing_end"])
                          for line in vals["invoice_line_vals_list"]],
                         [(date(2026, 3, 15), date(2027, 3, 14))])

    def test_analytic_account_of_a_plan(self):
        plan = self.env["account.analytic.plan"].create({"name": "Offers"})
        self.company.analytic_offer_plan_id = plan
        accounts = self.env["account.analytic.account"].search([("plan_id", "=", plan.id)])
        self.assertIn("Yearly", accounts.mapped("name"))
        pro = self.make_plan("Enterprise", 500.0)
        invoice = self.invoices(self.subscribe(pro, date(2026, 3, 1)))
        account = accounts.search([("plan_id", "=", plan.id), ("name", "=", "Enterprise")])
        self.assertEqual(
            invoice.invoice_line_ids.analytic_distribution, {str(account.id): 100})
