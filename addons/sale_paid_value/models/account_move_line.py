from odoo import models


class AccountMoveLine(models.Model):
    _name = "account.move.line"
    _inherit = ["account.move.line", "paid.value.mixin"]

    def _documents_lines(self):
        return [
            move.invoice_line_ids.filtered(lambda line: line.display_type == "product")
            for move in self.move_id]

    def _paid_quantity(self):
        return self.quantity

    def _paid_amount(self, measure):
        """Return an amount above zero: invoices credit their lines, credit notes debit them."""
        if measure == "balance":
            return self.balance * self.move_id.direction_sign
        return super()._paid_amount(measure)

    def _paid_currency(self, measure):
        return self.company_currency_id if measure == "balance" else self.currency_id

    def _discounted_lines(self, lines):
        """Put the lines of the discount's own order first, when an invoice bills several orders."""
        groups = super()._discounted_lines(lines)
        order = self.sale_line_ids.order_id
        if not order:
            return groups
        of_order = lines.filtered(lambda line: line.sale_line_ids.order_id & order)
        return [groups[0] & of_order, of_order, *groups]
