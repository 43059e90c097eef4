from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.concurrency_base.tools import claim_in_order


class SaleOrder(models.Model):
    _inherit = "sale.order"

    subscription_count = fields.Integer(compute="_compute_subscription_count")

    @api.depends("order_line.subscription_ids")
    def _compute_subscription_count(self):
        for order in self:
            # sudo: sales staff see that there are some; opening them needs the right
            order.subscription_count = len(order.order_line.sudo().subscription_ids)

    def _needs_customer_address(self):
        """Ask for the customer's address when a plan is sold.

        Subscriptions are invoiced by themselves, and an invoice names its customer's address (CGI,
        annex II, art. 242 nonies A, I, 1°); Odoo skips it for services.
        """
        return bool(self.order_line.subscription_price_id) or super()._needs_customer_address()

    def _check_cart_is_ready_to_be_paid(self):
        """Check that plans are still on offer as the cart says, and who subscribes.

        :raise ValidationError: names the plan, or the exchange rate that is missing
        :raise AccessError: the buyer may not make contracts of the company; names who may
        """
        result = super()._check_cart_is_ready_to_be_paid()
        if self.order_line.subscription_price_id:
            self.partner_id._check_may_order(self.partner_id)
            self._check_rate_of_plans(ValidationError)
        self.order_line._check_plans_on_offer()
        return result

    def _recompute_prices(self):
        """Look again at the terms of plans, when a cart is shown or staff update the prices."""
        self.order_line.filtered("subscription_price_id")._compute_subscription_terms()
        self.order_line._refresh_plans()
        result = super()._recompute_prices()
        self.order_line._sync_setup_fees()
        return result

    def write(self, vals):
        """Look again at who may have a trial when the customer changes."""
        result = super().write(vals)
        if "partner_id" in vals:  # another customer, another trial
            self.order_line._refresh_plans()
        return result

    def action_confirm(self):
        """Confirm the order, unless a plan on it costs nothing.

        :raise UserError: a plan on the order would be free of charge for no reason, or could not
            be booked for want of an exchange rate
        """
        # sudo: whether money came in, for sales staff who may not see payments
        paid = self.filtered(lambda order: order.sudo().transaction_ids.filtered(
            lambda each: each.state in ("authorized", "done")))
        (self - paid)._check_rate_of_plans(UserError)  # what was paid is confirmed in any case
        self.order_line._settle_subscription_terms()
        return super().action_confirm()

    def _check_rate_of_plans(self, refusal):
        """Refuse plans in a currency whose rate is not known: they would be booked at 1 to 1.

        :param refusal: the class of the error to raise
        """
        for order in self.filtered(lambda order: order.order_line.subscription_price_id):
            if missing := order.currency_id._missing_rate(
                    order.company_id, order.company_id._civil_today()):
                raise refusal(missing)

    def _prepare_invoice(self):
        """Let the first invoice of a plan fall due as its later ones do, when nothing else is
        agreed.
        """
        values = super()._prepare_invoice()
        if not values.get("invoice_payment_term_id"):
            # sudo: sales staff need no right on prices of plans
            plans = self.order_line.sudo().subscription_price_id.plan_id
            values["invoice_payment_term_id"] = plans.payment_term_id[:1].id
        return values

    def _payment_refusal(self):
        """Say why the last attempt to pay the order online was refused; None when it was not, or
        the order is confirmed all the same."""
        last = self.get_portal_last_transaction() if self else None
        if not last or self.state == "sale" or last.is_given_up \
                or last.state not in ("error", "cancel"):
            return None
        return last.state_message or self.env._("The payment was cancelled.")

    def _is_paid_or_under_way(self):
        """Tell whether there is something to thank for: an order, or a payment of it."""
        return self.state == "sale" or any(
            payment.state in ("pending", "authorized", "done")
            for payment in self.transaction_ids)

    def _make_room_for_payment(self):
        """Prepare another attempt to pay orders of plans; see the invoice's.

        :raise UserError: a payment is under way
        """
        orders = self.filtered(lambda order: order.order_line.subscription_price_id)
        if not orders:
            return
        claim_in_order(orders)
        for order in orders:
            if payment := order.transaction_ids._under_way():
                raise UserError(self.env._(
                    "The payment %(reference)s of %(order)s is under way. Wait for the "
                    "provider’s answer.", reference=payment.reference, order=order.name))
        orders.transaction_ids.filtered(lambda each: each.state == "draft")._give_up_attempt()

    def _action_confirm(self):
        """Make a subscription of each recurring service on the order, once."""
        result = super()._action_confirm()
        self.order_line._create_subscriptions()
        return result

    def _sells_subscriptions_only(self):
        """Tell whether all that these orders sell are subscriptions and their setup."""
        lines = self.order_line.filtered(
            lambda line: not line.display_type and not line.is_downpayment
            and not line._lowers_other_lines())
        of_plans = lines.filtered(
            lambda line: line.subscription_ids or line.linked_line_id.subscription_ids)
        return bool(of_plans) and of_plans == lines

    def _action_cancel(self):
        """End at once what a cancelled order started, by the plans' policy (agency case 6).

        :raise UserError: the customer is committed for longer
        """
        # sudo: whoever may cancel the order, its subscriptions go with it
        for subscription in self.order_line.sudo().subscription_ids:
            if subscription.state in subscription._LIVE_STATES:
                subscription._cancel(now=True)
        return super()._action_cancel()

    def _follow_down_payment_note(self, note):
        """Send the credit note of what was paid ahead of subscriptions by mail."""
        result = super()._follow_down_payment_note(note)
        if self.order_line.sudo().subscription_ids:  # sudo: whether there are any
            note._subscription_queue_mail()
        return result

    def _cart_add_plan(self, price):
        """Put a plan in the cart at one of its cycles, once; another cycle takes its place.

        :raise AccessError: the buyer may not make contracts of the company; names who may
        """
        self.ensure_one()
        self.partner_id._check_may_order(self.partner_id)
        product = price.plan_id.product_variant_id
        line = self.order_line.filtered(
            lambda line: line.product_id == product and not line._is_given_by_promotion())[:1]
        if not line:
            line = line.browse(self._cart_add(product.id, 1)["line_id"])
        line.subscription_price_id = price

    def action_view_subscriptions(self):
        """Open the subscriptions that the order started."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.subscription_action")
        return {**action, "domain": [("sale_line_id.order_id", "=", self.id)]}
