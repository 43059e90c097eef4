from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import MAX_QUANTITY


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    quota_subscription_id = fields.Many2one(
        "subscription.subscription", string="For the subscription",
        compute="_compute_quota_subscription_id", store=True, readonly=False, precompute=True,
        ondelete="restrict", index="btree_not_null",
        domain="[('commercial_partner_id', 'parent_of', order_partner_id),"
        " ('state', 'in', ['trial', 'active', 'past_due', 'suspended'])]",
        help="The subscription to which the extra units are added.")

    @api.depends("product_id", "order_id.partner_id", "order_id.company_id")
    def _compute_quota_subscription_id(self):
        """Choose the only subscription that counts what the pack has units of; leave several to
        people.
        """
        for line in self:
            current, line.quota_subscription_id = line.quota_subscription_id, False
            if line._is_quota_pack():
                possible = line._quota_subscriptions()
                line.quota_subscription_id = (
                    current & possible or (possible if len(possible) == 1 else False))

    def _quota_subscriptions(self):
        """Return the customer's subscriptions to which extra units of the pack may be added."""
        self.ensure_one()
        order = self.order_id
        # sudo: visitors and sales staff need no right on subscriptions; the customer's own
        return self.env["subscription.subscription"].sudo()._with_quota(
            order.partner_id, order.company_id, self.product_id.sudo().quota_metric_id)

    def _is_quota_pack(self):
        self.ensure_one()
        return self.product_id.service_tracking == "quota_pack"

    @api.constrains("quota_subscription_id", "product_id", "product_uom_qty")
    def _check_quota_pack(self):
        for line in self:
            if line.quota_subscription_id and (
                    not line._is_quota_pack()
                    or line.quota_subscription_id not in line._quota_subscriptions()):
                raise ValidationError(self.env._(
                    "“%(pack)s” cannot be added to this subscription: choose one of the "
                    "customer's own that counts the same units.",
                    pack=line.product_id.display_name))
            if line._is_quota_pack() and line.product_uom_qty != int(line.product_uom_qty):
                raise ValidationError(self.env._(
                    "%(pack)s is sold by the piece: %(quantity)s is not a whole number.",
                    pack=line.product_id.display_name, quantity=line.product_uom_qty))
            # sudo: visitors of the shop have no right on metrics
            units = line.product_id.sudo().quota_units * line.product_uom_qty
            if line._is_quota_pack() and units > MAX_QUANTITY:
                raise ValidationError(self.env._(
                    "“%(pack)s” has too many units: at most %(most)s.",
                    pack=line.product_id.display_name, most=MAX_QUANTITY))

    def _check_quota_packs_placed(self):
        """Refuse packs for which nobody chose the subscription.

        :raise ValidationError: names the pack
        """
        for line in self:
            if line._is_quota_pack() and not line.quota_subscription_id:
                raise ValidationError(self.env._(
                    "“%(pack)s” is not for any subscription yet. Buy it from the page of your "
                    "subscription, or choose the subscription on the line of the order.",
                    pack=line.product_id.display_name))

    @api.onchange("quota_subscription_id")
    def _onchange_quota_subscription_id(self):
        """Refresh the description of a pack.

        The subscription is no dependency of the description: changing the customer would reset the
        descriptions of all lines.
        """
        if self._is_quota_pack():
            self._compute_name()

    def _get_sale_order_line_multiline_description_sale(self):
        """Name the subscription that the pack is for, on the cart and the invoice."""
        description = super()._get_sale_order_line_multiline_description_sale()
        if not self.quota_subscription_id:
            return description
        # sudo: see _quota_subscriptions
        return description + "\n" + self.env._(
            "For the subscription %(subscription)s",
            subscription=self.quota_subscription_id.sudo().name)
