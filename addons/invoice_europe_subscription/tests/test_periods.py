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
