from collections import Counter
from urllib.parse import urlencode, urlsplit

import pytz
import vobject

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from odoo.addons.concurrency_base.tools import as_engine, lock_in_order, plain_line

from ..exceptions import SessionUnavailable


class EventRegistration(models.Model):
    """A seat: how it is paid, counted, exchanged, and what the attendee is written.

    Its other parts: who paid it and its cancellation by staff (``event_registration_cancel``), and
    attendance (``event_registration_attendance``).
    """

    _inherit = "event.registration"

    event_is_training = fields.Boolean(related="event_id.is_training")
    credit_entry_id = fields.Many2one(
        "credit.entry", string="Credits spent", readonly=True, engine=True, copy=False,
        ondelete="restrict")
    refund_entry_id = fields.Many2one(
        "credit.entry", string="Credits returned", readonly=True, engine=True, copy=False,
        ondelete="restrict")
    paid_outside = fields.Boolean(
        copy=False, tracking=True,
        help="The seat of a training is paid by other means than credits (quote, agreement).")
    outside_reason = fields.Char(
        string="How it is paid", copy=False, tracking=True,
        help="The quote, agreement or gift behind a seat paid outside.")
    swapped_from_id = fields.Many2one(
        "event.registration", string="In place of", readonly=True, engine=True, copy=False,
        ondelete="set null", help="The seat in another session that was changed against this one.")
    booking_key = fields.Char(readonly=True, engine=True, copy=False)
    reminder_ids = fields.One2many(
        "session.reminder", "registration_id", string="Reminders sent")
    credit_cost = fields.Integer(compute="_compute_credit_cost", string="Price (credits)")
    can_cancel = fields.Boolean(compute="_compute_can_cancel")

    _credit_entry_once = models.UniqueIndex(
        "(credit_entry_id) WHERE credit_entry_id IS NOT NULL",
        "These credits already pay for another seat.")
    _outside_states_why = models.Constraint(
        "CHECK(NOT COALESCE(paid_outside, FALSE) OR COALESCE(outside_reason, '') ~ '\\S')",
        "State how a seat “Paid outside” is paid: the quote, agreement or gift.")
    _booking_key_unique = models.UniqueIndex(
        "(booking_key) WHERE booking_key IS NOT NULL", "This booking was already made.")

    @api.depends("credit_entry_id")
    def _compute_credit_cost(self):
        for registration in self:
            # sudo: the cost is the registrant's own; the ledger has its own access rules
            registration.credit_cost = -registration.sudo().credit_entry_id.credits

    @api.depends("state", "event_id.date_begin", "event_id.cancel_hours",
                 "event_id.rescheduled_on")
    def _compute_can_cancel(self):
        now = fields.Datetime.now()
        for registration in self:
            registration.can_cancel = (
                registration.state == "open"
                and registration.event_id.is_training
                and now < registration._cancel_deadline())

    def _cancel_deadline(self):
        """Return until when (UTC) cancelling this seat is free of charge: longer after a move."""
        self.ensure_one()
        if self._was_moved():
            return self.event_id.date_begin
        return self.event_id._cancel_deadline()

    def _was_moved(self):
        """Tell whether the centre gave the session another date since the seat was booked."""
        self.ensure_one()
        moved_on = self.event_id.rescheduled_on
        return bool(moved_on and self.create_date and self.create_date <= moved_on)

    @api.constrains("state", "active", "event_id", "credit_entry_id", "paid_outside",
                    "refund_entry_id", "absence_entry_id")
    def _check_training_is_paid(self):
        """Refuse unpaid seats of a training, wherever they come from.

        :raise ValidationError: no credits were spent, and the seat is not paid outside
        """
        for registration in self.sudo():  # sudo: reads the ledger to check, shows nothing
            if (registration.event_id.is_training and registration._takes_a_seat()
                    and not registration.paid_outside
                    and (not registration.credit_entry_id or registration.refund_entry_id
                         or (registration.absence_entry_id and not registration.event_id._is_past())
                         )):
                raise ValidationError(self.env._(
                    "A seat in “%(session)s” costs %(price)s: book it from the "
                    "calendar of trainings, or tick “Paid outside” if it is paid otherwise.",
                    session=registration.event_id.name,
                    price=registration.event_id._price_label()))

    @api.constrains("credit_entry_id", "refund_entry_id", "absence_entry_id", "event_id")
    def _check_credits_agree(self):
        """Refuse ledger entries that do not pay for this seat, or did not come back from it.

        :raise ValidationError: another kind of entry, another company, or another seat's return
        """
        for seat in self.sudo():  # sudo: reads the ledger to check, shows nothing
            paid, event = seat.credit_entry_id, seat.event_id
            returned = (seat.refund_entry_id | seat.absence_entry_id).reversed_entry_id
            if (paid and paid.kind != "booking") or returned - paid or (
                    (seat.refund_entry_id or seat.absence_entry_id) and not returned) or (
                    paid and event.company_id and paid.company_id != event.company_id):
                raise ValidationError(self.env._(
                    "The credits of %(name)s do not pay for “%(session)s”. Cancel the seat and "
                    "book it in the other session.", name=seat.name, session=event.name))

    # Seats: every door (website, back office, import, RPC) passes through these -------------

    def _takes_a_seat(self):
        self.ensure_one()
        return self.active and self.state in ("open", "done")

    def _seats_by_event(self):
        return Counter(
            registration.event_id.id for registration in self if registration._takes_a_seat())

    def _move_seats_since(self, before):
        """Count the seats taken and given back; remove those who got a seat from the line.

        :param before: seats by session id, as they were counted
        """
        seats = self._seats_by_event()
        seats.subtract(before)
        line = self._places_in_line()
        held = line.filtered(lambda place: place.state == "offered")
        self.env["event.event"]._move_seats(seats, held=held._count_seats(-1))
        line._mark_seated(self)

    def _places_in_line(self):
        """Return the places in waiting lines of those who have a seat among these."""
        seated = self.filtered(lambda seat: seat.partner_id and seat._takes_a_seat())
        if not seated:
            return self.env["session.waiting"]
        pairs = {(seat.event_id, seat.partner_id) for seat in seated}
        # sudo: the line follows from the seat, wherever it was taken
        return self.env["session.waiting"].sudo().search([
            ("event_id", "in", seated.event_id.ids), ("partner_id", "in", seated.partner_id.ids),
            ("state", "in", ("waiting", "offered")),
        ]).filtered(lambda place: (place.event_id, place.partner_id) in pairs)

    @api.model_create_multi
    def create(self, vals_list):
        """Create the registrations, and count their seats."""
        registrations = super().create(vals_list)
        registrations._move_seats_since(Counter())
        return registrations

    def write(self, vals):
        """Update the registrations, count their seats, and return the credits of cancelled ones."""
        if not {"state", "active", "event_id"} & set(vals):
            return super().write(vals)
        self._check_seat_kept(vals)
        self._check_attendance_open(vals)
        if "event_id" in vals:
            moved = self.filtered(lambda seat: seat.event_id.id != vals["event_id"])
            moved._forget_attendance()
            self.env["session.reminder"]._forget(moved)
        # Locks are taken in the order wallet, session, invoice number, as when booking.
        returned = self._return_credits() if vals.get("state") == "cancel" else {}
        before = self._seats_by_event()
        result = super().write(vals)
        self._move_seats_since(before)
        if vals.get("state") in ("open", "done"):
            as_engine(self.filtered("credits_kept")).write({"credits_kept": False})
            self._mark_attended(vals["state"])
        for registration, entry in returned.items():
            registration.refund_entry_id = entry
            entry._post_reversal()
        return result

    def _check_seat_kept(self, vals):
        """Refuse to remove a paid seat in any other way than by cancelling it.

        :raise UserError: `vals` archive the registration, or set it back to unconfirmed
        """
        if vals.get("active") is not False and vals.get("state") != "draft":
            return
        for seat in self.sudo():  # sudo: reads the ledger to refuse, shows nothing
            if seat._takes_a_seat() and seat.credit_entry_id:
                raise UserError(self.env._(
                    "The seat of %(name)s in “%(session)s” is paid with credits: cancel it "
                    "instead, so that the credits go back.",
                    name=seat.name, session=seat.event_id.name))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_paid_with_credits(self):
        for registration in self.sudo():  # sudo: reads the ledger to refuse, shows nothing
            if registration.credit_entry_id and not registration.refund_entry_id:
                raise UserError(self.env._(
                    "The seat of %(name)s in “%(session)s” is paid with credits: cancel it "
                    "first, so that the credits go back.",
                    name=registration.name, session=registration.event_id.name))

    def unlink(self):
        """Delete the registrations, and give their seats back."""
        before = self._seats_by_event()
        before_negative = {event_id: -seats for event_id, seats in before.items()}
        result = super().unlink()
        self.env["event.event"]._move_seats(before_negative)
        return result

    # Money ----------------------------------------------------------------------------------

    def _invoice_booking(self):
        """Post the zero-payable invoice of the seat, and queue its mail."""
        self.ensure_one()
        event = self.event_id
        partner = self.credit_entry_id.partner_id
        product = event.event_type_id.training_product_id or self.env.ref(
            "session_booking.product_training")
        event = event.with_context(lang=partner.lang)
        label = event.env._(
            "%(session)s\n%(date)s\nAttendee: %(name)s",
            session=event.name, date=event._local_begin(), name=self.name)
        return self.credit_entry_id._create_consumption_invoice(product, label, partner)

    def _return_credits(self):
        """Give the credits of these seats back to their lots, once per seat.

        :return: the refund entries by registration whose credits went back now
        """
        # sudo: the ledger follows from the cancellation
        paid = self.sudo().filtered(
            lambda seat: seat.credit_entry_id and not seat.refund_entry_id
            and not seat.absence_entry_id and not seat.credits_kept
        ).sorted(lambda seat: seat.credit_entry_id.wallet_id.id)  # locks are taken in order
        return {
            registration: registration.credit_entry_id._reverse(
                f"refund:registration:{registration.id}", kind="refund", post=False,
                spent_on=registration._credits_renewed_from(),
                origin=self.env._("Cancelled: %(session)s", session=registration.event_id.name))
            for registration in paid}

    def _credits_renewed_from(self):
        """Return the local day on which the credits were spent, when they come back spendable.

        They do when the centre cancels, whatever expired since, and when it gave the session
        another date. Customers who cancel by choice get the credits back as they are.

        :return: a date, or None
        """
        self.ensure_one()
        if self.env.context.get("cancelled_by_customer") and not self._was_moved():
            return None
        booking = self
        while booking.swapped_from_id:
            booking = booking.swapped_from_id
        entry = booking.credit_entry_id or self.credit_entry_id
        return entry.company_id._credit_local_date(entry.date)

    def _returned_label(self):
        """Describe the credits that came back to the wallet, or return an empty text.

        For example « 2 crédits, à utiliser jusqu'au 14/02/2030 ».
        """
        self.ensure_one()
        return self.sudo().refund_entry_id._validity_label()  # sudo: the registrant's own

    def _returned_if_cancelled_label(self, by_customer=True):
        """Describe what cancelling now would give back, as :meth:`_returned_label` does."""
        self.ensure_one()
        seat = self.sudo().with_context(cancelled_by_customer=by_customer)  # sudo: as above
        return seat.credit_entry_id._returned_label(seat._credits_renewed_from())

    def _cancel_by_customer(self):
        """Cancel until the deadline, return the credits, confirm by mail; once.

        :raise UserError: after the deadline
        """
        self.ensure_one()
        if self.state == "cancel":
            return
        if not self.can_cancel:
            raise UserError(self.env._(
                "“%(session)s” can no longer be cancelled online: the deadline was %(hours)s "
                "hours before it starts. Please contact us.",
                session=self.event_id.name, hours=self.event_id.cancel_hours))
        self.with_context(cancelled_by_customer=True).action_cancel()
        self._send_booking_mail("session_booking.mail_template_booking_cancelled")

    # Change of session -----------------------------------------------------------------------

    def _swap_to(self, event, key):
        """Exchange the seat for one in another session of the same training, all or nothing.

        The credits go back to their lots and are taken from the same ones again, so that none is
        forfeited when a lot has expired since. A credit note and an invoice record it in the books.

        :param str key: idempotency key: the same key returns the same new seat
        :return: the new ``event.registration``
        :raise SessionUnavailable: after the deadline, another training or price, full or past
        """
        self.ensure_one()
        if known := self.search([("booking_key", "=", key)]):
            return known
        self._check_can_swap(event)
        lock_in_order(self.credit_entry_id.wallet_id, self.event_id | event)
        # Expired or not, the same credits pay for the other seat.
        self.with_context(cancelled_by_customer=True).action_cancel()
        entry = self.credit_entry_id
        if entry:
            entry = entry._take_again(f"booking:{key}", origin=event._booking_origin())
        return event._take_seat(
            self.partner_id, key, entry, paid_outside=self.paid_outside,
            outside_reason=self.outside_reason, swapped_from_id=self.id)

    def _check_can_swap(self, event):
        if not self.can_cancel:
            raise SessionUnavailable(self.env._(
                "Your seat in “%(session)s” can no longer be changed online. Please contact us.",
                session=self.event_id.name))
        if event.event_type_id != self.event_id.event_type_id or event == self.event_id:
            raise SessionUnavailable(self.env._(
                "“%(session)s” is not another session of the same training. Cancel your seat and "
                "book it instead.", session=event.name))
        if self.credit_entry_id and event.credit_price != self.credit_cost:
            raise SessionUnavailable(self.env._(
                "“%(session)s” has another price: %(price)s. Cancel your seat and book it "
                "instead.", session=event.name, price=event._price_label()))
        event._check_bookable(self.partner_id)
        event._check_not_booked_by(self.partner_id)

    def _swap_sessions(self, limit=20):
        """Return coming sessions of the same training and price, with a seat for this attendee."""
        self.ensure_one()
        event = self.event_id
        if not self.can_cancel or not event.event_type_id:
            return event.browse()
        domain = Domain([
            ("event_type_id", "=", event.event_type_id.id), ("id", "!=", event.id),
            ("is_published", "=", True), ("kanban_state", "!=", "cancel"),
            ("date_begin", ">", fields.Datetime.now()),
            ("registration_ids", "not any", [
                ("partner_id", "=", self.partner_id.id), ("state", "in", ("open", "done"))])])
        if self.credit_entry_id:
            domain &= Domain("credit_price", "=", self.credit_cost)
        sessions = event.search(domain, order="date_begin, id", limit=limit)
        return sessions.filtered(lambda session: session.has_seats_left)

    def _cost_label(self):
        self.ensure_one()
        return self.env["credit.wallet"]._credits_label(self.credit_cost)

    # Mail -----------------------------------------------------------------------------------

    def _get_join_url(self):
        """Return where the attendee follows the session online, or an empty text."""
        self.ensure_one()
        return self.event_id.event_url or ""

    def _get_ics(self):
        """Build an iCalendar file (RFC 5545) of these seats, in UTC; each has a permanent UID."""
        file = vobject.iCalendar()
        for registration in self:
            event, base_url = registration.event_id, registration.get_base_url()
            entry = file.add("vevent")
            entry.add("uid").value = f"{registration.id}@{urlsplit(base_url).hostname}"
            entry.add("dtstamp").value = pytz.utc.localize(registration.write_date)
            entry.add("dtstart").value = pytz.utc.localize(event.date_begin)
            entry.add("dtend").value = pytz.utc.localize(event.date_end)
            entry.add("summary").value = plain_line(event.name)
            entry.add("location").value = plain_line(
                event.address_inline or self.env._("Online"))
            entry.add("url").value = f"{base_url}/my/trainings/{registration.id}"
            entry.add("status").value = (
                "CONFIRMED" if registration._takes_a_seat() else "CANCELLED")
        return file.serialize().encode()

    def _send_booking_mail(self, xmlid):
        """Queue a mail to the attendees who have an address; it is sent after the commit."""
        reachable = self.filtered(lambda seat: seat.email or seat.partner_id.email)
        self.env.ref(xmlid).send_mail_batch(reachable.ids)
        # sudo: the mail queue belongs to the system
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    def action_resend_confirmation(self):
        """Send the confirmation again, with the session's current date and link.

        :raise UserError: no open seat of a training among them has an address
        """
        seats = self.filtered(
            lambda seat: seat.event_id.is_training and seat._takes_a_seat() and seat.email)
        if not seats:
            raise UserError(self.env._(
                "There is nobody to write to: the seat is cancelled, or has no e-mail address."))
        seats._prepare_resend()
        seats._send_booking_mail("session_booking.mail_template_booking_confirmed")
        return {
            "type": "ir.actions.client", "tag": "display_notification",
            "params": {"type": "success", "message": self.env._(
                "Confirmations on their way: %(count)s", count=len(seats))},
        }

    def _prepare_resend(self):
        """Prepare the registration before its confirmation is sent again.

        Extension point: it does nothing by default.
        """

    def _get_ticket_url(self):
        """Return the address of the ticket with the desk's barcode; empty without a place."""
        self.ensure_one()
        event = self.event_id
        if not event.address_id:
            return ""
        query = urlencode({
            "registration_ids": [self.id],
            "tickets_hash": event._get_tickets_access_hash([self.id]), "responsive_html": 1})
        return f"{self.get_base_url()}/event/{event.id}/my_tickets?{query}"
