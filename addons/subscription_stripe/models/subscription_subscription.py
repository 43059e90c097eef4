from odoo import fields, models


class SubscriptionSubscription(models.Model):
    _inherit = "subscription.subscription"

    dispute_count = fields.Integer(compute="_compute_dispute_count", string="Disputes")

    def _compute_dispute_count(self):
        counts = self._count_disputes([])
        for subscription in self:
            subscription.dispute_count = counts.get(subscription, 0)

    def _count_disputes(self, domain, field="subscription_ids"):
        """Count the disputes that concern each subscription.

        :return: dict of a subscription to how many disputes concern it
        """
        # sudo: how many there are, for staff who may see the subscription
        return dict(self.env["payment.dispute"].sudo()._read_group(
            [(field, "in", self.ids), *domain], [field], ["__count"]))

    def action_view_disputes(self):
        """Open the disputes about payments for the subscription."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_stripe.payment_dispute_action")
        return {**action, "domain": [("subscription_ids", "in", self.ids)], "context": {}}

    def _recover(self):
        """Keep a service that stopped because a payment is contested waiting for the bank's
        decision, whatever else is paid meanwhile.
        """
        frozen = self._count_disputes([("closed_at", "=", False)], "frozen_subscription_ids")
        free = self.filtered(lambda each: each.state != "suspended" or each not in frozen)
        return super(SubscriptionSubscription, free)._recover()

    def _wants_token(self):
        """Ask for another card also while the saved one is contested."""
        return super()._wants_token() or self.token_id._is_contested()

    def _send_mail(self, template):
        """Leave the customer out of a dispute where the policy says so."""
        if self.env.context.get("subscription_silent"):
            return None
        return super()._send_mail(template)
