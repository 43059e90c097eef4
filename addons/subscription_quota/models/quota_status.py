from odoo import api, fields, models
from odoo.tools import SQL

from ..tools import forecast
from .quota_alert import NEAR


class QuotaStatus(models.Model):
    """How much of each quota is used, a row for each counter, for staff to search and chart."""

    _name = "quota.status"
    _description = "Use of Quotas"
    _engine_only = True
    _auto = False
    _order = "is_current desc, percent desc nulls last, id desc"
    _rec_name = "metric_id"

    subscription_id = fields.Many2one("subscription.subscription", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    plan_id = fields.Many2one("subscription.plan", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    user_id = fields.Many2one("res.users", string="Responsible", readonly=True)
    state = fields.Selection(
        lambda self: self.env["subscription.subscription"]._fields["state"].selection,
        readonly=True)
    metric_id = fields.Many2one("quota.metric", readonly=True)
    date_start = fields.Date(string="From", readonly=True)
    date_end = fields.Date(
        string="Starts anew on", readonly=True, help="First day of the next period.")
    is_current = fields.Boolean(string="Current period", readonly=True)
    used = fields.Integer(readonly=True)
    limit_value = fields.Integer(
        string="Limit", readonly=True, aggregator=None, help="Extra units included.")
    unlimited = fields.Boolean(readonly=True)
    units_left = fields.Integer(string="Left", readonly=True, aggregator=None)
    percent = fields.Integer(string="Used (%)", readonly=True, aggregator="max")
    overage = fields.Integer(
        string="Above the limit", readonly=True, help="Units billed with the next invoice.")
    forecast_date = fields.Date(
        string="Runs out on", compute="_compute_outlook",
        help="The day nothing is left at the pace of the period so far; empty: it lasts.")
    suggested_price_id = fields.Many2one(
        "subscription.plan.price", string="Suggested plan", compute="_compute_outlook",
        help="The cheapest of the same family with a higher limit.")

    @property
    def _table_query(self):
        """Query the counters with the limit that applied when each last counted.

        Where that limit is nearly used, it is looked up again: a pack, an override or a change of
        plan may have raised it since. Looking it up everywhere would cost a query for each
        customer.
        """
        return self._query_status(SQL("subscription_subscription"))

    @api.model
    def _query_status(self, subscriptions):
        """Query the status of some subscriptions.

        :param SQL subscriptions: the table, or a part of it
        """
        return SQL("""
            SELECT c.id, c.subscription_id, s.partner_id, s.plan_id, c.company_id, s.user_id,
                   s.state, c.metric_id, c.period_start AS date_start,
                   c.period_end AS date_end, now.is_current, c.used, c.overage,
                   bound.units AS limit_value, bound.units IS NULL AS unlimited,
                   GREATEST(bound.units - c.used, 0) AS units_left,
                   CASE WHEN bound.units > 0 THEN c.used::bigint * 100 / bound.units
                        WHEN bound.units = 0 AND c.used > 0 THEN 100 END AS percent
            FROM quota_counter c
            JOIN %(subscriptions)s s ON s.id = c.subscription_id
            JOIN quota_metric metric ON metric.id = c.metric_id
            CROSS JOIN LATERAL (SELECT c.period_start IS NULL OR (
                c.period_end > (%(now)s AT TIME ZONE 'UTC' AT TIME ZONE s.tz)::date
                AND NOT EXISTS (
                    SELECT FROM quota_counter later
                    WHERE later.subscription_id = c.subscription_id
                      AND later.metric_id = c.metric_id
                      AND later.period_start > c.period_start)) AS is_current) now
            LEFT JOIN LATERAL quota_state(
                CASE WHEN now.is_current AND NOT COALESCE(c.unlimited, FALSE)
                      AND c.used::bigint * 100 >= COALESCE(c.limit_value, 0)::bigint * %(near)s
                     THEN s.id END,
                %(now)s, ARRAY[metric.code]) live ON TRUE
            CROSS JOIN LATERAL (SELECT CASE
                WHEN live.metric_id IS NOT NULL THEN live.limit_value
                WHEN c.unlimited THEN NULL ELSE c.limit_value END AS units) bound
            """, subscriptions=subscriptions, now=fields.Datetime.now(), near=NEAR)

    @api.depends("subscription_id", "metric_id", "used", "limit_value")
    def _compute_outlook(self):
        suggested = {}  # the same for all who pay the same price
        for row in self:
            subscription = row.subscription_id.sudo()  # sudo: shown to who may see the row
            row.forecast_date = row.is_current and forecast.runs_out_on(
                row.date_start, row.date_end, subscription._today(), row.used, row.limit_value)
            key = (subscription.price_id, row.metric_id)
            if key not in suggested:
                suggested[key] = subscription._price_with_more(row.metric_id.code)
            row.suggested_price_id = row.is_current and suggested[key]

    def action_prepare_change(self):
        """Open the change of plan with the suggested plan chosen; the amounts are shown before
        confirming.
        """
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.subscription_change_request_action")
        return {**action, "context": {
            "active_id": self.subscription_id.id, "active_model": "subscription.subscription",
            "default_subscription_id": self.subscription_id.id,
            "default_price_id": self.suggested_price_id.id, "default_timing": "now"}}

    def action_write(self):
        """Write to the customer, starting from a text with their figures."""
        self.ensure_one()
        template = self.env.ref("subscription_quota.mail_template_quota_offer")
        return {
            "type": "ir.actions.act_window", "res_model": "mail.compose.message",
            "name": self.env._("Write to the customer"), "view_mode": "form", "target": "new",
            "context": {
                "default_model": "subscription.subscription",
                "default_res_ids": self.subscription_id.ids,
                "default_template_id": template.id, "default_composition_mode": "comment"},
        }
