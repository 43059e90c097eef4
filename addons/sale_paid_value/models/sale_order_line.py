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

    def _gives_down_payment_back(self):
        """Tell whether a down payment is given back when the order is cancelled before the line is
        invoiced.

        Extension point: by default, it is up to staff.
        """
        self.ensure_one()
        return False
