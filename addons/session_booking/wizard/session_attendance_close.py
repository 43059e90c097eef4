from odoo import api, fields, models

from odoo.addons.concurrency_base.tools import take_turn


class SessionAttendanceClose(models.TransientModel):
    """The end of a session's attendance: who was absent, and which credits go back for it."""

    _name = "session.attendance.close"
    _description = "Close the Attendance of a Session"

    event_id = fields.Many2one(
        "event.event", string="Session", required=True, readonly=True, ondelete="cascade")
    unmarked_names = fields.Text(compute="_compute_unmarked_names", string="Not noted yet")
    unmarked_as = fields.Selection(
        [("present", "Present"), ("absent", "Absent")], string="Count them as")
    present_count = fields.Integer(compute="_compute_returns", string="Present")
    absent_count = fields.Integer(compute="_compute_returns", string="Absent")
    policy = fields.Char(compute="_compute_returns")
    returns = fields.Html(compute="_compute_returns", sanitize=False, string="Absent attendees")
    taken = fields.Html(compute="_compute_returns", sanitize=False, string="Corrected absences")

    @api.depends("event_id")
    def _compute_unmarked_names(self):
        for wizard in self:
            rows = wizard.event_id._attendance_rows().filtered(
                lambda row: row.state == "expected")
            wizard.unmarked_names = ", ".join(
                seat.name or seat.display_name for seat in rows.registration_id)

    @api.depends("event_id", "unmarked_as")
    def _compute_returns(self):
        for wizard in self:
            event = wizard.event_id
            outcome = event._attendance_outcome(wizard.unmarked_as) if event else {}
            owed, taken = event._absence_plan(outcome)
            absent = [seat for seat, noted in outcome.items() if noted == "absent"]
            wizard.present_count = len(outcome) - len(absent)
            wizard.absent_count = len(absent)
            wizard.policy = event and event._no_show_label()
            seats = self.env["event.registration"]
            wizard.returns = absent and seats._render_returns(
                [seat._absence_line(seat in owed) for seat in absent])
            wizard.taken = taken and seats._render_returns(
                [seat._taken_again_line() for seat in taken])

    def action_confirm(self):
        """Close the attendance; a second click changes nothing."""
        self.ensure_one()
        event = self.event_id
        event._check_notes_attendance()
        # sudo: in which wallets credits move; nothing of them is shown
        take_turn(self.env, event._attendance_seats().sudo().credit_entry_id.wallet_id, event)
        failed = event._close_attendance(self.unmarked_as)
        if not failed:
            return {"type": "ir.actions.act_window_close"}
        return {
            "type": "ir.actions.client", "tag": "display_notification",
            "params": {
                "type": "warning", "sticky": True,
                "message": self.env._(
                    "The attendance is closed. The credits of %(names)s could not be taken "
                    "again: they are spent or expired. See the notes on their bookings.",
                    names=", ".join(seat.name or seat.display_name for seat in failed)),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
