from odoo import fields, models


class SubscriptionDunningWait(models.TransientModel):
    """Wizard to give a customer time: the next dunning step comes on an agreed day."""

    _name = "subscription.dunning.wait"
    _description = "Put off the Dunning"

    period_id = fields.Many2one(
        "subscription.period", required=True, readonly=True,
        default=lambda self: self.env.context.get("active_id"))
    date = fields.Date(
        string="Next step on", required=True,
        default=lambda self: fields.Date.add(fields.Date.context_today(self), days=7))

    def action_confirm(self):
        """Put the next step off to the day chosen."""
        self.period_id.subscription_id._by_staff()
        self.period_id.sudo()._dunning_wait(self.date)  # sudo: see _by_staff
        return {"type": "ir.actions.act_window_close"}
