from odoo import api, fields, models

from odoo.addons.concurrency_base.tools import take_turn


class SessionMove(models.TransientModel):
    """A new date for a session, with a warning about attendees who have another session then."""

    _name = "session.move"
    _description = "Move a Training Session"

    event_id = fields.Many2one(
        "event.event", string="Session", required=True, readonly=True, ondelete="cascade")
    date_begin = fields.Datetime(
        string="New date", required=True, compute="_compute_dates", store=True, readonly=False,
        precompute=True)
    date_end = fields.Datetime(
        required=True, compute="_compute_dates", store=True, readonly=False, precompute=True)
    seat_count = fields.Integer(related="event_id.seats_booked", string="Attendees told")
    overlap_warning = fields.Text(compute="_compute_overlap_warning")
    note = fields.Text(
        string="Message to the attendees", help="Why the session moves; in their mail.")

    @api.depends("event_id")
    def _compute_dates(self):
        for wizard in self:
            wizard.date_begin = wizard.event_id.date_begin
            wizard.date_end = wizard.event_id.date_end

    @api.depends("event_id", "date_begin", "date_end")
    def _compute_overlap_warning(self):
        for wizard in self:
            event = wizard.event_id
            attendees = event._registrations(["open"]).partner_id
            wizard.overlap_warning = event._overlap_warning(
                attendees, wizard.date_begin, wizard.date_end) if event else ""

    @api.onchange("date_begin")
    def _onchange_date_begin(self):
        """Keep the length of the session."""
        if self.date_begin and self.event_id:
            self.date_end = self.date_begin + (self.event_id.date_end - self.event_id.date_begin)

    def action_confirm(self):
        """Move the session and tell everyone; a second click changes nothing."""
        self.ensure_one()
        take_turn(self.env, self.event_id)
        self.event_id._move_session(self.date_begin, self.date_end, self.note or "")
        return {"type": "ir.actions.act_window_close"}
