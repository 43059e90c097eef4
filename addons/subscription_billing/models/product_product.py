from odoo import api, models


class ProductProduct(models.Model):
    _inherit = "product.product"

    def _price_compute(self, price_type, uom=None, currency=None, company=None, date=False):
        """Let the shop show for a plan what the cart asks: see ``_subscription_list_prices``."""
        prices = super()._price_compute(price_type, uom, currency, company, date)
        if price_type == "list_price":
            plans = self.product_tmpl_id._subscription_list_prices(currency, company, date)
            prices.update({product.id: plans[product.product_tmpl_id.id] for product in self
                           if product.product_tmpl_id.id in plans})
        return prices

    def write(self, vals):
        """Refuse to archive what live subscriptions are billed with."""
        if vals.get("active") is False:
            self.product_tmpl_id._subscription_plans()._check_no_live_subscription()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_plan(self):
        self.product_tmpl_id._unlink_except_plan()
