from odoo import api, fields, models


class DunningAction(models.Model):
    """A dunning step done for an unpaid period: one row, hence one effect."""

    _name = "dunning.action"
    _description = "Dunning Action"
    _engine_only = True
    _order = "period_id, days"

    period_id = fields.Many2one(
        "subscription.period", required=True, readonly=True, ondelete="cascade")
    subscription_id = fields.Many2one(related="period_id.subscription_id")
    company_id = fields.Many2one(related="period_id.company_id", store=True, precompute=True)
    days = fields.Integer(required=True, readonly=True)
    done = fields.Char(string="What was done", readonly=True)

    _once = models.Constraint("UNIQUE(period_id, days)", "This step was already done.")

    @api.depends("days", "done")
    def _compute_display_name(self):
        for action in self:
            action.display_name = action.env._(
                "Day %(days)s: %(done)s", days=action.days, done=action.done or "–")
