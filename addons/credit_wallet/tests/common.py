from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user


class CreditCommon(TransactionCase):
    """A French company with credits, one customer, one user a role; no demo data."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.company.credit_tz = "Europe/Paris"
        cls.company._credit_create_accounts()
        cls.customer = cls.env["res.partner"].create(
            {"name": "Camille", "email": "camille@example.com", "lang": "en_US"})
        cls.wallet = cls.env["credit.wallet"]._of(cls.customer, cls.company)
        cls.manager = new_test_user(
            cls.env, "credit_manager", "credit_wallet.group_credit_manager")
        cls.user = new_test_user(cls.env, "credit_user", "credit_wallet.group_credit_user")

    @classmethod
    def make_pack(cls, credits=10, price=100.0, **vals):
        return cls.env["product.template"].create({
            "name": f"Pack {credits}", "type": "service", "service_tracking": "credit_pack",
            "invoice_policy": "order", "credit_count": credits, "list_price": price,
            "taxes_id": [Command.clear()], **vals})

    @classmethod
    def sell(cls, pack, quantity=1, partner=None, pay=True, **line):
        """Order, invoice, and pay when asked.

        :return: the invoice
        """
        order = cls.env["sale.order"].create({
            "partner_id": (partner or cls.customer).id,
            "order_line": [Command.create({
                "product_id": pack.product_variant_id.id, "product_uom_qty": quantity, **line})]})
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        if pay:
            cls.pay(invoice)
        return invoice

    @classmethod
    def pay(cls, invoice):
        cls.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create({})._create_payments()

    def give(self, credits, value=0.0, expiry_date=False, key=None):
        count = self.env["credit.entry"].search_count([])
        return self.wallet._grant(
            credits, value, key or f"test:{count}", kind="adjustment", reason="Test",
            expiry_date=expiry_date)

    def assertLedgerAgrees(self):
        """Balance = sum of entries = sum of lots, in credits and in value."""
        self.env.flush_all()
        for wallet in self.env["credit.wallet"].search([]):
            entries, lots = wallet.entry_ids, wallet.lot_ids
            self.assertEqual(wallet.balance, sum(entries.mapped("credits")))
            self.assertEqual(wallet.balance, sum(lots.mapped("remaining")))
            self.assertAlmostEqual(
                sum(entries.mapped("value")), sum(lots.mapped("value_remaining")), 2)
            self.assertGreaterEqual(wallet.balance, 0)
