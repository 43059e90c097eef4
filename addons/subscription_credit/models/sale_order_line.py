from odoo import models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _credit_is_sold(self):
        """Count subscriptions that grant credits, too: the shop then shows the balance, and the
        way back to the booking that lacked them.
        """
        # sudo: prices of plans on sale are public
        return bool(self.subscription_price_id.sudo().granted_credits) or super()._credit_is_sold()
