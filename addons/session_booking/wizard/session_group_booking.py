import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import take_turn


class SessionGroupBooking(models.TransientModel):
    """A booking for many attendees at once, from one wallet or paid outside: all or none."""

    _name = "session.group.booking"
    _description = "Book Seats for a Group"

    key = fields.Char(
        required=True, readonly=True, default=lambda self: uuid.uuid4().hex,
        help="The seats of one group are booked once.")
    event_id = fields.Many2one(
        "event.event", string="Session", required=True, domain=[("is_training", "=", True)],
        ondelete="cascade")
    payer_id = fields.Many2one(
        "res.partner", string="Customer", required=True,
        help="Whose wallet pays, or whose quote it is; new attendees become its contacts.")
    payment = fields.Selection(
        [("wallet", "From the customer's wallet"), ("outside", "Paid outside")],
        default="wallet", required=True)
    outside_reason = fields.Char(
        string="How it is paid", help="The quote or agreement; kept on each booking.")
    line_ids = fields.One2many("session.group.booking.line", "booking_id", string="Attendees")
    seats_limited = fields.Boolean(related="event_id.seats_limited", string="Seats are limited")
    seats_left = fields.Integer(related="event_id.seats_left")
    price = fields.Integer(compute="_compute_price", string="Price (credits)")
    balance = fields.Integer(compute="_compute_balance", string="In the wallet (credits)")
    overlap_warning = fields.Text(compute="_compute_overlap_warning")

    @api.depends("event_id", "line_ids")
    def _compute_price(self):
        for booking in self:
            booking.price = booking.event_id.credit_price * len(booking.line_ids)

    @api.depends("payer_id", "event_id")
    def _compute_balance(self):
        for booking in self:
            company = booking.event_id.company_id or self.env.company
            # sudo: staff who book for a customer see what the customer can spend
            wallet = self.env["credit.wallet"].sudo().search([
                ("partner_id", "=", booking.payer_id.commercial_partner_id.id),
                ("company_id", "=", company.id)])
            booking.balance = wallet.spendable

    @api.depends("event_id", "line_ids.partner_id")
    def _compute_overlap_warning(self):
        for booking in self:
            partners = booking.line_ids.partner_id
            booking.overlap_warning = (
                booking.event_id._overlap_warning(partners) if booking.event_id else "")

    # Booking ------------------------------------------------------------------------------

    def _apply(self):
        """Book a seat for each attendee, all or none; seats this wizard already booked are kept.

        :return: the ``event.registration`` records, in the order of the lines
        :raise UserError: no attendee, someone twice, no reason, a line without name or address
        :raise SessionUnavailable: the session is past, cancelled, full, or has one of them
        :raise InsufficientCredits: the wallet holds less than all the seats cost
        """
        self.ensure_one()
        self.check_access("write")
        # sudo: who plans sessions has no right on the ledger and the invoices that follow from
        # a booking; the wizard's own access rights were checked above
        event = self.event_id.sudo()
        known = event.env["event.registration"].search(
            [("booking_key", "=like", f"group:{self.key}:%")], order="id")
        if known:
            return known.sudo(False)
        self._check_attendees()
        attendees = self._attendees()
        wallet, vals = self._payment(event, len(attendees))
        registrations = event.env["event.registration"].concat(*(
            event._book(wallet, attendee, f"group:{self.key}:{number}", **vals)
            for number, attendee in enumerate(attendees)))
        return registrations.sudo(False)

    def _check_attendees(self):
        if not self.line_ids:
            raise UserError(self.env._("Name at least one attendee."))
        for line in self.line_ids:
            line._check_named()
        for lines in self.line_ids.grouped(lambda line: line._identity()).values():
            if len(lines) > 1:
                raise UserError(self.env._(
                    "%(name)s is on the list twice. Keep one line.",
                    name=lines[0]._label()))
        event = self.event_id
        event._check_bookable()
        if event.seats_limited and event.seats_left < len(self.line_ids):
            raise UserError(self.env._(
                "“%(session)s” has %(left)s seats left for %(wanted)s attendees. Nothing was "
                "booked: shorten the list, or choose another session.",
                session=event.name, left=event.seats_left, wanted=len(self.line_ids)))

    def _attendees(self):
        """Return the attendees' contacts; new ones are created under the customer's company."""
        self.line_ids._make_contacts()
        return [line.partner_id for line in self.line_ids]

    def _payment(self, event, seats):
        """Return how the seats are paid.

        :return: the wallet that pays, or none, and more values of the registrations
        """
        if self.payment == "outside":
            if not (self.outside_reason or "").strip():
                raise UserError(self.env._(
                    "State how these seats are paid: the quote, agreement or gift."))
            return event.env["credit.wallet"], {
                "paid_outside": True, "outside_reason": self.outside_reason.strip()}
        company = event.company_id or self.env.company
        wallet = self.env["credit.wallet"]._of(self.payer_id, company)
        price = event.credit_price * seats
        if wallet.spendable < price:
            raise wallet._insufficient_error(price)
        return wallet, {}

    def action_confirm(self):
        """Book the seats and show them; a second click books none."""
        company = self.event_id.company_id or self.env.company
        wallet = self.env["credit.wallet"]
        if self.payment == "wallet":
            wallet = wallet._of(self.payer_id, company)
        take_turn(self.env, wallet, self.event_id)
        registrations = self._apply()
        action = self.env["ir.actions.act_window"]._for_xml_id("session_booking.booking_action")
        return {**action, "domain": [("id", "in", registrations.ids)]}
