from odoo import api, fields, models

CHOICES = [
    ("no", "No: keep the order, stop the renewals"),
    ("yes", "Yes: cancel the order at once"),
]


class SubscriptionCancel(models.TransientModel):
    """Wizard to cancel with the order, or at the end of what is paid (agency cases 5 and 6)."""

    _name = "subscription.cancel"
    _description = "Cancel a Subscription"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True,
        default=lambda self: self.env.context.get("active_id"))
    cancel_order = fields.Selection(
        CHOICES, string="Cancel the current order, too?", required=True, default="no")
    end_date = fields.Date(
        string="The service ends on", compute="_compute_end_date", help="First day without it.")
    policy = fields.Selection(related="subscription_id.cancel_policy", string="Credit")

    @api.depends("cancel_order", "subscription_id")
    def _compute_end_date(self):
        for wizard in self:
            subscription = wizard.subscription_id
            wizard.end_date = subscription and (
                subscription._end_of_commitment() if wizard.cancel_order == "no"
                else fields.Date.add(subscription._today(), days=1))

    def action_confirm(self):
        """Cancel as chosen."""
        self.subscription_id._by_staff()._cancel(now=self.cancel_order == "yes")
        return {"type": "ir.actions.act_window_close"}
