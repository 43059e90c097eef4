from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, format_date

from odoo.addons.concurrency_base.tools import tell_once, work_isolated

from ..tools import civil

KINDS = [
    ("renewal", "Renewal ahead"),
    ("trial", "End of trial ahead"),
    ("price", "New price ahead"),
    ("card_30", "Card expires within 30 days"),
    ("card_7", "Card expires within 7 days"),
]
CARD_DAYS = {"card_30": (8, 30), "card_7": (0, 7)}  # before the last day of the card


class SubscriptionNotice(models.Model):
    """Something the customer was told ahead: one row, hence one mail, per kind and day."""

    _name = "subscription.notice"
    _description = "Notice to a Subscriber"
    _rec_name = "subscription_id"
    _engine_only = True

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, index=True, ondelete="cascade")
    kind = fields.Selection(KINDS, required=True)
    day = fields.Date(required=True, help="The day announced.")
    price_id = fields.Many2one(
        "subscription.plan.price", readonly=True, index="btree_not_null", ondelete="cascade",
        help="The price that changes.")
    amount = fields.Float(help="The price announced, of one unit.")
    token_id = fields.Many2one(
        "payment.token", readonly=True, index="btree_not_null", ondelete="cascade",
        help="The card that expires.")
    is_withdrawn = fields.Boolean(
        readonly=True, help="Another announcement was made before its day.")

    _once = models.UniqueIndex(
        "(subscription_id, kind, COALESCE(price_id, 0), day)"
        " WHERE token_id IS NULL AND is_withdrawn IS NOT TRUE", "This notice was already given.")
    _once_a_card = models.UniqueIndex(
        "(token_id, kind, day) WHERE token_id IS NOT NULL",
        "The customer was already told of this card.")

    @api.model
    def _cron_notify(self, limit=500):
        """Tell what is ahead, once each; runs daily. The rows decide who mails."""
        try:
            done = self._notify(limit)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()
            done = False
        if not done:
            self.env.ref("subscription_billing.ir_cron_notices")._trigger()

    def _notify(self, limit):
        """Tell what is ahead.

        :return: False when there was no time for all
        """
        self.env["subscription.plan.price"]._settle_announced()
        self.env["subscription.run"]._repair_next_run_at()
        for kind, template in (
                ("trial", "subscription_billing.mail_template_trial_ending"),
                ("renewal", "subscription_billing.mail_template_renewal_ahead"),
                ("price", "subscription_billing.mail_template_price_ahead"),
                ("card_30", "subscription_billing.mail_template_card_expiring"),
                ("card_7", "subscription_billing.mail_template_card_expiring")):
            while claimed := self._create_due(kind, limit):
                work_isolated(
                    claimed, lambda part, mail=template: part._tell_customers(mail),
                    self._tell_of_error)
                if not self.env["ir.cron"]._commit_progress(len(claimed)):
                    return False
        return True

    def _tell_customers(self, template):
        self.subscription_id._send_mail(template)
        self._log_cards()

    def _tell_of_error(self, notice, error):
        """Tell staff that a customer could not be told: the row stays, so it is not tried again."""
        subscription = notice.subscription_id
        tell_once(subscription, subscription._responsible(), lambda env: env._(
            "The customer was not told in advance: %(subscription)s",
            subscription=subscription.name), error)

    def _create_due(self, kind, limit):
        """Create the notices that are due; two runs cannot create the same one.

        :return: the new ``subscription.notice`` records
        """
        self.env.flush_all()
        if kind in CARD_DAYS:
            claim = self._query_cards(kind, limit)
        elif kind == "price":
            claim = self._query_prices(limit)
        else:
            claim = self._query_ahead(kind, limit)
        self.env.cr.execute(claim)
        claimed = self.browse(row[0] for row in self.env.cr.fetchall())
        self.env["subscription.subscription"].invalidate_model(["notice_ids"])
        return claimed

    def _query_ahead(self, kind, limit):
        """Query the subscriptions whose next period starts within the plan's days of reminder."""
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

    def _query_prices(self, limit):
        """Make the notices for subscribers at the price as listed, now or by a planned change:
        what they will pay on the eve of the new price. An agreed price of their own stays."""
        return SQL(
            "INSERT INTO subscription_notice"
            " (subscription_id, kind, price_id, day, amount, create_date)"
            " SELECT s.id, 'price', price.id, price.next_date, price.next_amount, %(now)s"
            " FROM subscription_subscription s"
            " LEFT JOIN subscription_change planned ON planned.subscription_id = s.id"
            "  AND planned.state = 'scheduled' AND planned.price_id <> s.price_id"
            " JOIN subscription_plan_price price"
            "  ON price.id = COALESCE(planned.price_id, s.price_id)"
            " LEFT JOIN LATERAL (SELECT told.amount FROM subscription_notice told"
            "  WHERE told.subscription_id = s.id AND told.kind = 'price'"
            "  AND told.price_id = price.id AND told.is_withdrawn IS NOT TRUE"
            "  AND told.day > COALESCE(planned.agreed_on, s.agreed_on, s.create_date)"
            "  AND told.day < price.next_date"
            "  ORDER BY told.day DESC, told.id DESC LIMIT 1) told ON TRUE"
            " WHERE s.state = ANY(%(states)s) AND price.next_date > %(today)s"
            " AND price.next_date > COALESCE(planned.agreed_on, s.agreed_on, s.create_date)"
            " AND COALESCE(told.amount, planned.unit_price, s.unit_price) = price.amount"
            " AND NOT EXISTS (SELECT FROM subscription_notice known"
            "  WHERE known.subscription_id = s.id AND known.kind = 'price'"
            "  AND known.price_id = price.id AND known.day = price.next_date"
            "  AND known.is_withdrawn IS NOT TRUE)"
            " ORDER BY s.id LIMIT %(limit)s ON CONFLICT DO NOTHING RETURNING id",
            limit=limit, now=fields.Datetime.now(), today=fields.Date.today(),
            states=list(self.env["subscription.subscription"]._LIVE_STATES))

    def _announces(self, price):
        """Tell whether the notice announces a change of `price` that still stands."""
        self.ensure_one()
        return self.kind == "price" and self.price_id == price and not self.is_withdrawn

    def _price_label(self):
        """Return « 59,00 € HT par mois à partir du 01/03/2027 »: the price announced."""
        self.ensure_one()
        return self.env._(
            "%(amount)s %(interval)s from %(date)s",
            amount=self.price_id._with_tax_word(self.amount),
            interval=self.price_id._interval_label(), date=format_date(self.env, self.day))

    def _first_renewal(self):
        """Return the customer's own first renewal at the price announced, a civil date."""
        self.ensure_one()
        subscription, price = self.subscription_id, self.price_id
        anchor = (subscription.anchor_date if price._same_interval(subscription.price_id)
                  else subscription.next_date)
        day = max(self.day, subscription.next_date)
        start, end = civil.period_of(anchor, price.interval_unit, price.interval_count, day)
        return start if start == day else end

    def _query_cards(self, kind, limit):
        """Query the cards that live subscriptions go on using after their last day.

        One row a card, however many subscriptions it pays.
        """
        least, most = CARD_DAYS[kind]
        today = fields.Date.today()
        return SQL(
            "INSERT INTO subscription_notice"
            " (subscription_id, token_id, kind, day, create_date)"
            " SELECT DISTINCT ON (token.id) s.id, token.id, %(kind)s, token.card_expiry, %(now)s"
            " FROM payment_token token JOIN subscription_subscription s ON s.token_id = token.id"
            " WHERE token.active AND token.card_expiry BETWEEN %(first)s AND %(last)s"
            " AND s.state = ANY(%(states)s)"
            " AND (s.end_date IS NULL OR s.end_date > token.card_expiry)"
            " AND NOT EXISTS (SELECT FROM subscription_notice known WHERE"
            " known.token_id = token.id AND known.kind = %(kind)s"
            " AND known.day = token.card_expiry)"
            " ORDER BY token.id, s.id LIMIT %(limit)s ON CONFLICT DO NOTHING RETURNING id",
            kind=kind, limit=limit, now=fields.Datetime.now(),
            first=fields.Date.add(today, days=least), last=fields.Date.add(today, days=most),
            states=list(self.env["subscription.subscription"]._LIVE_STATES))

    def _log_cards(self):
        """Write in the history of each subscription that its card was said to expire."""
        live = self.env["subscription.subscription"]._LIVE_STATES
        for day, notices in self.filtered("token_id").grouped("day").items():
            notices.token_id.subscription_ids.filtered(
                lambda subscription: subscription.state in live)._log_events(
                    "card_expiry", note=format_date(self.env, day))
