from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import lock_in_order

from ..exceptions import SessionUnavailable
from .event_type import NO_SHOW_POLICIES


class EventEvent(models.Model):
    """The part of sessions for closing their attendance: who came, and what goes back.

    Closing may be repeated after a correction: it does what is still to be done, and no more.
    """

    _inherit = "event.event"

    no_show_policy = fields.Selection(
        NO_SHOW_POLICIES, string="Absent without cancelling", compute="_compute_no_show_policy",
        store=True, readonly=False, precompute=True)
    attendance_closed_on = fields.Datetime(
        readonly=True, engine=True, copy=False)
    attendance_ids = fields.One2many("session.attendance", "event_id")
    may_close_attendance = fields.Boolean(compute="_compute_may_close_attendance")

    @api.depends("event_type_id")
    def _compute_no_show_policy(self):
        for event in self:
            event.no_show_policy = event.event_type_id.no_show_policy or "keep"

    @api.depends("is_training", "kanban_state", "date_begin", "attendance_closed_on")
    def _compute_may_close_attendance(self):
        for event in self:
            event.may_close_attendance = (
                event.is_training and event.kanban_state != "cancel"
                and not event.attendance_closed_on and event._attendance_is_complete())

    def _attendance_is_complete(self):
        """Tell whether the last half-day of the session has begun: whoever is late is absent."""
        self.ensure_one()
        now = fields.Datetime.now()
        if not self.date_begin or now < self.date_begin:
            return False
        return now >= self.date_end or self._half_day_now() == self._half_days()[-1]

    def _no_show_label(self):
        """Say what becomes of the credits of who neither comes nor cancels in time."""
        self.ensure_one()
        if self.no_show_policy == "return":
            return self.env._(
                "Absent without cancelling: the credits go back to the wallet after the session.")
        return self.env._("Absent without cancelling: the credits are not returned.")

    # What closing entails -----------------------------------------------------------------

    def _attendance_outcome(self, unmarked_as=None):
        """Return for each seat whether its attendee came to at least one half-day.

        :param str unmarked_as: what half-days without a note count as
        :return: dict of ``event.registration`` to "present" or "absent"
        """
        self.ensure_one()
        outcome = {}
        for seat in self._attendance_seats():
            states = {row.state if row.state != "expected" else unmarked_as
                      for row in seat.attendance_ids}
            came = "present" in states or (not states and seat.state == "done")
            outcome[seat] = "present" if came else "absent"
        return outcome

    def _absence_plan(self, outcome):
        """Return the seats whose credits go back, and those whose credits are taken again."""
        seats = self.env["event.registration"]
        absent = seats.union(*(seat for seat, noted in outcome.items() if noted == "absent"))
        present = seats.union(*(seat for seat, noted in outcome.items() if noted == "present"))
        # sudo: whether credits came back
        return absent._owed_for_absence(), present.filtered(
            lambda seat: seat.sudo().absence_entry_id)

    # Closing ------------------------------------------------------------------------------

    def _check_may_close(self):
        """Refuse to close what is no training, cancelled, or not over.

        :raise UserError: why
        """
        self.ensure_one()
        if not self.is_training or self.kanban_state == "cancel":
            raise UserError(self.env._(
                "“%(session)s” is cancelled, or no training: it has no attendance to close.",
                session=self.display_name))
        if not self._attendance_is_complete():
            raise UserError(self.env._(
                "“%(session)s” is not over: close its attendance when its last half-day has "
                "begun.", session=self.display_name))

    def _close_attendance(self, unmarked_as=None):
        """Close the attendance; apply the no-show policy of the session, once; tell everyone.

        :param str unmarked_as: what half-days without a note count as, "present" or "absent"
        :return: seats whose credits should be taken again and could not
        :raise UserError: not over, or half-days without a note and `unmarked_as`
        """
        self._check_may_close()
        event = self.sudo()  # sudo: follows from the attendance, which the user may note
        if event.attendance_closed_on:
            return event.env["event.registration"]
        # Wallets before sessions, as everywhere: making the missing half-days locks the session.
        lock_in_order(event._attendance_seats().credit_entry_id.wallet_id, event)
        event.env["session.attendance"]._open(event)
        unmarked = event._attendance_rows().filtered(lambda row: row.state == "expected")
        if unmarked and unmarked_as not in ("present", "absent"):
            raise UserError(self.env._(
                "Not noted yet: %(names)s. Note who was there, or say what they count as.",
                names=", ".join(sorted(set(unmarked.mapped("attendee"))))))
        if unmarked:
            unmarked.write({"state": unmarked_as})
        return event._apply_attendance()

    def _attendance_rows(self):
        """Return the half-days of those who have a seat."""
        return self._attendance_seats().attendance_ids

    def _apply_attendance(self):
        outcome = self._attendance_outcome()
        owed, taken = self._absence_plan(outcome)
        changed = self.env["event.registration"]._note_attendance(outcome)
        owed._return_for_absence()
        failed = taken._take_after_absence()
        self.attendance_closed_on = fields.Datetime.now()
        changed.filtered(lambda seat: seat.attendance == "absent")._send_booking_mail(
            "session_booking.mail_template_absent")
        (taken - failed)._send_booking_mail("session_booking.mail_template_absence_corrected")
        return failed

    def _reopen_attendance(self):
        """Open the attendance again for a correction; nothing moves until it is closed again."""
        self.sudo().attendance_closed_on = False  # sudo: as in _close_attendance

    def action_close_attendance(self):
        """Open the dialog that says what closing entails."""
        self._check_notes_attendance()
        self._check_may_close()
        self.env["session.attendance"]._open(self)
        return self._open_wizard("session_booking.session_attendance_close_action")

    def action_reopen_attendance(self):
        """Open the attendance again."""
        self._check_notes_attendance()
        self._reopen_attendance()
        return self.action_view_attendance()

    def action_view_attendance(self):
        """Open the half-days of these sessions, to note who is there."""
        self._check_notes_attendance()
        self.env["session.attendance"]._open(self)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "session_booking.session_attendance_action")
        moment = self._half_day_now() if len(self) == 1 else None
        several = len(self) == 1 and len(self._half_days()) > 1
        context = {"search_default_group_day": 1, "search_default_group_half": 2} if several else {}
        if moment and several:
            context = {"search_default_today": 1, f"search_default_{moment[1]}": 1}
        return {**action, "context": context, "domain": [
            ("event_id", "in", self.ids), ("registration_id.state", "in", ("open", "done"))]}

    def _check_notes_attendance(self):
        """Let nobody in but those who note attendance, for the actions work as the system."""
        self.check_access("read")
        self.env["session.attendance"].check_access("write")

    # Guards -------------------------------------------------------------------------------

    def _check_attendance_keeps_its_days(self):
        """Refuse dates that contradict what was noted, and renew the half-days that were not.

        :raise SessionUnavailable: attendance is closed, noted on another day, or was refunded
        """
        for event in self.sudo().filtered("is_training"):  # sudo: reads and renews the rows
            half_days = set(event._half_days())
            stale = event.attendance_ids.filtered(
                lambda row, kept=half_days: (row.day, row.half) not in kept)
            back = event._registrations(("open", "done")).filtered("absence_entry_id")
            if event.attendance_closed_on or back or stale.filtered(
                    lambda row: row.state != "expected" and row.registration_id._takes_a_seat()):
                raise SessionUnavailable(self.env._(
                    "The attendance of “%(session)s” is already noted. Take back what was noted "
                    "before you change its dates, or plan a new session.", session=event.name))
            stale.unlink()
