from odoo import api, fields, models
from odoo.tools import SQL

from .subscription_usage_mixin import FULL, NEAR


class QuotaAlert(models.Model):
    """A customer was told that a quota is nearly or wholly used: one row, hence one mail, per
    subscription, metric, period and threshold."""

    _name = "quota.alert"
    _description = "Alert on a Quota"
    _order = "id desc"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="subscription_id.company_id", store=True)
    partner_id = fields.Many2one(related="subscription_id.partner_id")
    metric_id = fields.Many2one(
        "quota.metric", required=True, readonly=True, index=True, ondelete="cascade")
    date_start = fields.Date(
        string="Period", required=True, readonly=True,
        help="First civil day of the period the alert is of.")
    threshold = fields.Integer(
        string="Threshold (%)", required=True, readonly=True, aggregator=None)
    used = fields.Integer(readonly=True, aggregator=None, help="When the threshold was seen.")
    limit_value = fields.Integer(string="Limit", readonly=True, aggregator=None)

    _once = models.UniqueIndex(
        "(subscription_id, metric_id, date_start, threshold)",
        "The customer was already told of this.")

    @api.model
    def _cron_alert(self, limit=500):
        """Every few minutes: find the quotas that passed a threshold, and mail once each.

        The counters are read, never written: consumption does not wait for this.
        """
        while claimed := self._claim(limit):
            claimed._send()
            if not self.env["ir.cron"]._commit_progress(len(claimed)):
                return

    @api.model
    def _claim(self, limit):
        """Make the rows of the alerts that are due, in one query; two runs cannot make the same.

        :return: the new ``quota.alert`` records
        """
        self.env.flush_all()
        status = self.env["quota.status"]
        self.env.cr.execute(SQL(
            "INSERT INTO quota_alert (subscription_id, company_id, metric_id, date_start,"
            " threshold, used, limit_value, create_date)"
            " SELECT s.subscription_id, s.company_id, s.metric_id, s.date_start, t.threshold,"
            " s.used, s.limit_value, %(now)s"
            " FROM (%(status)s) s CROSS JOIN unnest(%(thresholds)s) AS t(threshold)"
            " WHERE s.is_current AND s.limit_value > 0 AND s.state = ANY(%(states)s)"
            " AND s.used::bigint * 100 >= s.limit_value::bigint * t.threshold"
            " AND NOT EXISTS (SELECT FROM quota_alert known"
            " WHERE known.subscription_id = s.subscription_id"
            " AND known.metric_id = s.metric_id AND known.date_start = s.date_start"
            " AND known.threshold = t.threshold)"
            " ORDER BY t.threshold DESC, s.subscription_id LIMIT %(limit)s"
            " ON CONFLICT DO NOTHING RETURNING id",
            status=status._table_query, thresholds=[NEAR, FULL], limit=limit,
            now=fields.Datetime.now(),
            states=list(self.env["subscription.subscription"]._SERVED_STATES)))
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _send(self):
        """Mail the customers, each in their language; who is told that all is used is not told
        in the same breath that most of it is."""
        passed = {
            (alert.subscription_id, alert.metric_id, alert.date_start)
            for alert in self.search([
                ("subscription_id", "in", self.subscription_id.ids), ("threshold", "=", FULL)])}
        told = self.filtered(lambda alert: alert.threshold == FULL or (
            alert.subscription_id, alert.metric_id, alert.date_start) not in passed)
        if told:
            self.env.ref("subscription_quota.mail_template_quota_alert").send_mail_batch(told.ids)
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _usage_row(self):
        """What the mail says: the figures of now, in the customer's words and language."""
        self.ensure_one()
        # sudo: the mail is the customer's own
        subscription = self.subscription_id.sudo()
        rows = subscription._usage(history=False)["rows"]
        row = next(row for row in rows if row["code"] == self.metric_id.code)
        url, button = subscription._usage_remedy(row["code"], bool(subscription._quota_packs()))
        return {
            **row,
            "warning": subscription._usage_warning(row),
            "url": url or f"/my/subscriptions/{subscription.id}",
            "button": button or self.env._("See my subscription"),
        }
