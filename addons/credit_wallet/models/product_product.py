from odoo import api, models
from odoo.exceptions import UserError


class ProductProduct(models.Model):
    _inherit = "product.product"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sold_packs(self):
        # sudo: whether it was ever put on an order, of any company
        sold = self.env["sale.order.line"].sudo().search(
            [("product_id", "in", self.ids), ("credit_count", ">", 0)], limit=1)
        if sold:
            raise UserError(self.env._(
                "“%(pack)s” is on orders (%(order)s) and cannot be deleted. Archive it "
                "instead: it is no longer sold, and whoever ordered it gets its credits.",
                pack=sold.product_id.display_name, order=sold.order_id.name))
