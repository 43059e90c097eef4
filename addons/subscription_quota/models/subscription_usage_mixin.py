from odoo import api, models
from odoo.tools import format_date
from odoo.tools.misc import formatLang

from ..tools import chart, forecast

NEAR, FULL = 80, 100  # percent of the limit at which the customer is told
PAST_PERIODS = 6


class SubscriptionUsageMixin(models.AbstractModel):
    """What a customer sees of their quotas: bars, forecast, banner, and what to buy."""

    _name = "subscription.usage.mixin"
    _description = "Use of the Quotas of Subscriptions"

    # Page of the portal -----------------------------------------------------------------------

    def _usage(self, history=True):
        """All that the portal shows of the quotas, in words and numbers ready to be shown.

        :param bool history: with the charts of the last periods
        :return: dict of ``rows`` (one a metric with a count), ``features``, ``banner`` (None
            when all is well), ``off`` (why nothing can be used now, or None), ``has_packs``
            and ``charts``
        """
        self.ensure_one()
        states = self._quota_state()
        counted = [state for state in states if state["kind"] != "feature"]
        rows = [self._usage_row(state) for state in counted]
        packs = bool(counted and history and self._quota_packs())
        return {
            "rows": rows,
            "features": [state for state in states if state["kind"] == "feature"],
            "banner": self._usage_banner(rows, packs),
            "off": self._usage_off_label(),
            "has_packs": packs,
            "charts": self._usage_charts(counted) if history else [],
        }

    def _usage_row(self, state):
        """A metric as its bar shows it."""
        used, limit = state["used"], state["limit"]
        percent = None if limit is None else used * 100 // limit if limit else FULL
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
    def _usage_level(self, percent):
        if percent is None or percent < NEAR:
            return "ok"
        return "full" if percent >= FULL else "near"

    def _usage_label(self, state):
        """« 80 of 100 scans »."""
        used = formatLang(self.env, state["used"], digits=0)
        if state["limit"] is None:
            return self.env._(
                "%(used)s %(unit)s, no limit", used=used, unit=state["unit"] or "")
        return self.env._(
            "%(used)s of %(limit)s %(unit)s", used=used, unit=state["unit"] or "",
            limit=formatLang(self.env, state["limit"], digits=0))

    def _usage_note(self, state):
        """What is left or above the limit, and when the count starts anew."""
        parts = []
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
        """Why nothing can be used now; None while the service is on."""
        if self.state in self._SERVED_STATES:
            return None
        if self.state == "suspended":
            return self.env._(
                "The service is off: nothing can be used until the invoices are paid.")
        return self.env._("The service is off: nothing can be used.")

    # Banner -----------------------------------------------------------------------------------

    def _usage_banner(self, rows, packs):
        """The metric nearest to its limit, in a sentence with one thing to do about it."""
        worst = max(
            (row for row in rows if row["level"] != "ok"), key=lambda row: row["percent"],
            default=None)
        if not worst:
            return None
        url, button = self._usage_remedy(worst["code"], packs)
        return {"level": worst["level"], "text": self._usage_warning(worst), "url": url,
                "button": button}

    def _usage_warning(self, row):
        """What has been or will be reached, and what happens then.

        :param dict row: see :meth:`_usage_row`; the alerts by mail use it, too
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
        """Where more is to be had: (address, label of the button); (None, None) when nowhere."""
        if packs:
            return f"/my/subscriptions/{self.id}/packs", self.env._("Buy extra units")
        if price := self._price_with_more(metric_code):
            return (f"/my/subscriptions/{self.id}/change?price={price.id}&timing=now",
                    self.env._("Change to %(plan)s", plan=price.plan_id.name))
        return None, None

    # Forecast -----------------------------------------------------------------------------------

    def _quota_forecast(self, state):
        """The civil day the metric runs out at the pace of its period; see ``tools.forecast``.

        :param dict state: of :meth:`_quota_state`
        """
        if state["kind"] != "period" or self.state not in self._SERVED_STATES:
            return None
        return forecast.runs_out_on(
            state["starts_on"], state["resets_on"], self._today(), state["used"],
            state["limit"])
