from odoo import api, fields, models
from odoo.tools import SQL


class QuotaStatus(models.Model):
    """How much of each quota is used, a row for each counter: what staff search and chart."""

    _name = "quota.status"
    _description = "Use of Quotas"
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
    left = fields.Integer(readonly=True, aggregator=None)
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
        raise NotImplementedError  # see the counters

    @api.depends("subscription_id", "metric_id", "used")
    def _compute_outlook(self):
        """One look at the quotas of each subscription, not at each row."""
        for subscription, rows in self.grouped("subscription_id").items():
            # sudo: the figures of subscriptions the user may see, by the rule of this model
            known = {state["metric"]: state for state in subscription.sudo()._quota_state()}
            for row in rows:
                state = known.get(row.metric_id.code) if row.is_current else None
                row.forecast_date = state and subscription._quota_forecast(state)
                row.suggested_price_id = state and subscription.sudo()._price_with_more(
                    row.metric_id.code)

    def action_prepare_change(self):
        """Open the change of plan with the suggested one chosen: amounts shown, then confirm."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_quota.subscription_change_request_action")
        return {**action, "context": {
            "active_id": self.subscription_id.id, "active_model": "subscription.subscription",
            "default_subscription_id": self.subscription_id.id,
            "default_price_id": self.suggested_price_id.id, "default_timing": "now"}}

    def action_write(self):
        """Write to the customer, from a text with their figures."""
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
