import uuid
from datetime import time, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from odoo.addons.base.models.res_partner import _tz_get
from odoo.addons.concurrency_base.tools import as_engine, take_turn

from ..tools import NonExistentTime, every_weeks, local_to_utc

MAX_SESSIONS = 104


class SessionSeries(models.TransientModel):
    """A plan of the sessions of a training, every few weeks at the same local hour."""

    _name = "session.series"
    _description = "Series of Training Sessions"

    key = fields.Char(
        required=True, readonly=True, default=lambda self: uuid.uuid4().hex,
        help="The sessions of one series are planned once.")
    event_type_id = fields.Many2one(
        "event.type", string="Training", required=True, domain=[("is_training", "=", True)],
        ondelete="cascade")
    first_date = fields.Date(required=True, string="First session on")
    start_time = fields.Float(
        required=True, default=18.0, help="Local time, in the timezone below.")
    hours = fields.Float(
        string="Duration (hours)", required=True, compute="_compute_terms", store=True,
        readonly=False, precompute=True)
    timezone = fields.Selection(
        _tz_get, required=True, compute="_compute_terms", store=True, readonly=False,
        precompute=True)
    weeks = fields.Integer(string="Every (weeks)", default=1, required=True)
    end_kind = fields.Selection(
        [("count", "Number of sessions"), ("until", "Last date")], string="Until",
        default="count", required=True)
    count = fields.Integer(string="Sessions", default=10)
    until_date = fields.Date(string="No later than")
    address_id = fields.Many2one("res.partner", string="Place", help="Empty: online.")
    event_url = fields.Char(string="Link of the online session")
    is_published = fields.Boolean(string="Publish on the website", default=True)
    preview = fields.Text(compute="_compute_preview", string="Sessions planned")

    _weeks_positive = models.Constraint(
        "CHECK(weeks BETWEEN 1 AND 52)", "A session every 1 to 52 weeks.")
    _start_time_of_day = models.Constraint(
        "CHECK(start_time >= 0 AND start_time < 24)", "The hour is between 0:00 and 23:59.")
    _hours_positive = models.Constraint(
        "CHECK(hours > 0)", "A session lasts more than zero hours.")

    @api.depends("event_type_id")
    def _compute_terms(self):
        for series in self:
            training = series.event_type_id
            series.hours = training.training_hours or 2.0
            series.timezone = training.default_timezone or self.env.user.tz or "UTC"

    @api.depends("first_date", "start_time", "hours", "timezone", "weeks", "end_kind", "count",
                 "until_date")
    def _compute_preview(self):
        for series in self:
            try:
                moments = series._moments()
            except UserError as error:
                series.preview = str(error)
            else:
                series.preview = "\n".join(
                    f"{format_date(self.env, day, date_format='full')}, "
                    f"{series._local_time():%H:%M}" for day, _begin in moments)

    def _local_time(self):
        minutes = round(self.start_time * 60)
        return time(minutes // 60, minutes % 60)

    def _series_days(self):
        """Return the civil days of the series.

        :raise UserError: a term is missing, or there are too many days
        """
        until = self.end_kind == "until"
        if not self.first_date or not self.timezone or (until and not self.until_date):
            raise UserError(self.env._("Choose the first date and when the series ends."))
        if self.weeks < 1 or not 0 <= self.start_time < 24:
            raise UserError(self.env._(
                "Choose an hour of the day, and a session every 1 week or more."))
        days = every_weeks(
            self.first_date, self.weeks,
            count=MAX_SESSIONS + 1 if until else min(self.count, MAX_SESSIONS + 1),
            until=self.until_date if until else None)
        if not 0 < len(days) <= MAX_SESSIONS:
            raise UserError(self.env._(
                "A series has between 1 and %(maximum)s sessions. Change how many, or the last "
                "date.", maximum=MAX_SESSIONS))
        return days

    def _moments(self):
        """Return the sessions' days with their beginnings in UTC.

        The local hour stays the same when the clock changes, not the interval.

        :return: list of (local day, naive UTC datetime)
        :raise UserError: a term is missing, a date is past, or a local time does not exist
        """
        self.ensure_one()
        moments = []
        for day in self._series_days():
            try:
                moments.append((day, local_to_utc(day, self._local_time(), self.timezone)))
            except NonExistentTime as error:
                raise UserError(self.env._(
                    "%(time)s does not exist on %(date)s in %(timezone)s: the clock goes "
                    "forward over it. Choose another hour, or plan that session apart.",
                    time=f"{self._local_time():%H:%M}",
                    date=format_date(self.env, day, date_format="full"),
                    timezone=self.timezone)) from error
        if moments[0][1] <= fields.Datetime.now():
            raise UserError(self.env._(
                "The first session, on %(date)s, is in the past. Choose a coming date.",
                date=format_date(self.env, moments[0][0], date_format="full")))
        return moments

    def _create_sessions(self):
        """Create the sessions, all or none; those of this series already planned are kept.

        :return: the ``event.event`` of the series
        :raise UserError: see :meth:`_moments`
        """
        self.ensure_one()
        events = self.env["event.event"]
        if known := events.search([("series_key", "=like", f"{self.key}:%")]):
            return known
        created = as_engine(events).create([
            self._prepare_session_vals(number, begin)
            for number, (_day, begin) in enumerate(self._moments())])
        return created.with_env(self.env)

    def _prepare_session_vals(self, number, begin):
        """Prepare the values of one session."""
        return {
            "name": self.event_type_id.name,
            "event_type_id": self.event_type_id.id,
            "series_key": f"{self.key}:{number}",
            "date_tz": self.timezone,
            "date_begin": begin,
            "date_end": begin + timedelta(hours=self.hours),
            "address_id": self.address_id.id,
            "event_url": False if self.address_id else self.event_url,
            "is_published": self.is_published,
        }

    def action_confirm(self):
        """Plan the sessions and show them; a second click plans nothing."""
        take_turn(self.env, self)
        events = self._create_sessions()
        action = self.env["ir.actions.act_window"]._for_xml_id("session_booking.session_action")
        return {**action, "domain": [("id", "in", events.ids)], "context": {},
                "views": [(self.env.ref("session_booking.session_view_list").id, "list"),
                          (False, "form")]}
