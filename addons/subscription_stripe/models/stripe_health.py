from odoo import api, fields, models
from odoo.tools import SQL


class StripeHealth(models.Model):
    """Whether Stripe's events arrive and are acted upon; one row a provider."""

    _name = "stripe.health"
    _description = "Health of Stripe's Events"
    _engine_only = True
    _auto = False
    _order = "id"
    _rec_name = "provider_id"

    provider_id = fields.Many2one("payment.provider", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    last_event = fields.Datetime(string="Last event", readonly=True)
    waiting_count = fields.Integer(string="Waiting", readonly=True)
    failed_count = fields.Integer(string="Failed", readonly=True)
    difference_count = fields.Integer(string="Differences", readonly=True)
    oldest_waiting = fields.Datetime(string="Waiting since", readonly=True)
    waiting_minutes = fields.Integer(
        string="Minutes", compute="_compute_waiting_minutes", help="Age of the oldest event.")

    @property
    def _table_query(self):
        return SQL("""
            SELECT p.id, p.id AS provider_id, p.company_id,
                   max(e.received_at) AS last_event,
                   count(e.id) FILTER (WHERE e.state IN ('received', 'processing'))
                       AS waiting_count,
                   count(e.id) FILTER (WHERE e.state = 'failed') AS failed_count,
                   min(e.received_at) FILTER (WHERE e.state IN ('received', 'processing'))
                       AS oldest_waiting,
                   (SELECT count(*) FROM stripe_difference d
                    WHERE d.provider_id = p.id AND d.state = 'open') AS difference_count
            FROM payment_provider p LEFT JOIN stripe_event e ON e.provider_id = p.id
            WHERE p.code = 'stripe' AND (p.state <> 'disabled' OR e.id IS NOT NULL)
            GROUP BY p.id""")

    @api.depends("oldest_waiting")
    def _compute_waiting_minutes(self):
        now = fields.Datetime.now()
        for health in self:
            health.waiting_minutes = health.oldest_waiting and (
                now - health.oldest_waiting).total_seconds() // 60

    @api.model
    def _find_accountant(self, company):
        """Find whom to tell: an accountant of the company, else the administrator."""
        # sudo: who has which right
        accountants = self.env.ref("account.group_account_manager").sudo().all_user_ids.filtered(
            lambda user: user.active and not user.share and company in user.company_ids)
        administrator = self.env.ref("base.user_admin")
        return (accountants - administrator)[:1] or administrator

    def _action_events(self, name, domain):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(f"subscription_stripe.{name}")
        return {**action, "context": {}, "domain": [("provider_id", "=", self.id), *domain]}

    def action_waiting(self):
        """Open the events that wait to be acted upon."""
        return self._action_events(
            "stripe_event_action", [("state", "in", ("received", "processing"))])

    def action_failed(self):
        """Open the events that failed."""
        return self._action_events("stripe_event_action", [("state", "=", "failed")])

    def action_events(self):
        """Open all events of the provider."""
        return self._action_events("stripe_event_action", [])

    def action_differences(self):
        """Open the differences that are not settled."""
        return self._action_events("stripe_difference_action", [("state", "=", "open")])
