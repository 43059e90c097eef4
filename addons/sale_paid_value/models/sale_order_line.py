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
