from odoo import api, fields, models
from odoo.tools import format_date

from ..tools.feedback import say


class SubscriptionDunningWait(models.TransientModel):
    """Wizard to give a customer time: the next dunning step comes on an agreed day."""

    _name = "subscription.dunning.wait"
    _description = "Put off the Dunning"

    period_id = fields.Many2one(
        "subscription.period", required=True, readonly=True,
        default=lambda self: self.env.context.get("active_id"))
    period_ids = fields.Many2many(
        "subscription.period", string="Unpaid", readonly=True,
        default=lambda self: self._default_period_ids())
    date = fields.Date(
        string="Next step on", required=True,
        default=lambda self: fields.Date.add(fields.Date.context_today(self), days=7))

    @api.model
    def _default_period_ids(self):
        """Return the lines chosen in the list, or the one of the button."""
        context = self.env.context
        return context.get("active_ids") or [context["active_id"]] if context.get(
            "active_id") else []

    def action_confirm(self):
        """Put the next step of all of them off to the day chosen.

        :raise UserError: names the first that is not chased
        """
        periods = self.period_ids | self.period_id
        periods.subscription_id._by_staff()
        periods.sudo()._dunning_wait(self.date)  # sudo: see _by_staff
        return say(self.env._("Nothing is done before %(date)s.", date=format_date(
            self.env, self.date)))
