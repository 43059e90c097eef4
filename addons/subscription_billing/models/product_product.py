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
            self.product_tmpl_id._subscription_plans()._check_can_be_archived()
        return super().write(vals)

    def unlink(self):
        """Delete the service of a plan as a whole: see ``product.template``."""
        of_plans = self.exists().filtered(
            lambda product: product.product_tmpl_id._subscription_plans())
        of_plans.product_tmpl_id.unlink()
        return super(ProductProduct, self - of_plans).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_setup(self):
        self.product_tmpl_id._check_no_setup()
