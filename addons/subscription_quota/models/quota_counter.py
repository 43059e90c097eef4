from odoo import api, fields, models


class QuotaCounter(models.Model):
    """What a subscription has used of a metric: a row a period, or one row for what is held.

    Only the engine writes it (``quota_move``), in the same statement that checks the limit.
    """

    _name = "quota.counter"
    _description = "Quota Counter"
    _engine_only = True
    _order = "period_start desc, id desc"
    _log_access = False

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, ondelete="restrict")
    partner_id = fields.Many2one(related="subscription_id.partner_id")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="restrict")
    metric_id = fields.Many2one(
        "quota.metric", required=True, readonly=True, index=True, ondelete="restrict")
    period_start = fields.Date(string="From", readonly=True)
    period_end = fields.Date(
        string="Up to", readonly=True, help="First day of the next period.")
    used = fields.Integer(required=True, readonly=True)
    limit_value = fields.Integer(
        string="Limit", readonly=True,
        help="When last counted. What is allowed is worked out anew each time.")
    unlimited = fields.Boolean(readonly=True)
    overage = fields.Integer(
        string="Beyond", required=True, readonly=True,
        help="Units beyond the limit that applied when each was consumed.")
    overage_amount = fields.Float(
        string="Amount beyond", required=True, readonly=True, digits=(16, 6),
        help="At the prices of the moment, in the currency of the plan.")
    overage_billed = fields.Integer(
        string="Beyond, billed", required=True, readonly=True,
        help="Of these units, those on the invoices of renewals.")
    amount_billed = fields.Float(required=True, readonly=True, digits=(16, 6))
    overage_due = fields.Date(
        readonly=True, help="Day from which what is beyond by now is billed, because a change of "
        "the plan or the cycle gave the counter another end; empty: the end of its period.")
    grace_limit = fields.Integer(
        readonly=True, help="Units held when the plan changed: they are kept for a while.")
    grace_until = fields.Date(readonly=True, help="First day without this grace.")

    _once = models.UniqueIndex(
        "(subscription_id, metric_id, COALESCE(period_start, '1970-01-01'::date))",
        "This metric is already counted for this period.")
    _unbilled = models.Index("(period_end) WHERE overage_amount > amount_billed")
    _used_not_negative = models.Constraint(
        "CHECK(used >= 0 AND overage >= 0 AND overage_amount >= 0)",
        "No more can be released than is held.")
    _billed_within_overage = models.Constraint(
        "CHECK(overage_billed BETWEEN 0 AND overage"
        " AND amount_billed BETWEEN 0 AND overage_amount)",
        "No more is billed than was consumed beyond the limit.")
    _period_whole = models.Constraint(
        "CHECK((period_start IS NULL) = (period_end IS NULL) AND period_start < period_end)",
        "A counter has a whole period, or none.")

    @api.depends("metric_id.name", "subscription_id.name")
    def _compute_display_name(self):
        for counter in self:
            counter.display_name = f"{counter.subscription_id.name} – {counter.metric_id.name}"
