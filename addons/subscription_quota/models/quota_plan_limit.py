from odoo import api, fields, models

MODES = [
    ("hard", "Refuse"),
    ("soft", "Allow and bill"),
    ("warn", "Allow and warn"),
]


class QuotaPlanLimit(models.Model):
    """How much of a metric a plan includes, and what happens beyond.

    Deliberately live, unlike the price of the plan: a limit, its mode and its price beyond are
    read when a unit is counted, and a change is for all subscribers at once. Who was promised more
    has limits of their own (``quota.override``); what was counted stays at the price of its moment.
    """

    _name = "quota.plan.limit"
    _description = "Limit of a Plan"
    _order = "plan_id, sequence, id"

    plan_id = fields.Many2one("subscription.plan", required=True, ondelete="cascade")
    metric_id = fields.Many2one(
        "quota.metric", required=True, ondelete="restrict", index=True)
    sequence = fields.Integer(related="metric_id.sequence", store=True, engine=True)
    kind = fields.Selection(related="metric_id.kind")
    limit_value = fields.Integer(
        string="Limit", help="For a feature: 1 when the plan includes it, 0 when it does not.")
    unlimited = fields.Boolean()
    per_unit = fields.Boolean(
        string="For each unit", default=True,
        help="Five seats of the plan have five times the limit.")
    mode = fields.Selection(
        MODES, string="Beyond", required=True, default="hard",
        help="Refuse: nothing passes the limit. Allow and bill: units beyond the limit are on "
        "the next renewal's invoice, or on one of their own when that is more than a month "
        "away. Allow and warn: they are told, and free.")
    currency_id = fields.Many2one(related="plan_id.currency_id")
    overage_price = fields.Monetary(
        string="Price beyond",
        help="Of one unit beyond the limit, with or without tax as the taxes of the plan say.")

    _metric_once = models.Constraint(
        "UNIQUE(plan_id, metric_id)", "This plan already limits this metric.")
    _not_negative = models.Constraint(
        "CHECK(limit_value >= 0 AND overage_price >= 0)",
        "Limits and prices beyond them cannot be negative.")

    @api.depends("metric_id.name", "limit_value", "unlimited")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for limit in self:
            limit.display_name = self.env._(
                "%(metric)s: %(limit)s", metric=limit.metric_id.name,
                limit=self.env._("unlimited") if limit.unlimited else limit.limit_value)

    @api.onchange("metric_id")
    def _onchange_metric_id(self):
        if self.metric_id.kind == "feature":
            self.limit_value, self.mode = 1, "hard"
