from odoo import api, fields, models

from odoo.addons.concurrency_base.tools import take_turn


class SessionSeatCancel(models.TransientModel):
    """The cancellation of seats by staff: who asks for it, and what goes back to whom."""

    _name = "session.seat.cancel"
    _description = "Cancel Bookings"

    registration_ids = fields.Many2many(
        "event.registration", string="Bookings", required=True,
        relation="session_seat_cancel_seats")
    asked_by = fields.Selection([
        ("customer", "The customer: credits go back until the deadline"),
        ("centre", "The centre: credits always go back"),
    ], default="customer", required=True, string="Who cancels")
    choice_matters = fields.Boolean(
        compute="_compute_returns",
        help="What goes back depends on who cancels: a deadline has passed, or credits expired.")
    returns = fields.Html(compute="_compute_returns", sanitize=False, string="What goes back")

    @api.depends("registration_ids", "asked_by")
    def _compute_returns(self):
        for wizard in self:
            seats = wizard.registration_ids
            by_customer, by_centre = (
                [seat._cancel_line(for_customer) for seat in seats]
                for for_customer in (True, False))
            wizard.choice_matters = by_customer != by_centre
            wizard.returns = seats._render_returns(
                by_customer if wizard.asked_by == "customer" else by_centre)

    def action_confirm(self):
        """Cancel the seats; a second click changes nothing."""
        self.ensure_one()
        seats = self.registration_ids
        seats.check_access("write")
        # sudo: in which wallets the credits come back; nothing of them is shown
        take_turn(self.env, seats.sudo().credit_entry_id.wallet_id, seats.event_id)
        seats._cancel_by_staff(self.asked_by == "customer")
        return {"type": "ir.actions.act_window_close"}
