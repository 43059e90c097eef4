from odoo.fields import Command
from odoo.tests import TransactionCase


class PaidValueCommon(TransactionCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.env["res.partner"].create({"name": "Camille"})
        vat = cls.env["account.tax"].search([
            ("type_tax_use", "=", "sale"), ("amount", "=", 20.0),
            ("company_id", "=", cls.env.company.id)], limit=1)
        cls.vat20, cls.vat10, cls.vat20_included = (
            vat.copy({"name": f"{rate} {mode}", "amount": rate, "price_include_override": mode})
            for rate, mode in ((20, "tax_excluded"), (10, "tax_excluded"), (20, "tax_included")))
        cls.products = cls.env["product.product"].create([
            {"name": name, "type": "service", "invoice_policy": "order", "list_price": 100.0,
             "taxes_id": [Command.clear()]} for name in ("A", "B", "C")])

    @classmethod
    def order(cls, *lines):
        """Make an order of lines given as (price, taxes) or (price, taxes, quantity)."""
        return cls.env["sale.order"].create({
            "partner_id": cls.customer.id, "order_line": [
                cls.line(product, *line)
                for product, line in zip(cls.products, lines, strict=False)]})

    @classmethod
    def line(cls, product, price, taxes=None, quantity=1, **vals):
        taxes = taxes or cls.env["account.tax"]
        return Command.create({
            "product_id": product.id, "product_uom_qty": quantity, "price_unit": price,
            "tax_ids": [Command.set(taxes.ids)], **vals})

    @classmethod
    def discount(cls, order, kind="so_discount", percentage=0.0, amount=0.0):
        """Do what a click in Odoo's "Discount" wizard does."""
        cls.env["sale.order.discount"].create({
            "sale_order_id": order.id, "discount_type": kind, "discount_amount": amount,
            "discount_percentage": percentage}).action_apply_discount()

    @classmethod
    def invoice(cls, order):
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        return invoice

    @classmethod
    def credit_note(cls, invoice):
        wizard = cls.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids).create(
                {"journal_id": invoice.journal_id.id})
        return cls.env["account.move"].browse(wizard.refund_moves()["res_id"])

    def paid(self, document, measure="price_subtotal"):
        """Return the values of the lines of products A, B, C, in their order."""
        lines = document.order_line if document._name == "sale.order" else (
            document.invoice_line_ids)
        values = lines._paid_values(measure)
        self.assertAlmostEqual(sum(values.values()), sum(
            line._paid_amount(measure) for line in lines), 6)
        return [round(value, 2) for line, value in values.items()
                if line.product_id in self.products]
