import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.concurrency_base.tools import tell_once, work_isolated

NEAR, FULL = 80, 100  # percent of the limit at which the customer is told


class QuotaAlert(models.Model):
    """An alert sent to a customer whose quota is nearly or wholly used.

    One row, hence one mail, per subscription, metric, period and threshold.
    """

    _name = "quota.alert"
    _description = "Alert on a Quota"
    _rec_name = "metric_id"
    _engine_only = True
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
        """Find the quotas that passed a threshold, and mail once each; runs every few minutes.

        The counters are only read, so consumption does not wait for this.
        """
        while claimed := self._create_due_alerts(limit):
            work_isolated(
                claimed, lambda part: part._send_mails(),
                lambda alert, error: self._tell_of_error(alert.subscription_id, error))
            if not self.env["ir.cron"]._commit_progress(len(claimed)):
                return

    @api.model
    def _tell_of_error(self, subscription, error):
        """Tell staff, once, that the customer may not know that a quota is used."""
        tell_once(subscription, subscription._responsible(), lambda env: env._(
            "The customer was not told of a limit: %(subscription)s",
            subscription=subscription.name), error)

    @api.model
    def _create_due_alerts(self, limit):
        """Create the alerts that are due, in one query; two runs cannot create the same one.

        When one subscription makes the query fail, such as by a timezone the database does not
        know, it is left out.

        :return: the new ``quota.alert`` records
        """
        subscriptions = self.env["subscription.subscription"]
        try:
            with self.env.cr.savepoint():
                return self._claim_due(limit)
        except psycopg2.DataError:
            served = subscriptions.search([("state", "in", subscriptions._SERVED_STATES)])
        claimed, _failed = work_isolated(
            served, lambda part: self._claim_due(limit, part), self._tell_of_error)
        return self.concat(*claimed)

    @api.model
    def _claim_due(self, limit, subscriptions=None):
        self.env.flush_all()
        states = self.env["subscription.subscription"]._SERVED_STATES
        # OFFSET 0: PostgreSQL must not compute anything about the others first.
        among = SQL("subscription_subscription") if subscriptions is None else SQL(
            "(SELECT * FROM subscription_subscription WHERE id = ANY(%s) OFFSET 0)",
            subscriptions.ids)
        self.env.cr.execute(SQL(
            "INSERT INTO quota_alert (subscription_id, company_id, metric_id, date_start,"
            " threshold, used, limit_value, create_date)"
            " SELECT due.subscription_id, due.company_id, due.metric_id, due.day,"
            " due.threshold, due.used, due.limit_value, %(now)s FROM (%(due)s) due"
            " WHERE NOT EXISTS (SELECT FROM quota_alert known"
            " WHERE known.subscription_id = due.subscription_id"
            " AND known.metric_id = due.metric_id AND known.date_start = due.day"
            " AND known.threshold = due.threshold)"
            " ORDER BY due.threshold DESC, due.subscription_id LIMIT %(limit)s"
            " ON CONFLICT DO NOTHING RETURNING id",
            due=self._query_due(list(states), among), limit=limit, now=fields.Datetime.now()))
        return self.browse(row[0] for row in self.env.cr.fetchall())

    @api.model
    def _query_due(self, states, subscriptions):
        """Query the thresholds that are passed now; held metrics follow the billing period.

        A limit of zero is a choice of the plan, and sends no alert.
        """
        return SQL(
            "SELECT s.*, t.threshold, COALESCE(s.date_start, billed.starts) AS day"
            " FROM (%(status)s) s"
            " JOIN %(subscriptions)s subscription ON subscription.id = s.subscription_id"
            " JOIN subscription_plan_price price ON price.id = subscription.price_id"
            " CROSS JOIN LATERAL quota_period(subscription.anchor_date, price.interval_unit,"
            " price.interval_count, (%(now)s AT TIME ZONE 'UTC'"
            " AT TIME ZONE subscription.tz)::date) billed"
            " CROSS JOIN unnest(%(thresholds)s) AS t(threshold)"
            " WHERE s.is_current AND s.limit_value > 0 AND s.state = ANY(%(states)s)"
            " AND s.percent >= t.threshold",
            status=self.env["quota.status"]._query_status(subscriptions),
            subscriptions=subscriptions, thresholds=[NEAR, FULL], now=fields.Datetime.now(),
            states=states)

    def _send_mails(self):
        """Mail the customers, each in their language.

        Who is told that everything is used is not also told that most of it is.
        """
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
        """Prepare what the mail says: the present figures, in the customer's language."""
        self.ensure_one()
        # sudo: the mail is the customer's own
        subscription = self.subscription_id.sudo()
        rows = subscription._usage(history=False)["rows"]
        row = next(row for row in rows if row["code"] == self.metric_id.code)
        url, button = subscription._usage_remedy(row["code"], subscription._quota_packs())
        return {
            **row,
            "warning": subscription._usage_warning(row),
            "url": url or f"/my/subscriptions/{subscription.id}",
            "button": button or self.env._("See my subscription"),
        }
