from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.tools import SQL, format_date

from odoo.addons.concurrency_base.tools import work_isolated
from odoo.addons.subscription_billing.exceptions import WrongState

from .. import engine
from ..exceptions import QuotaReached

USAGE_WAITS_DAYS = 31  # for a renewal; what would wait longer is invoiced by itself


class SubscriptionSubscription(models.Model):
    """The part of a subscription that counts, for code of this server. Programs elsewhere use the
    API.

    Counting takes part in the caller's transaction: an account and the unit it takes are created
    together or not at all. Of two that count at once one conflicts, and Odoo retries it.
    """

    _inherit = "subscription.subscription"

    quota_override_ids = fields.One2many(
        "quota.override", "subscription_id", string="Own limits")
    quota_grant_ids = fields.One2many("quota.grant", "subscription_id", string="Extra units")
    quota_counter_ids = fields.One2many("quota.counter", "subscription_id", string="Quotas")

    def _quota_consume(self, code, quantity=1, key=None):
        """Count units, up to the limit.

        :param str code: of the ``quota.metric``
        :param str key: the same key counts once, however often it is called
        :return: dict of the metric after it: used, limit (None: none), left, resets_on, mode,
            overage
        :raise QuotaReached: the hard limit would be passed; nothing was counted
        :raise WrongState: the subscription is suspended, paused or over
        :raise ConcurrencyError: the same key is being counted: Odoo tries the request again
        """
        return self._quota_move(code, self._quota_quantity(quantity), key)

    def _quota_release(self, code, quantity=1, key=None):
        """Give held units back, in whatever state the subscription is.

        :raise UserError: fewer are held, or the metric is not one that is held
        """
        return self._quota_move(code, -self._quota_quantity(quantity), key)

    def _quota_quantity(self, quantity):
        if quantity != int(quantity) or not 0 < quantity <= engine.MAX_QUANTITY:
            raise ValidationError(self.env._(
                "A quantity is a whole number from 1 to %(most)s.", most=engine.MAX_QUANTITY))
        return int(quantity)

    def _quota_move(self, code, units, key):
        self.ensure_one()
        self.env.flush_all()
        outcome = engine.move(self.env.cr, self.id, {code: units}, fields.Datetime.now(), key=key)
        if outcome.is_done:
            self.env["quota.counter"].invalidate_model()
            return self._quota_values(code, outcome.metrics[code])
        raise self._quota_error(code, outcome)

    def _quota_error(self, code, outcome):
        """Return the exception that says why nothing was counted."""
        self.ensure_one()
        if outcome.name == "in_progress":
            return ConcurrencyError(f"a request of {self.name} is being counted")
        if outcome.name == "other_body":
            return UserError(self.env._(
                "%(subscription)s: this was already counted, with other units.",
                subscription=self.name))
        metric = outcome.metrics.get(code)
        if not metric:
            return UserError(self.env._("There is no metric named “%(code)s”.", code=code))
        reason = engine.refusal(metric)
        if reason == "suspended":
            states = dict(self._fields["state"]._description_selection(self.env))
            return WrongState(self.env._(
                "%(subscription)s: %(state)s. The service is off.", subscription=self.name,
                state=states[metric["state"]]))
        if reason == "limit":
            return QuotaReached(self._quota_limit_sentence(code, metric))
        return UserError(self.env._(
            "%(units)s of “%(code)s” cannot be given back: %(used)s are held.",
            units=abs(metric["units"]), code=code, used=metric["used"]))

    def _quota_limit_sentence(self, code, metric):
        name = self.env["quota.metric"].sudo().search([("code", "=", code)]).name
        # sudo: the name of what was asked for
        if not metric["resets_on"]:
            return self.env._(
                "%(metric)s: the limit of %(limit)s is reached (%(used)s used). Release some, or "
                "change the plan of %(subscription)s.", metric=name, limit=metric["limit"],
                used=metric["used"], subscription=self.name)
        return self.env._(
            "%(metric)s: the limit of %(limit)s is reached (%(used)s used). It starts anew on "
            "%(date)s; or change the plan of %(subscription)s.", metric=name,
            limit=metric["limit"], used=metric["used"], subscription=self.name,
            date=format_date(self.env, metric["resets_on"]))

    @api.model
    def _quota_values(self, code, metric):
        return {"metric": code, "left": self._quota_left(metric["used"], metric["limit"]), **{
            name: metric[name] for name in ("used", "limit", "resets_on", "mode", "overage")}}

    @api.model
    def _quota_left(self, used, limit):
        return None if limit is None else max(limit - used, 0)

    def _quota_check(self, code, quantity=1):
        """Tell whether units could be consumed now, without consuming any.

        :return: bool; for a feature, whether it is on
        """
        self.ensure_one()
        rows = self._quota_rows([code])
        if not rows or not rows[0]["served"]:
            return False
        if rows[0]["kind"] == "feature":
            return rows[0]["limit_value"] is None or rows[0]["limit_value"] > 0
        return not engine.refusal({**rows[0], "units": self._quota_quantity(quantity),
                                   "limit": rows[0]["limit_value"]})

    def _quota_rows(self, codes=None):
        """Read the rows of ``quota_state`` as this transaction leaves them."""
        self.ensure_one()
        self.env.flush_all()
        return engine.state(self.env.cr, self.id, fields.Datetime.now(), codes)

    def _quota_state(self):
        """Tell what the plan includes and what is left of it, for the portal, the API and mails.

        :return: list of dicts, in the order of the metrics: metric (code), name, unit (in the
            language of the environment), kind, used, limit (None: none), left, starts_on and
            resets_on (dates or None), mode, overage, enabled (features), grace_until, state (of the
            subscription)
        """
        rows = {row["metric_id"]: row for row in self._quota_rows() if row["offered"]}
        # sudo: names of what the subscription includes
        metrics = self.env["quota.metric"].sudo().search([("id", "in", list(rows))])
        return [self._prepare_quota_state(metric, rows[metric.id]) for metric in metrics]

    @api.model
    def _prepare_quota_state(self, metric, row):
        """Extension point: prepare what is told of a metric.

        :param row: one of ``quota_state``
        """
        limit = row["limit_value"]
        return {
            "metric": metric.code, "name": metric.name, "unit": metric.unit or "",
            "kind": metric.kind, "used": row["used"], "limit": limit,
            "left": self._quota_left(row["used"], limit), "starts_on": row["period_start"],
            "resets_on": row["resets_on"],
            "mode": row["mode"], "overage": row["overage"],
            "enabled": row["served"] and (limit is None or limit > 0),
            "grace_until": row["grace_until"], "state": row["state"],
        }

    # Extra units --------------------------------------------------------------------------------

    def _quota_grant(self, code, quantity, key, until=None, note=None):
        """Give extra units, once: for the present period, or, of what is held, until a day.

        :param str key: names what they are given for (an order line, a credit entry); the same
            key gives nothing more
        :param date until: first day without them; for what is held only
        :return: the ``quota.grant``, made now or before
        :raise UserError: no such metric
        :raise WrongState: not started yet
        """
        self.ensure_one()
        rows = self._quota_rows([code])
        if not rows or rows[0]["kind"] == "feature":
            raise UserError(self.env._("There is no metric named “%(code)s”.", code=code))
        row = rows[0]
        self._check_state(*self._LIVE_STATES)
        self.env.cr.execute(SQL(
            "INSERT INTO quota_grant (subscription_id, company_id, metric_id, quantity,"
            " period_start, date_from, date_end, key, note, user_id, create_date)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING",
            self.id, row["company_id"], row["metric_id"], self._quota_quantity(quantity),
            row["period_start"], row["today"],
            row["resets_on"] if row["kind"] == "period" else until or None, key, note or None,
            self.env.uid, fields.Datetime.now()))
        grants = self.env["quota.grant"].sudo()  # sudo: rows are made by the engine only
        grants.invalidate_model()
        return grants.search([("key", "=", key)])

    def _bill_remaining_usage(self):
        """Make the last invoice of subscriptions that end: what they used beyond soft limits."""
        self.env.cr.execute(SQL(
            "SELECT DISTINCT subscription_id FROM quota_counter WHERE subscription_id = ANY(%s)"
            " AND overage_amount > amount_billed", list(self.ids)))
        return super()._bill_remaining_usage() + self.browse(
            row[0] for row in self.env.cr.fetchall())._invoice_usage()

    def _find_unbilled_usage(self, last_id, limit):
        """Find those whose counted periods are over, or were cut by a change, and whose renewal is
        too far away to wait for: yearly plans counted by the month or changed to, and pauses.

        One that makes the query fail, such as by a timezone the database does not know, is held.
        """
        try:
            with self.env.cr.savepoint():
                return self._query_unbilled_usage(last_id, limit)
        except psycopg2.DataError:
            candidates = self.search([
                ("id", ">", last_id), ("is_held", "=", False),
                ("state", "in", self._LIVE_STATES)], order="id")
        found, _failed = work_isolated(
            candidates, lambda part: part._query_unbilled_usage(last_id, limit, part.ids),
            self.env["subscription.run"]._hold_failed)
        return self.concat(*found)[:limit]

    @api.model
    def _query_unbilled_usage(self, last_id, limit, ids=None):
        # OFFSET 0: PostgreSQL must not compute anything about the others first.
        source = SQL("subscription_subscription") if ids is None else SQL(
            "(SELECT * FROM subscription_subscription WHERE id = ANY(%s) OFFSET 0)", ids)
        self.env.flush_all()
        self.env.cr.execute(SQL(
            "SELECT DISTINCT s.id FROM quota_counter c"
            " JOIN %(source)s s ON s.id = c.subscription_id"
            " CROSS JOIN LATERAL (SELECT"
            "  (%(now)s AT TIME ZONE 'UTC' AT TIME ZONE s.tz)::date AS today) clock"
            " WHERE c.overage_amount > c.amount_billed"
            " AND COALESCE(c.overage_due, c.period_end) <= clock.today"
            " AND s.id > %(last)s AND s.is_held IS NOT TRUE AND s.state = ANY(%(live)s)"
            " AND (s.state <> ALL(%(billed)s) OR s.next_date > clock.today + %(wait)s)"
            " ORDER BY s.id LIMIT %(limit)s",
            now=fields.Datetime.now(), last=last_id, limit=limit, source=source,
            wait=USAGE_WAITS_DAYS,
            live=list(self._LIVE_STATES), billed=list(self._BILLED_STATES)))
        return self.browse(row[0] for row in self.env.cr.fetchall())

    # What a change of the subscription does -------------------------------------------------------

    def write(self, vals):
        """Carry extra units over, and keep what is held for a while, when the contract changes."""
        before = self._quota_grants_left() if "anchor_date" in vals else {}
        if {"plan_id", "quantity"} & vals.keys():
            self._quota_keep_held(vals.get("plan_id"))
        result = super().write(vals)
        if {"anchor_date", "price_id"} & vals.keys():
            self._quota_follow_periods()
        for subscription, grants in before.items():
            subscription._quota_carry(grants)
        return result

    def _quota_follow_periods(self):
        """Let the counters end with the periods that a change has made.

        A period that was cut short is over, and so is one within a longer one that takes its
        place, as when a refused change is taken back. One that began on the day of the change goes
        on with another end: what was consumed beyond the limit by now is due all the same, lest it
        wait for the end of a year.
        """
        for subscription in self.filtered(lambda each: each.state in each._LIVE_STATES):
            self.env.flush_all()
            self.env.cr.execute(SQL(
                "UPDATE quota_counter c SET period_end = CASE"
                "  WHEN c.period_start < q.period_start THEN q.period_start"
                "  WHEN c.period_start = q.period_start THEN q.resets_on"
                "  ELSE LEAST(c.period_end, q.resets_on) END,"
                " overage_due = CASE WHEN c.overage > c.overage_billed THEN q.today END"
                " FROM quota_state(%(id)s, %(now)s) q"
                " WHERE c.subscription_id = %(id)s AND c.metric_id = q.metric_id"
                " AND (c.period_start = q.period_start AND c.period_end <> q.resets_on"
                "  OR c.period_start < q.period_start AND c.period_end > q.period_start"
                "  OR c.period_start > q.period_start AND c.period_start < q.resets_on)",
                id=subscription.id, now=fields.Datetime.now()))
        self.env["quota.counter"].invalidate_model(["period_end", "overage_due"])

    def _quota_keep_held(self, plan_id=None):
        """Let what is held stay for the days of grace of the new plan."""
        plan = self.env["subscription.plan"].browse(plan_id)
        for subscription in self.filtered(lambda each: each.state in each._LIVE_STATES):
            days = (plan or subscription.plan_id).quota_grace_days
            if days:
                self.env.cr.execute(SQL(
                    "UPDATE quota_counter SET grace_limit = used, grace_until = %s"
                    " WHERE subscription_id = %s AND period_start IS NULL AND used > 0",
                    subscription._today() + timedelta(days=days), subscription.id))
        self.env["quota.counter"].invalidate_model(["grace_limit", "grace_until"])

    def _quota_grants_left(self):
        """Return the unused extra units of the present period, before periods start anew.

        :return: by subscription, list of (grant, units left)
        """
        left = {}
        for subscription in self.filtered(lambda each: each.state in each._LIVE_STATES):
            # sudo: the engine's own rows
            grants = subscription.sudo().quota_grant_ids.filtered("period_start")
            rows = {row["metric_id"]: row for row in subscription._quota_rows()} if grants else {}
            for metric, given in grants.grouped("metric_id").items():
                row = rows.get(metric.id)
                if row:
                    left.setdefault(subscription, []).extend(
                        given.filtered(lambda each, row=row: each.period_start
                                       == row["period_start"])._shares_of(row))
        return left

    def _quota_carry(self, grants):
        """Move units that were bought for a period cut short to the period that starts instead."""
        for grant, units in grants:
            row = self._quota_rows([grant.metric_id.code])[0]
            if units and row["period_start"] != grant.period_start:
                self._quota_grant(
                    grant.metric_id.code, units,
                    f"carried:{grant.id}:{row['period_start']}", note=grant.note)
