from odoo import api, models
from odoo.exceptions import ValidationError


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.constrains("product_id", "product_uom_qty")
    def _check_whole_packs(self):
        for line in self:
            if (line.product_id.service_tracking == "credit_pack"
                    and line.product_uom_qty != int(line.product_uom_qty)):
                raise ValidationError(self.env._(
                    "%(pack)s is sold by the piece: %(quantity)s is not a whole number.",
                    pack=line.product_id.display_name, quantity=line.product_uom_qty))
