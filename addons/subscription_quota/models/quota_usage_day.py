from odoo import fields, models


class QuotaUsageDay(models.Model):
    """Units consumed and given back in a day, for history and graphs whatever the volume."""

    _name = "quota.usage.day"
    _description = "Quota Usage of a Day"
    _rec_name = "metric_id"
    _engine_only = True
    _order = "day desc, id desc"
    _log_access = False

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="restrict")
    metric_id = fields.Many2one(
        "quota.metric", required=True, readonly=True, index=True, ondelete="restrict")
    day = fields.Date(required=True, readonly=True, help="Civil day where the customer lives.")
    consumed = fields.Integer(required=True, readonly=True)
    released = fields.Integer(required=True, readonly=True)

    _once = models.Constraint(
        "UNIQUE(subscription_id, metric_id, day)", "This day already has its total.")
