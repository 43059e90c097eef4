from odoo import models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    def _service_is_sold(self):
        """Count what trainings are invoiced as: it is on no price list."""
        return super()._service_is_sold() or bool(
            # sudo: whether a training is invoiced as it, for whoever keeps the products
            self.env["event.type"].sudo().search_count(
                [("is_training", "=", True),
                 ("training_product_id.product_tmpl_id", "in", self._origin.ids)], limit=1))
