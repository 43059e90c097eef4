from contextlib import contextmanager

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class CreditAccountingCase(TransactionCase):
    """A French company with a pack of 10 credits at 100.00 + VAT 20 %, and a customer.

    Whatever a test does, the ledger and the books agree when it ends.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._set_up_company()

    @classmethod
    def _set_up_company(cls):
        """What the company of the environment sells, to whom, and its accounts."""
        cls.company = cls.env.company
        cls.company.credit_tz = "Europe/Paris"
        cls.company._credit_create_accounts()
        cls.vat = cls._make_vat(20.0)
        cls.pack = cls._make_pack("Pack of 10", 10, 100.0)
        cls.training = cls.env["product.product"].create({
            "name": "Training", "type": "service", "taxes_id": [Command.set(cls.vat.ids)]})
        cls.customer = cls.env["res.partner"].create({
            "name": "Camille Client", "email": "camille@example.com", "lang": "en_US",
            "country_id": cls.env.ref("base.fr").id})
        cls.wallet = cls.env["credit.wallet"]._of(cls.customer, cls.company)
        cls.deferred = cls.company.credit_deferred_account_id
        cls.pending = cls.company.credit_pending_account_id
        cls.breakage = cls.company.credit_breakage_account_id
        cls.giveback = cls.company.credit_giveback_account_id

    def tearDown(self):
        self.assertEqual(self.env["credit.wallet"]._check_invariants(), [])
        super().tearDown()

    @classmethod
    def _make_vat(cls, amount, **vals):
        vat = cls.env["account.tax"].search([
            ("type_tax_use", "=", "sale"), ("amount", "=", 20.0),
            ("company_id", "=", cls.company.id), ("price_include_override", "!=",
                                                  "tax_included")], limit=1)
        name = " ".join(["VAT of the test", str(amount), *map(str, vals)])
        known = vat.search([("name", "=", name), ("company_id", "=", cls.company.id)])
        if vat and not known:
            return vat.copy({"name": name, "amount": amount, **vals})
        return known or vat.create({"name": name, "amount": amount, "type_tax_use": "sale", **vals})

    @classmethod
    def _make_pack(cls, name, credits, price, **vals):
        return cls.env["product.product"].create({
            "name": name, "type": "service", "service_tracking": "credit_pack",
            "invoice_policy": "order", "credit_count": credits, "list_price": price,
            "taxes_id": [Command.set(cls.vat.ids)], **vals})

    def _order(self, quantity=1, pack=None, **line):
        order = self.env["sale.order"].create({
            "partner_id": self.customer.id,
            "order_line": [Command.create({
                "product_id": (pack or self.pack).id, "product_uom_qty": quantity, **line})]})
        order.action_confirm()
        return order

    def _invoice(self, quantity=1, pack=None, **line):
        """Make a posted invoice of packs, from an order, not paid."""
        invoice = self._order(quantity, pack, **line)._create_invoices()
        invoice.action_post()
        return invoice

    def _pay(self, invoice, amount=None):
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create(
                {"amount": amount} if amount else {})
        return wizard._create_payments()

    def _buy(self, quantity=1, pack=None, **line):
        invoice = self._invoice(quantity, pack, **line)
        self._pay(invoice)
        return invoice

    def _book(self, credits, key=None):
        """Spend credits on a training; its zero-payable invoice."""
        entry = self.wallet._spend(credits, f"booking:test:{key or self.wallet.balance}")
        return entry._create_consumption_invoice(self.training, "Training", self.customer)

    def _credit_dialog(self, invoice, scope="left"):
        return self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids).create(
                {"journal_id": invoice.journal_id.id, "credit_scope": scope})

    def _credit_note(self, invoice, quantity=None, price=None, post=True, scope="all"):
        """Make the credit note that the button of the invoice makes, of everything paid."""
        wizard = self._credit_dialog(invoice, scope)
        note = self.env["account.move"].browse(wizard.refund_moves()["res_id"])
        vals = {}
        if quantity is not None:
            vals["quantity"] = quantity
        if price is not None:
            vals["price_unit"] = price
        if vals:
            note.write({"invoice_line_ids": [
                Command.update(line.id, vals) for line in note.invoice_line_ids]})
        if post:
            note.action_post()
        return note

    @contextmanager
    def assertRefused(self, pattern):
        """Check that the block ends in a UserError whose message matches; undo the block."""
        with self.assertRaisesRegex(UserError, pattern), self.env.cr.savepoint():
            yield

    def _balance(self, account):
        """Sum the posted items of what the account owes the customer (credit +)."""
        return -sum(self.env["account.move.line"].search([
            ("account_id", "=", account.id), ("parent_state", "=", "posted"),
            ("partner_id", "=", self.customer.id)]).mapped("balance"))

    def assertOwed(self, deferred=0.0, pending=0.0, breakage=0.0, giveback=0.0):
        """Credit balances of the four accounts of credits, for the customer."""
        self.assertEqual(
            [round(self._balance(account), 2) for account in (
                self.deferred, self.pending, self.breakage, self.giveback)],
            [deferred, pending, breakage, giveback])
