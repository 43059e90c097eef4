from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.http import serialize_exception
from odoo.tests import Form, tagged

from odoo.addons.credit_wallet.exceptions import InsufficientCredits
from odoo.addons.session_booking.exceptions import SessionUnavailable

from .common_desk import DeskCommon


@tagged("post_install", "-at_install")
class TestGroupBooking(DeskCommon):
    """Issue 4, part 6: many attendees, one wallet or paid outside. INSAHO §4.4."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.acme = cls.env["res.partner"].create(
            {"name": "ACME", "is_company": True, "lang": "fr_FR"})
        cls.emma = cls.env["res.partner"].create(
            {"name": "Emma", "email": "Emma@acme.example", "parent_id": cls.acme.id,
             "lang": "en_US"})
        cls.session = cls.make_session(seats_max=4)
        cls.sell(cls.make_pack(10, 100.0), partner=cls.acme)

    def group(self, *attendees, **vals):
        """Make the wizard, each attendee a contact or a (name, address)."""
        return self.env["session.group.booking"].with_user(self.planner).create({
            "event_id": self.session.id, "payer_id": self.acme.id,
            "line_ids": [
                Command.create({"name": who[0], "email": who[1]} if isinstance(who, tuple)
                               else {"partner_id": who.id}) for who in attendees], **vals})

    def assertNothingBooked(self):
        self.env.invalidate_all()
        self.assertEqual((self.session.seats_booked, self.wallet_of(self.acme).balance), (0, 10))

    def test_one_wallet_pays_for_all(self):
        seats = self.group(self.emma, ("Noé", "noe@acme.example"))._apply()
        self.assertEqual(seats.mapped("name"), ["Emma", "Noé"])
        self.assertEqual((self.session.seats_booked, self.wallet_of(self.acme).balance), (2, 6))
        new = seats[1].partner_id
        self.assertEqual((new.parent_id, new.lang), (self.acme, "fr_FR"))
        self.assertEqual(len(seats.sudo().credit_entry_id.move_ids), 2, "an invoice a seat")
        self.assertEqual(len(self.mails(seats[0], "seat is booked")), 1)
        self.assertEqual(len(self.mails(seats[1], "place est réservée")), 1)

    def test_twice_is_once(self):
        group = self.group(self.emma, ("Noé", "noe@acme.example"))
        self.assertEqual(group._apply(), group._apply())
        self.assertEqual((self.session.seats_booked, self.wallet_of(self.acme).balance), (2, 6))

    def test_a_new_attendee_already_known_is_not_made_twice(self):
        seats = self.group(("Emma A.", " emma@ACME.example "))._apply()
        self.assertEqual(seats.partner_id, self.emma)

    def test_all_or_none(self):
        self.make_session(name="Other")
        cases = [
            (InsufficientCredits, "12 credits needed",
             {"event_id": self.make_session(credit_price=6).id}, (self.emma, self.ana)),
            (SessionUnavailable, "Emma already has a seat", {}, (self.ana, self.emma)),
            (UserError, "2 seats left for 3", {"event_id": self.make_session(seats_max=2).id},
             (self.emma, self.ana, self.bob)),
            (UserError, "twice", {}, (self.ana, self.ana)),
            (UserError, "twice", {}, (("A", "a@acme.example"), ("B", "A@acme.example"))),
            (UserError, "at least one", {}, ()),
            (UserError, "valid e-mail", {}, (("Noé", "nowhere"),)),
            (UserError, "how these seats are paid", {"payment": "outside"}, (self.ana,)),
        ]
        seat = self.env["event.registration"].create({
            "event_id": self.session.id, "partner_id": self.emma.id, **self.outside})
        for error, message, vals, attendees in cases:
            with self.assertRaisesRegex(error, message), self.env.cr.savepoint():
                self.group(*attendees, **vals)._apply()
        seat.action_cancel()
        self.assertNothingBooked()

    def test_paid_outside_spends_nothing(self):
        seats = self.group(
            self.emma, self.ana, payment="outside", outside_reason="Quote 2026-014")._apply()
        self.assertEqual(seats.mapped("outside_reason"), ["Quote 2026-014"] * 2)
        self.assertEqual(seats.mapped("paid_outside"), [True, True])
        self.assertFalse(seats.sudo().credit_entry_id)
        self.assertEqual((self.session.seats_booked, self.wallet_of(self.acme).balance), (2, 10))
        self.assertEqual(len(self.mails(seats, "seat is booked")), 2)

    def test_form_says_price_balance_and_overlaps(self):
        busy = self.make_session()
        self.env["event.registration"].create({
            "event_id": busy.id, "partner_id": self.emma.id, **self.outside})
        form = Form(self.env["session.group.booking"].with_user(self.planner).with_context(
            default_event_id=self.session.id))
        self.assertFalse(form.overlap_warning)
        form.payer_id = self.acme
        with form.line_ids.new() as line:
            line.partner_id = self.emma
        self.assertEqual((form.balance, form.price, form.seats_left), (10, 2, 4))
        self.assertIn("Emma already has a seat", form.overlap_warning)
        self.assertEqual(form.save()._apply().partner_id, self.emma, "warned, not refused")

    def test_the_web_client_shows_why(self):
        """It hides the message of exceptions whose class it does not know."""
        for error in (SessionUnavailable("Full"), InsufficientCredits("Poor")):
            self.assertEqual(
                serialize_exception(error)["context"]["exception_class"],
                "odoo.exceptions.UserError")

    def test_desk_does_not_spend_customers_credits(self):
        with self.assertRaises(AccessError):
            self.group(self.emma).with_user(self.desk)._apply()
