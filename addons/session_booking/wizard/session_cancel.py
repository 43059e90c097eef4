from odoo import api, fields, models

from odoo.addons.concurrency_base.tools import take_turn


class SessionCancel(models.TransientModel):
    """The cancellation of a session: what it entails, and the reason."""

    _name = "session.cancel"
    _description = "Cancel a Training Session"

    event_id = fields.Many2one(
        "event.event", string="Session", required=True, readonly=True, ondelete="cascade")
    seat_count = fields.Integer(compute="_compute_seats", string="Attendees told")
    credit_count = fields.Integer(compute="_compute_seats", string="Credits given back")
    returns = fields.Html(compute="_compute_seats", sanitize=False, string="What goes back")
    note = fields.Text(
        string="Message to the attendees", help="Why the session is cancelled; in their mail.")

    @api.depends("event_id")
    def _compute_seats(self):
        for wizard in self:
            seats = wizard.event_id._registrations(["open"])
            lines = [seat._cancel_line(for_customer=False) for seat in seats]
            wizard.seat_count = len(seats)
            wizard.credit_count = sum(seats.mapped("credit_cost"))
            wizard.returns = seats._render_returns(lines)

    def action_confirm(self):
        """Cancel the session and all its seats; a second click changes nothing."""
        self.ensure_one()
        # sudo: in which wallets the credits come back; nothing of them is shown
        wallets = self.event_id._registrations(["open"]).sudo().credit_entry_id.wallet_id
        take_turn(self.env, wallets, self.event_id)
        self.event_id._cancel_session(self.note or "")
        return {"type": "ir.actions.act_window_close"}
