from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _needs_customer_address(self):
        """Ask for the address that the invoice of extra units must name, as for a plan."""
        packs = self.order_line.filtered(lambda line: line._is_quota_pack())
        return bool(packs) or super()._needs_customer_address()

    def _check_cart_is_ready_to_be_paid(self):
        """Refuse a cart with extra units for no subscription.

        :raise ValidationError: names the pack
        """
        result = super()._check_cart_is_ready_to_be_paid()
        self.order_line._check_quota_packs_placed()
        return result

    def _action_confirm(self):
        """Refuse extra units that are for no subscription."""
        self.order_line._check_quota_packs_placed()
        return super()._action_confirm()

    def _cart_add_quota_pack(self, pack, subscription):
        """Put a pack of extra units in the cart, for one of the customer's subscriptions."""
        self.ensure_one()
        self._cart_add(
            pack.product_variant_id.id, 1, quota_subscription_id=subscription.id)

    def _cart_find_product_line(self, *args, quota_subscription_id=None, **kwargs):
        """Keep the same pack for another subscription on another line."""
        lines = super()._cart_find_product_line(*args, **kwargs)
        if quota_subscription_id:
            lines = lines.filtered(
                lambda line: line.quota_subscription_id.id == quota_subscription_id)
        return lines

    def _prepare_order_line_values(self, *args, quota_subscription_id=None, **kwargs):
        """Keep the subscription that extra units in the cart are for."""
        values = super()._prepare_order_line_values(*args, **kwargs)
        if quota_subscription_id:
            values["quota_subscription_id"] = quota_subscription_id
        return values
