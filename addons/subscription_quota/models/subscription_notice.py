from odoo import api, fields, models
from odoo.tools import SQL

KINDS = [
    ("renewal", "Renewal ahead"),
    ("trial", "End of trial ahead"),
    ("price", "New price ahead"),
]


class SubscriptionNotice(models.Model):
    """Something the customer was told ahead: one row, hence one mail, per kind and day."""

    _name = "subscription.notice"
    _description = "Notice to a Subscriber"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, index=True, ondelete="cascade")
    kind = fields.Selection(KINDS, required=True)
    day = fields.Date(required=True, help="The day announced.")
    amount = fields.Float(help="The price announced, of one unit.")
    is_applied = fields.Boolean()

    _once = models.Constraint(
        "UNIQUE(subscription_id, kind, day)", "This notice was already given.")

    @api.model
    def _cron_notify(self, limit=500):
        """Daily: tell what is ahead, once each; the rows decide who mails."""
        for kind, template in (
                ("trial", "subscription_quota.mail_template_trial_ending"),
                ("renewal", "subscription_quota.mail_template_renewal_ahead"),
                ("price", "subscription_quota.mail_template_price_ahead")):
            while claimed := self._claim(kind, limit):
                claimed.subscription_id._send_mail(template)
                if not self.env["ir.cron"]._commit_progress(len(claimed)):
                    return

    def _claim(self, kind, limit):
        """Make the rows of the notices that are due; two runs cannot make the same one.

        :return: the new ``subscription.notice`` records
        """
        self.env.flush_all()
        claim = self._claim_prices(limit) if kind == "price" else self._claim_ahead(kind, limit)
        self.env.cr.execute(claim)
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _claim_ahead(self, kind, limit):
        """Subscriptions whose next period starts within the plan's days of reminder."""
        return SQL(
            "INSERT INTO subscription_notice (subscription_id, kind, day, create_date)"
            " SELECT s.id, %(kind)s, s.next_date, %(now)s FROM subscription_subscription s"
            " JOIN subscription_plan plan ON plan.id = s.plan_id"
            " WHERE s.state = ANY(%(states)s) AND plan.reminder_days > 0"
            " AND s.next_run_at > %(now)s"
            " AND s.next_run_at <= %(now)s + plan.reminder_days * interval '1 day'"
            " AND (s.end_date IS NULL OR s.end_date > s.next_date)"
            " AND NOT EXISTS (SELECT FROM subscription_notice known WHERE"
            " known.subscription_id = s.id AND known.kind = %(kind)s"
            " AND known.day = s.next_date)"
            " ORDER BY s.id LIMIT %(limit)s ON CONFLICT DO NOTHING RETURNING id",
            kind=kind, limit=limit, now=fields.Datetime.now(),
            states=["trial"] if kind == "trial" else ["active", "past_due"])

    def _claim_prices(self, limit):
        """Subscribers at the price as listed: an agreed price of their own stays."""
        return SQL(
            "INSERT INTO subscription_notice (subscription_id, kind, day, amount, create_date)"
            " SELECT s.id, 'price', price.next_date, price.next_amount, %(now)s"
            " FROM subscription_subscription s"
            " JOIN subscription_plan_price price ON price.id = s.price_id"
            " WHERE s.state = ANY(%(states)s) AND price.next_date IS NOT NULL"
            " AND price.next_date > %(today)s"
            " AND s.unit_price = price.amount AND NOT EXISTS (SELECT FROM subscription_notice"
            " known WHERE known.subscription_id = s.id AND known.kind = 'price'"
            " AND known.day = price.next_date)"
            " ORDER BY s.id LIMIT %(limit)s ON CONFLICT DO NOTHING RETURNING id",
            limit=limit, now=fields.Datetime.now(), today=fields.Date.today(),
            states=list(self.env["subscription.subscription"]._LIVE_STATES))
