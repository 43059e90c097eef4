from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class EventEvent(models.Model):
    """The part of sessions for the waiting list: who is next, and how long a seat is held."""

    _inherit = "event.event"

    waiting_ids = fields.One2many("session.waiting", "event_id", string="Waiting list")

    def write(self, vals):
        """Offer new seats to the waiting list, and close the list of a cancelled session."""
        result = super().write(vals)
        if {"seats_max", "seats_limited"} & vals.keys():
            self._offer_seats()
        if "date_begin" in vals:
            self._shorten_offers()
        if vals.get("kanban_state") == "cancel" or vals.get("active") is False:
            self._close_waiting()
        return result

    def _paying_company(self):
        """Return the company whose credits pay for these sessions."""
        return self.company_id[:1] or self.env.company

    def _offer_ends(self):
        """Return until when (UTC) a seat offered now is held: never past the session's start."""
        self.ensure_one()
        hours = self.event_type_id.waiting_hours or self._paying_company().waiting_hours
        return min(fields.Datetime.now() + timedelta(hours=hours), self.date_begin)

    def _is_open(self):
        """Tell whether seats of this session are on sale."""
        self.ensure_one()
        return (self.is_training and self.active and self.kanban_state != "cancel"
                and not self._is_past())

    def _offer_seats(self):
        """Hold the free seats of these sessions for the first in line who can pay.

        Called in the transaction that frees a seat, which has locked the session: a newcomer
        sees it either full or held.
        """
        sessions = self.sudo()  # sudo: follows from the freed seat, whoever freed it
        line = self.env["session.waiting"].sudo().search(
            [("event_id", "in", sessions.ids), ("state", "=", "waiting")])
        for event, waiting in line.grouped("event_id").items():
            if event._is_open() and event.has_seats_left:
                event._offer_seats_to(waiting)

    def _offer_seats_to(self, line):
        """Offer the free seats to the first in the line; tell those who were skipped."""
        solvent = line._filter_solvent()
        next_ones = solvent[:self.seats_left] if self.seats_limited else solvent
        served = self.seats_limited and len(next_ones) == self.seats_left
        self._move_seats({}, held=next_ones._count_seats(+1))
        next_ones._offer()
        (line - solvent).filtered(
            lambda waiting: not served or waiting.id < next_ones[-1].id)._notify_skipped()

    def _offer_to(self, partner):
        """Return the place in line whose offer holds a seat for this person now, or none."""
        self.ensure_one()
        waiting = self.env["session.waiting"].sudo()._of(self, partner)  # sudo: their own place
        return waiting.filtered(lambda place: place._is_offered())

    def _lock_while_full(self):
        """Make sure no seat is free until the transaction ends.

        The UPDATE changes only the row's version. A transaction that frees a seat at this moment
        cannot see the new place in line, so it fails to serialize and is retried.

        :raise UserError: a seat is free
        """
        self.flush_model(["seats_limited", "seats_max", "seats_booked", "seats_held"])
        for event in self.sorted("id"):
            self.env.cr.execute(SQL(
                "UPDATE event_event SET seats_held = seats_held WHERE id = %s "
                "AND seats_limited AND seats_booked + seats_held >= seats_max", event.id))
            if not self.env.cr.rowcount:
                raise UserError(self.env._(
                    "A seat is free in “%(session)s”: book it now, without waiting.",
                    session=event.name))

    def _shorten_offers(self):
        """Hold seats no longer than until the start of sessions that were moved closer."""
        # sudo: follows from the session
        for place in self.sudo().waiting_ids.filtered(lambda place: place.state == "offered"):
            place.offered_until = min(place.offered_until, place.event_id.date_begin)

    def _close_waiting(self):
        """Close the waiting list of sessions that do not take place, and tell everyone in it."""
        line = self.env["session.waiting"].sudo().search(  # sudo: follows from the session
            [("event_id", "in", self.ids), ("state", "in", ("waiting", "offered"))])
        line._release("closed")
        line._send_mail("session_booking.mail_template_waiting_closed")
