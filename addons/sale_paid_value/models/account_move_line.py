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

    def _prepare_part(self, untaxed, total):
        """Prepare the values of a line that bears a part of this one, to the cent.

        :param float untaxed: the part without taxes
        :param float total: the part with them; the taxes share the difference as they do here
        """
        self.ensure_one()
        taxes = self.tax_ids.flatten_taxes_hierarchy()
        whole = self.price_total - self.price_subtotal
        details = self.tax_ids.compute_all(
            self.price_unit, self.currency_id, self.quantity)["taxes"]
        weights = {tax.id: sum(each["amount"] for each in details if each["id"] == tax.id)
                   for tax in taxes}
        amounts = {tax: self.currency_id.round(
            (total - untaxed) * weight / whole if whole else 0.0)
            for tax, weight in weights.items()}
        if taxes:
            amounts[taxes[-1].id] += self.currency_id.round(
                total - untaxed - sum(amounts.values()))
        price = total if taxes and all(taxes.mapped("price_include")) else untaxed
        return {
            "quantity": 1.0, "discount": 0.0, "price_unit": price,
            "extra_tax_data": {
                "currency_id": self.currency_id.id, "price_unit": price, "discount": 0.0,
                "quantity": 1.0, "manual_total_excluded_currency": untaxed,
                "manual_tax_amounts": {
                    str(tax): {"tax_amount_currency": amount, "base_amount_currency": untaxed}
                    for tax, amount in amounts.items()}}}
