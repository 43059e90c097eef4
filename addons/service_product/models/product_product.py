from odoo import api, models


class ProductProduct(models.Model):
    _inherit = "product.product"

    @api.model_create_multi
    def create(self, vals_list):
        """Give new services what services bear; see ``product.template``."""
        templates = self.env["product.template"]
        return super().create([
            vals if vals.get("product_tmpl_id") else templates._service_complete(vals)
            for vals in vals_list])

    @api.onchange("type", "service_tracking")
    def _onchange_service(self):
        """Change the taxes with the type; see ``product.template``."""
        self.product_tmpl_id._service_follow_type(self)

    def action_repair_service(self):
        """Put the taxes and the account of the service right; see ``product.template``."""
        return self.product_tmpl_id.action_repair_service()
