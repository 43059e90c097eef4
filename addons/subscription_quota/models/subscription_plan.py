from odoo import fields, models

QUOTA_INTERVALS = [("billing", "With the billing period"), ("month", "Each month")]


class SubscriptionPlan(models.Model):
    """A plan and what it allows: live for all subscribers, see ``quota.plan.limit``. The days of
    grace are those of the day of a change."""

    _inherit = "subscription.plan"

    quota_limit_ids = fields.One2many(
        "quota.plan.limit", "plan_id", string="Limits", copy=True)
    quota_interval = fields.Selection(
        QUOTA_INTERVALS, string="Quotas start anew", required=True, default="billing",
        help="What is counted per period: with each billing period, or each month from the "
        "start of the subscription even when it is billed by the year.")
    quota_grace_days = fields.Integer(
        string="Grace (days)", default=7,
        help="Days after a change to this plan in which what is held above its limits is kept.")

    _grace_not_negative = models.Constraint(
        "CHECK(quota_grace_days >= 0)", "The days of grace of a plan are 0 or more.")
