from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _needs_customer_address(self):
        """Subscriptions are invoiced by themselves, and an invoice names its customer's
        address (CGI, annex II, art. 242 nonies A, I, 1°); Odoo skips it for services."""
        plans = self.order_line.filtered("subscription_price_id")
        return bool(plans) or super()._needs_customer_address()

    def _action_confirm(self):
        """Recurring services on the order become subscriptions, one a line, once."""
        result = super()._action_confirm()
        self.order_line._create_subscriptions()
        return result

    def _prepare_order_line_values(self, *args, subscription_price_id=None, **kwargs):
        """The price chosen on the pricing page."""
        values = super()._prepare_order_line_values(*args, **kwargs)
        if subscription_price_id:
            values["subscription_price_id"] = subscription_price_id
        return values

    def _cart_find_product_line(self, *args, subscription_price_id=None, **kwargs):
        """Two cycles of one plan are two lines of the cart."""
        lines = super()._cart_find_product_line(*args, **kwargs)
        if not subscription_price_id:
            return lines
        return lines.filtered(
            lambda line: line.subscription_price_id.id == subscription_price_id)

    def _verify_updated_quantity(self, *args, subscription_price_id=None, **kwargs):
        return super()._verify_updated_quantity(*args, **kwargs)

    def action_view_subscriptions(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_quota.subscription_action")
        return {**action, "domain": [("sale_line_id.order_id", "=", self.id)]}
