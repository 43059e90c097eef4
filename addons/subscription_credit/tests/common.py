from datetime import date

from odoo.tests import tagged

from odoo.addons.subscription_billing.tests.common import SubscriptionCommon

START = date(2027, 1, 1)


@tagged("post_install", "-at_install")
class SubscriptionCreditCase(SubscriptionCommon):
    """Plans of 10 credits at 100.00 and of 20 at 200.00 a month, VAT 20 %, and a customer.

    Whatever a test does, the ledger and the books agree when it ends.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_tz = "Europe/Paris"
        cls.company._credit_create_accounts()
        cls.vat = cls.make_tax(20)
        cls.small = cls.make_credit_plan("INSAHO 10", 100.0, 10)
        cls.large = cls.make_credit_plan("INSAHO 20", 200.0, 20)
        cls.wallet = cls.env["credit.wallet"]._of(cls.customer, cls.company)
        cls.training = cls.env["product.product"].create({
            "name": "Training", "type": "service", "taxes_id": [(6, 0, cls.vat.ids)]})
        cls.deferred = cls.company.credit_deferred_account_id
        cls.pending = cls.company.credit_pending_account_id
        cls.breakage = cls.company.credit_breakage_account_id
        cls.giveback = cls.company.credit_giveback_account_id

    def tearDown(self):
        self.assertEqual(self.env["credit.wallet"]._check_invariants(), [])
        super().tearDown()

    @classmethod
    def make_tax(cls, amount, name=None, **vals):
        """Make a tax on services as the chart has them, with their account, due on payment."""
        chart = cls.env["account.tax"].search([
            ("type_tax_use", "=", "sale"), ("amount", "=", 20.0), ("tax_scope", "=", "service"),
            ("price_include_override", "!=", "tax_included"),
            ("company_id", "=", cls.company.id)], limit=1)
        return chart.copy({"name": name or f"Test {amount} %", "amount": amount, **vals})

    @classmethod
    def make_credit_plan(cls, name, amount, credits, **vals):
        vals.setdefault("taxes", cls.vat)
        plan = cls.make_plan(name, amount, **vals)
        plan.price_ids.granted_credits = credits
        return plan

    def bought(self, plan=None, start=START, **vals):
        """Make a subscription whose first invoice is paid the same day."""
        subscription = self.subscribe(plan or self.small, start, **vals)
        with self.at(start):
            self.pay(self.invoices(subscription))
        return subscription

    def pay_all(self, subscription, day):
        """Pay what is open, as a customer would on a day."""
        with self.at(day):
            for invoice in self.invoices(subscription).filtered("amount_residual"):
                self.pay(invoice)

    def book(self, credits, day=START):
        """Spend credits on a training; its zero-payable invoice."""
        with self.at(day):
            count = self.env["credit.entry"].search_count([])
            entry = self.wallet._spend(credits, f"booking:test:{count}")
            return entry._create_consumption_invoice(self.training, "Training", self.customer)

    def lots(self):
        """List what was granted, what is left and what it is worth, in the order of the grants."""
        self.wallet.invalidate_recordset()
        return [(lot.granted, lot.remaining, lot.value_remaining)
                for lot in self.wallet.lot_ids.sorted("id")]

    def balance(self, account):
        """Sum what the account owes (credit +), posted items of the customer."""
        return round(-sum(self.env["account.move.line"].search([
            ("account_id", "=", account.id), ("parent_state", "=", "posted"),
            ("partner_id", "=", self.customer.id)]).mapped("balance")), 2)

    def assertOwed(self, deferred=0.0, pending=0.0, breakage=0.0, giveback=0.0):
        """Credit balances of the four accounts of credits, for the customer."""
        self.assertEqual(
            [self.balance(account) for account in (
                self.deferred, self.pending, self.breakage, self.giveback)],
            [deferred, pending, breakage, giveback])
