import contextlib
from datetime import timedelta

import pytz
from markupsafe import escape

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import (
    as_engine,
    find_staff,
    tell_once,
    work_isolated,
)

DECIDE = "session_booking.mail_activity_type_decide"


class EventEvent(models.Model):
    """The part of sessions for the decision whether they take place with few attendees."""

    _inherit = "event.event"

    min_attendees = fields.Integer(
        compute="_compute_minimum", store=True, readonly=False, precompute=True,
        string="Minimum of attendees", help="0: the session takes place with anybody.")
    decision_days = fields.Integer(
        compute="_compute_minimum", store=True, readonly=False, precompute=True,
        string="Decide (days before)",
        help="How many days before the session it is decided whether it takes place.")
    decision_date = fields.Date(compute="_compute_decision", string="To decide on")
    to_decide = fields.Boolean(
        compute="_compute_decision", search="_search_to_decide",
        help="Too few attendees, and the day of the decision has come.")
    decision_kept_on = fields.Datetime(
        readonly=True, engine=True, copy=False, string="Maintained on",
        help="When it was decided that the session takes place with few attendees.")
    decision_told_on = fields.Datetime(
        readonly=True, engine=True, copy=False, string="Reminded to decide on")

    _minimum_not_negative = models.Constraint(
        "CHECK(COALESCE(min_attendees, 0) >= 0 AND COALESCE(decision_days, 0) BETWEEN 0 AND 365)",
        "The minimum of attendees is 0 or more, and it is decided 0 to 365 days before.")
    _undecided = models.Index(
        "(date_begin) WHERE is_training IS TRUE AND min_attendees > 0")

    @api.depends("event_type_id")
    def _compute_minimum(self):
        for event in self:
            event.min_attendees = event.event_type_id.min_attendees
            event.decision_days = event.event_type_id.decision_days

    @api.depends("date_begin", "date_tz", "min_attendees", "decision_days", "seats_booked",
                 "kanban_state", "decision_kept_on", "is_training")
    def _compute_decision(self):
        for event in self:
            event.decision_date, event.to_decide = False, False
            if event.is_training and event.min_attendees and event.date_begin:
                # A timezone nobody knows is a fault of its session, not of the others.
                with contextlib.suppress(pytz.UnknownTimeZoneError):
                    event.decision_date = event._local_date() - timedelta(days=event.decision_days)
                    event.to_decide = event._is_undecided()

    def _is_undecided(self):
        """Tell whether a coming session lacks attendees on the day of the decision, or later."""
        self.ensure_one()
        return bool(
            self._is_open() and not self.decision_kept_on
            and self.seats_booked < self.min_attendees
            and self._localize(fields.Datetime.now()).date() >= self.decision_date)

    def _search_to_decide(self, operator, value):
        if operator != "in":
            return NotImplemented
        # Coming sessions with a minimum are few; their days are civil days of each timezone.
        found = self.search([
            ("is_training", "=", True), ("min_attendees", ">", 0),
            ("date_begin", ">", fields.Datetime.now()), ("kanban_state", "!=", "cancel"),
            ("decision_kept_on", "=", False)]).filtered("to_decide")
        return [("id", "in" if True in value else "not in", found.ids)]

    # Decision -----------------------------------------------------------------------------

    def action_keep_session(self):
        """Decide that the session takes place, with as many attendees as there are.

        :raise UserError: there is nothing to decide
        """
        self.check_access("write")
        for event in self:
            if not event.to_decide:
                raise UserError(self.env._(
                    "There is nothing to decide about “%(session)s”.",
                    session=event.display_name))
        as_engine(self).decision_kept_on = fields.Datetime.now()
        for event in self:
            event.message_post(body=self.env._(
                "The session takes place: attendees %(taken)s, minimum %(minimum)s.",
                taken=event.seats_booked, minimum=event.min_attendees))
        self._close_decision()
        return True

    def _close_decision(self):
        """Close the reminders to decide, which have no more object."""
        # sudo: the reminder may be another user's
        self.sudo().activity_unlink([DECIDE])

    def _forget_decision(self):
        """Ask again for sessions that have a new date."""
        decided = self.filtered(lambda event: event.decision_kept_on or event.decision_told_on)
        if decided:
            as_engine(decided).write({"decision_kept_on": False, "decision_told_on": False})
            decided._close_decision()

    # Reminder -----------------------------------------------------------------------------

    @api.model
    def _cron_decide(self, limit=100):
        """Remind those responsible, once a session, of what they have to decide; hourly."""
        waiting = self.search(
            [("to_decide", "=", True), ("decision_told_on", "=", False)], order="id", limit=limit)
        waiting = waiting.try_lock_for_update().filtered(
            lambda event: event.to_decide and not event.decision_told_on)
        work_isolated(waiting, lambda part: part._remind_to_decide(), self._tell_undecided_error)
        activity_type = self.env.ref(DECIDE)
        asked = self.search([
            ("is_training", "=", True), ("activity_ids.activity_type_id", "=", activity_type.id)])
        settled = asked.filtered(lambda event: not event.to_decide)
        settled._close_decision()
        settled.decision_told_on = False  # whoever cancels makes it a question again
        self.env["ir.cron"]._commit_progress(len(waiting))

    @api.model
    def _tell_undecided_error(self, event, error):
        """Tell staff about a session whose responsible could not be reminded; it is not retried."""
        event.decision_told_on = fields.Datetime.now()
        user = find_staff(self.env, "event.group_event_user", event.company_id)
        tell_once(event, user, lambda env: env._("The reminder to decide failed"), error)

    def _remind_to_decide(self):
        for event in self:
            user = event.user_id
            if not user.active or user.share or not user.has_group("event.group_event_user"):
                user = find_staff(self.env, "event.group_event_user", event.company_id)
            speaking = event.with_context(lang=user.lang)
            speaking.activity_schedule(
                DECIDE, user_id=user.id, date_deadline=event._local_date(),
                summary=speaking.env._(
                    "Decide: %(taken)s of at least %(minimum)s attendees",
                    taken=event.seats_booked, minimum=event.min_attendees),
                note=escape(speaking.env._(
                    "“%(session)s”: maintain the session, or cancel it; the buttons of the "
                    "session do both and tell everyone.", session=speaking.display_name)))
            event.decision_told_on = fields.Datetime.now()
