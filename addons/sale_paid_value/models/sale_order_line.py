from odoo import models


class SaleOrderLine(models.Model):
    _name = "sale.order.line"
    _inherit = ["sale.order.line", "paid.value.mixin"]

    def _documents_lines(self):
        return [
            order.order_line.filtered(lambda line: not line.display_type)
            for order in self.order_id]

    def _paid_quantity(self):
        return self.product_uom_qty

    def _is_given_by_promotion(self):
        """Tell whether a promotion gives the line away, not a person.

        Extension point: by default, all that is free was given by a person.
        """
        self.ensure_one()
        return False
