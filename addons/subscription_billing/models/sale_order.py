from odoo import api, fields, models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    subscription_count = fields.Integer(compute="_compute_subscription_count")

    @api.depends("order_line.subscription_ids")
    def _compute_subscription_count(self):
        for order in self:
            # sudo: sales staff see that there are some; opening them needs the right
            order.subscription_count = len(order.order_line.sudo().subscription_ids)

    def _needs_customer_address(self):
        """Subscriptions are invoiced by themselves, and an invoice names its customer's
        address (CGI, annex II, art. 242 nonies A, I, 1°); Odoo skips it for services."""
        return bool(self.order_line.subscription_price_id) or super()._needs_customer_address()

    def _action_confirm(self):
        """Recurring services on the order become subscriptions, one a line, once."""
        result = super()._action_confirm()
        self.order_line._create_subscriptions()
        return result

    def _action_cancel(self):
        """A cancelled order ends at once what it started, by the plans' policy (case 6).

        :raise UserError: the customer is committed for longer
        """
        # sudo: whoever may cancel the order, its subscriptions go with it
        for subscription in self.order_line.sudo().subscription_ids:
            if subscription.state in subscription._LIVE_STATES:
                subscription._cancel(now=True)
        return super()._action_cancel()

    def _cart_add_plan(self, price):
        """Put a plan in the cart at one of its cycles, once; another cycle takes its place."""
        self.ensure_one()
        product = price.plan_id.product_variant_id
        line = self.order_line.filtered(lambda line: line.product_id == product)[:1]
        if not line:
            line = line.browse(self._cart_add(product.id, 1)["line_id"])
        line.subscription_price_id = price

    def action_view_subscriptions(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.subscription_action")
        return {**action, "domain": [("sale_line_id.order_id", "=", self.id)]}
