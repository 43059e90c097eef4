from odoo import api, models


class ProductProduct(models.Model):
    _inherit = "product.product"

    def write(self, vals):
        if vals.get("active") is False:
            self.product_tmpl_id._subscription_plans()._check_no_live_subscription()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_plan(self):
        self.product_tmpl_id._unlink_except_plan()
