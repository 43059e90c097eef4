import calendar
from datetime import date, datetime, time, timedelta

import pytz
from dateutil.relativedelta import relativedelta
from werkzeug.urls import url_encode

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_date
from odoo.tools.misc import get_lang

VIEWS = ("month", "week", "list")
FILTERS = ("theme", "trainer", "place", "date_from", "date_to", "seats", "affordable")
LIST_STEP = 30  # sessions on a page of the list


class SessionCalendar(models.AbstractModel):
    """The public calendar of sessions; only the period on show is read.

    Dates are civil days of the website's company; each session shows its own local time.
    """

    _name = "session.calendar"
    _description = "Calendar of Trainings"

    @api.model
    def _page_values(self, website, params):
        """Return the values of the calendar page.

        :param website: the ``website`` it is shown on
        :param dict params: the raw query; meaningless parts are ignored
        :return: dict of values for the template
        """
        query = self._parse_query(website, params)
        first, last = self._shown_period(query)
        domain = self._filter_domain(website, query)
        shown = domain & self._begins_between(website, first, last)
        events = self.env["event.event"]
        values = {
            **query, "urls": self._view_urls(query, first),
            "label": self._period_label(query, first, last),
            "themes": self._choices(website, "tag_ids"),
            "trainers": self._choices(website, "trainer_id"),
            "month": first.month, **self._view_labels(query),
            "filter_count": sum(bool(query[name]) for name in FILTERS), "pager": None,
        }
        limit, offset = None, 0
        if query["view"] == "list":
            values["pager"] = website.pager(
                "/trainings", events.search_count(shown), page=query["page"], step=LIST_STEP,
                url_args=self._arguments(query))
            limit, offset = LIST_STEP, values["pager"]["offset"]
        sessions = events.search(shown, order="date_begin, id", limit=limit, offset=offset)
        values.update(
            sessions=sessions, days=self._sessions_by_day(sessions),
            weeks=self._sessions_by_week(query, first, sessions), weekdays=self._weekdays(),
            next_session=not sessions and events.search(
                domain & Domain("date_begin", ">", fields.Datetime.now()),
                order="date_begin", limit=1))
        return values

    @api.model
    def _next_sessions(self, website, training_id, limit=50):
        """Return the coming published sessions of a training, the next first."""
        return self.env["event.event"].search(
            self._shown_domain(website) & Domain([
                ("event_type_id", "=", training_id), ("date_begin", ">", fields.Datetime.now())]),
            order="date_begin, id", limit=limit)

    # What is asked for ----------------------------------------------------------------------

    def _parse_query(self, website, params):
        """Convert the query to typed values; dates that were entered are shown as a list."""
        today = self._today(website)
        date_from, date_to = (self._parse_date(params.get(name)) for name in FILTERS[3:5])
        view = params.get("view") if params.get("view") in VIEWS else "month"
        month = self._parse_date(f"{params.get('month')}-01")
        place = params.get("place")
        return {
            "today": today,
            "view": "list" if date_from or date_to else view,
            "day": self._parse_date(params.get("date")) or month or today,
            "theme": self._parse_id(params.get("theme")),
            "trainer": self._parse_id(params.get("trainer")),
            "place": place if place in ("online", "onsite") else None,
            "date_from": date_from, "date_to": date_to,
            "seats": params.get("seats") == "1",
            "affordable": params.get("affordable") == "1" and not self.env.user._is_public(),
            "page": self._parse_id(params.get("page")) or 1,
        }

    def _today(self, website):
        return datetime.now(self._timezone(website)).date()

    def _timezone(self, website):
        return pytz.timezone(website.company_id.credit_tz or "UTC")

    def _parse_date(self, text):
        """Parse a day such as ``2026-12-31``; return None when the calendar cannot show it."""
        try:
            day = datetime.strptime(text or "", "%Y-%m-%d").date()
        except ValueError:
            return None
        return day if 1970 < day.year < 2200 else None

    def _parse_id(self, text):
        return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None

    def _shown_period(self, query):
        """Return the first day, and the day after the last; a list by itself has no last day."""
        day = query["day"]
        if query["view"] == "month":
            first = day.replace(day=1)
            return first, first + relativedelta(months=1)
        if query["view"] == "week":
            first = day - timedelta(days=(day.weekday() - self._first_weekday()) % 7)
            return first, first + timedelta(days=7)
        last = query["date_to"]
        return query["date_from"] or query["today"], last and last + timedelta(days=1)

    def _first_weekday(self):
        """Return the first weekday of the reader's language as Python counts it: 0 is Monday."""
        return int(get_lang(self.env).week_start) - 1

    def _begins_between(self, website, first, last):
        timezone = self._timezone(website)
        domain = Domain.TRUE
        for operator, day in ((">=", first), ("<", last)):
            if day:
                moment = timezone.localize(datetime.combine(day, time.min)).astimezone(pytz.utc)
                domain &= Domain("date_begin", operator, moment.replace(tzinfo=None))
        return domain

    # Filters --------------------------------------------------------------------------------

    def _shown_domain(self, website):
        return Domain([
            ("is_training", "=", True), ("kanban_state", "!=", "cancel"),
            ("is_published", "=", True)]) & Domain(website.website_domain())

    def _filter_domain(self, website, query):
        """Return the domain of sessions that pass the visitor's filters, of any period."""
        domain = self._shown_domain(website)
        if query["theme"]:
            domain &= Domain("tag_ids", "in", [query["theme"]])
        if query["trainer"]:
            domain &= Domain("trainer_id", "=", query["trainer"])
        if query["place"]:
            domain &= Domain("address_id", "=" if query["place"] == "online" else "!=", False)
        if query["seats"]:
            domain &= Domain("has_seats_left", "=", True)
        if query["affordable"]:
            domain &= Domain("credit_price", "<=", self._spendable_credits(website))
        return domain

    def _spendable_credits(self, website):
        """Return the most credits the visitor can spend on one session."""
        wallets = self.env["credit.wallet"]._usable_by(
            self.env.user.partner_id, website.company_id)
        return max(wallets._spendable().values(), default=0)

    def _choices(self, website, field):
        """Return the themes or trainers of coming sessions, (id, name) by name."""
        groups = self.env["event.event"].sudo()._read_group(
            # sudo: names of what published sessions show anyway
            self._shown_domain(website) & Domain("date_end", ">=", fields.Datetime.now()), [field])
        records = self.env["event.event"][field].sudo().union(*(record for record, in groups))
        return sorted(((record.id, record.name) for record in records), key=lambda pair: pair[1])

    # Layout ---------------------------------------------------------------------------------

    def _sessions_by_week(self, query, first, sessions):
        """Return rows of (day, its sessions), starting on the first weekday of the language."""
        by_day = sessions.grouped(lambda session: session._local_date())
        if query["view"] == "week":
            weeks = [[first + timedelta(days=number) for number in range(7)]]
        else:
            weeks = calendar.Calendar(self._first_weekday()).monthdatescalendar(
                first.year, first.month)
        return [[(day, by_day.get(day, sessions.browse())) for day in week] for week in weeks]

    def _sessions_by_day(self, sessions):
        """Return (day as people say it, its sessions) pairs, for the list."""
        return [
            (format_date(self.env, day, date_format="EEEE d MMMM yyyy").capitalize(), of_day)
            for day, of_day in sessions.grouped(lambda session: session._local_date()).items()]

    def _weekdays(self):
        monday = date(2024, 1, 1) + timedelta(days=self._first_weekday())
        return [
            format_date(self.env, monday + timedelta(days=number), date_format="EEEE")
            for number in range(7)]

    def _view_labels(self, query):
        """Return the names of the views, and of the buttons to the periods before and after."""
        month = query["view"] == "month"
        return {
            "view_labels": {
                "month": self.env._("Month"), "week": self.env._("Week"),
                "list": self.env._("List")},
            "previous_label":
                self.env._("Previous month") if month else self.env._("Previous week"),
            "next_label": self.env._("Next month") if month else self.env._("Next week"),
        }

    def _period_label(self, query, first, last):
        if query["view"] == "month":
            return format_date(self.env, first, date_format="MMMM yyyy").capitalize()
        if query["view"] == "list" and not last:
            return self.env._("From %(date)s", date=format_date(self.env, first))
        return self.env._(
            "%(first)s to %(last)s", first=format_date(self.env, first),
            last=format_date(self.env, last - timedelta(days=1)))

    # Links ----------------------------------------------------------------------------------

    def _arguments(self, query, **changes):
        """Return the query as arguments of a link, without empty ones."""
        arguments = {name: query[name] for name in ("view", *FILTERS)}
        arguments.update(changes)
        return {
            name: 1 if value is True else value for name, value in arguments.items() if value}

    def _view_urls(self, query, first):
        """Return the links to the other views, and to the periods before and after."""
        step = relativedelta(months=1) if query["view"] == "month" else timedelta(days=7)
        def link(**changes):
            """Return the link to the calendar with these changes of the query."""
            return f"/trainings?{url_encode(self._arguments(query, **changes))}"

        anchor = query["today"] if query["day"].replace(day=1) == query["today"].replace(
            day=1) else first
        undated = {"date_from": None, "date_to": None}
        return {
            "previous": link(date=first - step), "next": link(date=first + step),
            "today": link(date=None, **undated), "clear": f"/trainings?view={query['view']}",
            **{view: link(view=view, date=anchor, **undated) for view in VIEWS},
        }
