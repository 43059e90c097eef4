from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from odoo.addons.concurrency_base.tools import as_engine, claim_in_order

HALVES = [("morning", "Morning"), ("afternoon", "Afternoon"), ("evening", "Evening")]


class SessionAttendance(models.Model):
    """Whether one attendee came to one half-day of a session: a row each, made by the system.

    Staff mark the rows; a row marked by mistake is marked again, or put back to « to note ». When
    the attendance of the session is closed, they no longer change (``event_event_closing``).
    """

    _name = "session.attendance"
    _description = "Attendance of a Half-Day"
    _order = "day, half_rank, attendee, id"
    _rec_name = "attendee"

    registration_id = fields.Many2one(
        "event.registration", string="Booking", required=True, engine=True, index=True,
        ondelete="cascade")
    event_id = fields.Many2one(
        related="registration_id.event_id", store=True, engine=True, precompute=True, index=True,
        string="Session")
    attendee = fields.Char(
        related="registration_id.name", store=True, engine=True, precompute=True,
        string="Attendee")
    partner_id = fields.Many2one(related="registration_id.partner_id", string="Contact")
    company_name = fields.Char(compute="_compute_company_name", string="Attendee's company")
    day = fields.Date(required=True, engine=True, help="Civil day, where the session is.")
    half = fields.Selection(HALVES, required=True, engine=True, string="Half-day")
    half_rank = fields.Integer(
        compute="_compute_half_rank", store=True, engine=True, precompute=True)
    state = fields.Selection([
        ("expected", "To note"),
        ("present", "Present"),
        ("absent", "Absent"),
    ], required=True, default="expected", string="Attendance")
    is_closed = fields.Boolean(compute="_compute_is_closed")

    _once = models.Constraint(
        "UNIQUE(registration_id, day, half)",
        "The attendance of this half-day is already on the list.")

    @api.depends("registration_id.company_name", "registration_id.partner_id")
    def _compute_company_name(self):
        for row in self:
            seat = row.registration_id
            # sudo: the name of the attendee's employer, as on the sheet to sign
            row.company_name = (
                seat.company_name or seat.partner_id.sudo().commercial_company_name)

    @api.depends("half")
    def _compute_half_rank(self):
        ranks = {half: rank for rank, (half, _label) in enumerate(HALVES)}
        for row in self:
            row.half_rank = ranks.get(row.half, 0)

    @api.depends("event_id.attendance_closed_on")
    def _compute_is_closed(self):
        for row in self:
            row.is_closed = bool(row.event_id.attendance_closed_on)

    @api.depends("attendee", "day", "half")
    def _compute_display_name(self):
        halves = dict(self._fields["half"]._description_selection(self.env))
        for row in self:
            row.display_name = self.env._(
                "%(name)s, %(date)s, %(half)s", name=row.attendee or "",
                date=format_date(self.env, row.day), half=halves.get(row.half, ""))

    def write(self, vals):
        """Mark who came, and keep the state of the seats in step."""
        if "state" in vals:
            self._check_may_mark(vals["state"])
        result = super().write(vals)
        if "state" in vals:
            self._sync_seats()
        return result

    def _check_may_mark(self, state):
        """Refuse to mark what is closed, cancelled, or still to come.

        :raise UserError: naming the session or the attendee
        """
        for row in self:
            event = row.event_id
            if event.attendance_closed_on:
                raise UserError(self.env._(
                    "The attendance of “%(session)s” is closed. Use “Correct the attendance” on "
                    "the session first.", session=event.display_name))
            if not row.registration_id._takes_a_seat():
                raise UserError(self.env._(
                    "The seat of %(name)s in “%(session)s” is cancelled: there is nothing to "
                    "note.", name=row.attendee, session=event.display_name))
            if state != "expected" and row.day > event._localize(fields.Datetime.now()).date():
                raise UserError(self.env._(
                    "%(date)s is still to come: note on that day who is there.",
                    date=format_date(self.env, row.day)))

    def _sync_seats(self):
        """Set the seats to attended, or back to registered, as their half-days say."""
        for seat in self.registration_id.filtered(lambda seat: seat._takes_a_seat()):
            present = "present" in seat.attendance_ids.mapped("state")
            if (seat.state == "done") != present:
                as_engine(seat).with_context(attendance_marked=True).write(
                    {"state": "done" if present else "open"})

    # Rows ---------------------------------------------------------------------------------

    @api.model
    def _open(self, events, checked_in=None):
        """Make the rows that are missing: one for each seat and half-day of these sessions.

        A seat that was marked as attended before there were rows attended all of them.

        :param checked_in: seats that are being marked now, whose half-days are still to note
        """
        rows = self.sudo()  # sudo: the rows follow from the seats; staff only mark them
        seats = events._registrations(("open", "done")).sudo()
        known = {
            (row.registration_id, row.day, row.half)
            for row in rows.search([("registration_id", "in", seats.ids)])}
        noted = {seat.id for seat, _day, _half in known} | set(checked_in.ids if checked_in else [])
        vals_list = []
        for seat in seats:
            came = seat.state == "done" and seat.id not in noted
            vals_list += [
                {"registration_id": seat.id, "day": day, "half": half,
                 "state": "present" if came else "expected"}
                for day, half in seat.event_id._half_days() if (seat, day, half) not in known]
        if vals_list:
            # Two desks begin at the same moment: the second starts again, and finds the rows.
            claim_in_order(seats.event_id)
        made = rows.create(vals_list)
        events.invalidate_recordset(["attendance_ids"])  # the ORM would list some of them twice
        return made.sudo(False)

    @api.model
    def action_today(self):
        """Open the people expected today, and make their rows first."""
        self.check_access("write")
        now = fields.Datetime.now()
        self._open(self.env["event.event"].search([
            ("is_training", "=", True), ("kanban_state", "!=", "cancel"),
            ("date_begin", "<", fields.Datetime.add(now, days=1)),
            ("date_end", ">", fields.Datetime.subtract(now, days=1)),
            ("attendance_closed_on", "=", False)]))
        return self.env["ir.actions.act_window"]._for_xml_id(
            "session_booking.session_attendance_today_action")

    # Marking ------------------------------------------------------------------------------

    def action_present(self):
        """Note that they are there; once more: put it back to « to note »."""
        return self._mark("present")

    def action_absent(self):
        """Note that they are not there; once more: put it back to « to note »."""
        return self._mark("absent")

    def action_expected(self):
        """Take back what was noted."""
        self.write({"state": "expected"})
        return True

    def _mark(self, state):
        again = self.filtered(lambda row: row.state != state)
        if again:
            again.write({"state": state})
        else:
            self.write({"state": "expected"})
        return True
