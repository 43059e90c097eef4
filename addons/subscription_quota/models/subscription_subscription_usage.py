import math
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, format_date
from odoo.tools.misc import formatLang

from ..tools import chart, forecast
from .quota_alert import FULL, NEAR
from .subscription_subscription_counting import USAGE_WAITS_DAYS

PAST_PERIODS = 6
PACK_STATES = ("trial", "active", "past_due", "suspended")


class SubscriptionSubscription(models.Model):
    """The part of a subscription that shows quotas to the customer: bars, forecast, banner,
    offers.
    """

    _inherit = "subscription.subscription"

    quota_percent = fields.Integer(
        compute="_compute_quota_percent",
        help="Of the quota that is used most; below zero when nothing is limited.")

    def _compute_quota_percent(self):
        for subscription in self:
            states = subscription._quota_state() if subscription.anchor_date else []
            used = [self._usage_percent(state) for state in states]
            subscription.quota_percent = max(
                (percent for percent in used if percent is not None), default=-1)

    # Page of the portal -----------------------------------------------------------------------

    def _usage(self, history=True):
        """Prepare all that the portal shows of the quotas, in words and numbers ready to be shown.

        :param bool history: with the charts of the last periods, and what to do about it
        :return: dict of ``rows`` (one a metric with a count), ``features``, ``banner`` (None
            when all is well), ``off`` (why nothing can be used now, or None), ``has_packs``
            and ``charts``
        """
        self.ensure_one()
        states = self._quota_state()
        counted = [state for state in states if state["kind"] != "feature"]
        rows = [self._usage_row(state) for state in counted]
        packs = counted and history and self._quota_packs()
        return {
            "rows": rows,
            # What the plan includes; that the service is off is said once, above.
            "features": [{**state, "enabled": state["limit"] is None or state["limit"] > 0}
                         for state in states if state["kind"] == "feature"],
            "banner": self._usage_banner(rows, packs) if history else None,
            "off": self._usage_off_label(),
            "has_packs": bool(packs),
            "charts": self._usage_charts(counted) if history else [],
        }

    def _usage_row(self, state):
        """Prepare a metric as its bar shows it."""
        percent = self._usage_percent(state)
        day = self._quota_forecast(state)
        return {
            "code": state["metric"], "name": state["name"], "mode": state["mode"],
            "resets_on": state["resets_on"], "percent": percent,
            "level": self._usage_level(percent),
            "used_label": self._usage_label(state),
            "note": self._usage_note(state),
            "forecast": day,
            "forecast_label": day and self.env._(
                "At this pace, nothing is left on %(date)s.", date=format_date(self.env, day)),
        }

    @api.model
    def _usage_percent(self, state):
        """Return how much of the limit is used; None where there is no limit, or nothing to use."""
        used, limit = state["used"], state["limit"]
        if state["kind"] == "feature" or limit is None or not (limit or used):
            return None
        return used * 100 // limit if limit else FULL

    @api.model
    def _usage_level(self, percent):
        if percent is None or percent < NEAR:
            return "ok"
        return "full" if percent >= FULL else "near"

    def _usage_label(self, state):
        """Say what is used: « 80 of 100 scans »."""
        used = formatLang(self.env, state["used"], digits=0)
        if not state["used"] and state["limit"] == 0:
            return self.env._("not included in your plan")
        if state["limit"] is None:
            return self.env._(
                "%(used)s %(unit)s, no limit", used=used, unit=state["unit"] or "")
        return self.env._(
            "%(used)s of %(limit)s %(unit)s", used=used, unit=state["unit"] or "",
            limit=formatLang(self.env, state["limit"], digits=0))

    def _usage_note(self, state):
        """Say what is left or above the limit, and when the count starts anew."""
        parts = []
        if not state["used"] and state["limit"] == 0:
            return ""
        if state["limit"] is not None:
            above = state["used"] - state["limit"]
            if above <= 0:
                parts.append(self.env._("%(left)s left", left=formatLang(
                    self.env, -above, digits=0)))
            elif state["mode"] == "soft":
                parts.append(self.env._(
                    "%(count)s above the limit, billed with the next invoice",
                    count=formatLang(self.env, above, digits=0)))
            else:
                parts.append(self.env._("%(count)s above the limit", count=formatLang(
                    self.env, above, digits=0)))
        if state["resets_on"]:
            parts.append(self.env._(
                "starts anew on %(date)s", date=format_date(self.env, state["resets_on"])))
        return " – ".join(parts)

    def _usage_off_label(self):
        """Say why nothing can be used now; None while the service is on."""
        if self.state in self._SERVED_STATES:
            return None
        if self.state == "suspended":
            return self.env._(
                "The service is off: nothing can be used until the invoices are paid.")
        if self.state == "paused":
            return self.env._("The service is off: nothing can be used until it resumes.")
        return self.env._("The service is off: nothing can be used.")

    # Banner -----------------------------------------------------------------------------------

    def _usage_banner(self, rows, packs):
        """Describe the metric nearest to its limit in a sentence, with one thing to do about it."""
        worst = max(
            (row for row in rows if row["level"] != "ok"), key=lambda row: row["percent"],
            default=None)
        if not worst:
            return None
        url, button = self._usage_remedy(worst["code"], packs)
        return {"level": worst["level"], "text": self._usage_warning(worst), "url": url,
                "button": button, "packs": self._has_pack(packs, worst["code"])}

    def _usage_warning(self, row):
        """Say what has been or will be reached, and what happens then; alerts by mail use it, too.

        :param dict row: see :meth:`_usage_row`
        """
        if row["level"] == "near":
            return self.env._("“%(metric)s”: %(percent)s %% used (%(used)s).", **{
                "metric": row["name"], "percent": row["percent"], "used": row["used_label"]})
        names = {"metric": row["name"], "used": row["used_label"]}
        return {
            "hard": self.env._(
                "“%(metric)s”: the limit is reached (%(used)s). More is refused.", **names),
            "soft": self.env._(
                "“%(metric)s”: the limit is reached (%(used)s). More is billed with the next "
                "invoice.", **names),
            "warn": self.env._(
                "“%(metric)s”: the limit is reached (%(used)s). Nothing is blocked.", **names),
        }[row["mode"]]

    def _usage_remedy(self, metric_code, packs):
        """Find where more units are to be had.

        :param packs: what :meth:`_quota_packs` found; only those of the metric are of use
        :return: (address, label of the button), or (None, None) when there is nothing to offer
        """
        if self._has_pack(packs, metric_code):
            return f"/my/subscriptions/{self.id}/packs", self.env._("Buy extra units")
        if price := self._price_with_more(metric_code):
            return (f"/my/subscriptions/{self.id}/change?price={price.id}&timing=now",
                    self.env._("Change to %(plan)s", plan=price.plan_id.name))
        return None, None

    # Beyond the limits -------------------------------------------------------------------------

    def _preview_usage(self):
        """Preview what is used beyond soft limits by now.

        Held units are left out when a change is planned: the limits will be others by then.
        """
        self.ensure_one()
        # sudo: the customer's own counters; amounts only are shown
        overages = self.env["quota.overage"].sudo()
        period = self._new_period(self._prepare_period_vals())
        beyond = [*self._overage_consumed(), *(
            () if self._planned_change() else self._overage_held())]
        lines = [overages.new({
            "subscription_id": self.id, "company_id": self.company_id.id, "period_id": period,
            "counter_id": counter_id, "metric_id": metric_id, "quantity": quantity,
            "amount": amount, "currency_id": self.sudo().plan_id.currency_id.id,
        })._prepare_invoice_line() for counter_id, metric_id, quantity, amount in beyond]
        return period._totals_of(lines) if lines else None

    def _overage_consumed(self):
        """List the units that the renewal on the next date takes off the counters; see
        ``quota.overage._collect``.

        :return: list of (counter, metric, units, amount)
        """
        soonest = fields.Date.subtract(self.next_date, days=USAGE_WAITS_DAYS)
        # sudo: see _preview_usage
        counters = self.env["quota.counter"].sudo().search(
            [("subscription_id", "=", self.id), ("period_end", ">=", soonest)]).filtered(
                lambda counter: counter.overage > counter.overage_billed
                and soonest <= (counter.overage_due or counter.period_end) <= self.next_date)
        return [(counter.id, counter.metric_id.id, counter.overage - counter.overage_billed,
                 counter.overage_amount - counter.amount_billed) for counter in counters]

    def _overage_held(self):
        """List the units held beyond a limit now.

        :return: as :meth:`_overage_consumed`
        """
        return [(row["counter_id"], row["metric_id"], row["used"] - row["limit_value"],
                 (row["used"] - row["limit_value"]) * float(row["price"]))
                for row in self._quota_rows()
                if row["kind"] == "held" and row["mode"] == "soft" and row["price"]
                and row["limit_value"] is not None and row["used"] > row["limit_value"]]

    @api.model
    def _has_pack(self, packs, metric_code):
        return bool(packs) and metric_code in packs.quota_metric_id.mapped("code")

    # Forecast -----------------------------------------------------------------------------------

    def _quota_forecast(self, state):
        """Forecast the civil day the metric runs out at the pace of its period; see
        ``tools.forecast``.

        :param dict state: of :meth:`_quota_state`
        """
        if state["kind"] != "period" or self.state not in self._SERVED_STATES:
            return None
        return forecast.runs_out_on(
            state["starts_on"], state["resets_on"], self._today(), state["used"],
            state["limit"])

    # Last periods -------------------------------------------------------------------------------

    def _usage_charts(self, states):
        """Prepare a small chart for each metric counted per period, from the second period on.

        :param list states: see :meth:`_quota_state`
        """
        now = {state["metric"]: state for state in states if state["kind"] == "period"}
        # sudo: the customer's own counters
        counters = self.env["quota.counter"].sudo().search(
            [("subscription_id", "=", self.id), ("period_start", "!=", False),
             ("metric_id.code", "in", list(now))], limit=PAST_PERIODS * len(now)) if now else []
        charts = []
        for code, state in now.items():
            past = [counter for counter in counters if counter.metric_id.code == code]
            if len(past) > 1:
                charts.append(self._usage_chart(state, past[:PAST_PERIODS][::-1]))
        return charts

    def _usage_chart(self, state, counters):
        """Prepare the chart of one metric.

        :param counters: oldest first; the limit of the present period is that of now
        """
        values = [
            (counter.used,
             state["limit"] if counter.period_start == state["starts_on"]
             else None if counter.unlimited else counter.limit_value)
            for counter in counters]
        return {
            "name": state["name"], "width": chart.WIDTH, "height": chart.HEIGHT,
            "label": self.env._(
                "%(metric)s: use of the last %(count)s periods", metric=state["name"],
                count=len(values)),
            "bars": [{
                **bar,
                "used_label": formatLang(self.env, used, digits=0),
                "limit_text": self.env._("no limit") if limit is None else formatLang(
                    self.env, limit, digits=0),
                "day_label": format_date(self.env, counter.period_start, date_format="dd/MM"),
            } for bar, (used, limit), counter in zip(
                chart.bars(values), values, counters, strict=True)],
        }

    # Extra units --------------------------------------------------------------------------------

    @api.model
    def _with_quota(self, partner, company, metric):
        """Return the customer's subscriptions to which units of the metric can be added."""
        if not (partner and metric):
            return self.browse()
        subscriptions = self.search([
            ("commercial_partner_id", "=", partner.commercial_partner_id.id),
            ("company_id", "=", company.id), ("state", "in", PACK_STATES)])
        return subscriptions.filtered(
            lambda subscription: metric.code in subscription._quota_limited_codes())

    def _quota_limited_codes(self):
        """List the codes of what is counted up to a limit: what extra units are of use for."""
        return [state["metric"] for state in self._quota_state()
                if state["kind"] != "feature" and state["limit"] is not None]

    def _quota_packs(self):
        """Return the packs of extra units on sale for this subscription (``product.template``)."""
        self.ensure_one()
        packs = self.env["product.template"].sudo()  # sudo: what is on sale is public
        if self.state not in PACK_STATES:
            return packs
        return packs.search([
            ("service_tracking", "=", "quota_pack"), ("sale_ok", "=", True),
            ("is_published", "=", True), ("company_id", "in", [False, self.company_id.id]),
            ("quota_metric_id.code", "in", self._quota_limited_codes())],
            order="quota_metric_id, list_price, id")

    def _quota_add_packs(self, pack, count, key, note=None):
        """Add the units of paid packs, once a key; tell staff when they are of no use.

        :param pack: the ``product.template``
        :param int count: packs
        :param str key: see :meth:`_quota_grant`
        :return: the ``quota.grant``; none when the subscription is over
        """
        self.ensure_one()
        if self.state not in PACK_STATES:
            staff = self._for_staff()
            staff._notify_staff(staff.env._(
                "Extra units were paid while the service was off: %(pack)s",
                pack=pack.name))
        if self.state not in self._LIVE_STATES:
            return self.env["quota.grant"]
        days = pack.quota_validity_days
        return self._quota_grant(
            pack.quota_metric_id.code, pack.quota_units * count, key,
            until=days and self._today() + timedelta(days=days), note=note or pack.name)

    def _quota_take_back(self, grant, units, document):
        """Take units of a grant back, as far as they are in force and not used yet.

        The counter is locked first: who consumes meanwhile waits, and sees what is left.

        :param str document: the credit note that gives their price back
        :return: int, how many were taken back
        """
        self.ensure_one()
        grant = grant._carried()
        self.env.flush_all()
        self.env.cr.execute(SQL(
            "SELECT id FROM quota_counter WHERE subscription_id = %s AND metric_id = %s"
            " ORDER BY id FOR NO KEY UPDATE", self.id, grant.metric_id.id))
        [row] = self._quota_rows([grant.metric_id.code])
        grant.invalidate_recordset(["quantity"])
        taken = 0
        if not grant.date_end or grant.date_end > row["today"]:
            free = units if row["limit_value"] is None else row["limit_value"] - row["used"]
            taken = max(min(units, grant.quantity, free), 0)
            self.env.cr.execute(SQL(
                "UPDATE quota_grant SET quantity = quantity - %s WHERE id = %s",
                taken, grant.id))
            grant.invalidate_recordset(["quantity"])
        self.message_post(body=self.env._(
            "%(document)s: %(taken)s of %(units)s extra units of “%(metric)s” taken back; "
            "the others were used or have expired.", document=document, taken=taken, units=units,
            metric=grant.metric_id.name))
        return taken

    def action_view_quota(self):
        """Open the quotas of the subscription."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_quota.quota_status_action")
        return {**action, "domain": [("subscription_id", "=", self.id)]}

    # A larger plan ------------------------------------------------------------------------------

    def _price_with_more(self, code):
        """Find the cheapest price of the same family and cycle whose plan has a higher limit.

        :return: a ``subscription.plan.price``, empty when there is none or no change is possible
        """
        self.ensure_one()
        prices = self.env["subscription.plan.price"]
        if self.state not in ("trial", "active") or self.end_date:
            return prices
        prices = self._prices_to_change_to().filtered(
            lambda price: price._same_interval(self.price_id))
        # sudo: limits of plans on sale are public
        limits = self.env["quota.plan.limit"].sudo().search([
            ("plan_id", "in", (prices.plan_id + self.plan_id).ids),
            ("metric_id.code", "=", code)])
        size = {limit.plan_id: math.inf if limit.unlimited else limit.limit_value
                for limit in limits}
        return prices.filtered(
            lambda price: size.get(price.plan_id, 0) > size.get(self.plan_id, 0)
        ).sorted("amount")[:1]
