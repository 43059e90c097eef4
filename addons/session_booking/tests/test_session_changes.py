from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from odoo.addons.session_booking.exceptions import SessionUnavailable

from .common_desk import DeskCommon


@tagged("post_install", "-at_install")
class TestSessionChanges(DeskCommon):
    """Issue 4, part 1: move or cancel a session: all told, refunded, one click, once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        pack = cls.make_pack(10, 100.0)
        for partner in (cls.ana, cls.bob):
            cls.sell(pack, partner=partner)
        cls.training.trainer_id = cls.env["res.partner"].create(
            {"name": "Tess", "email": "tess@example.com", "lang": "en_US"})
        cls.session = cls.make_session()

    def move(self, days=1, **vals):
        shift = timedelta(days=days)
        self.session.with_user(self.planner)._move_session(
            self.session.date_begin + shift, self.session.date_end + shift, **vals)

    # Cancel -------------------------------------------------------------------------------

    def test_cancel_returns_reverses_and_tells_once(self):
        seats = self.seat(self.session, self.ana) | self.seat(self.session, self.bob)
        outside = self.env["event.registration"].create({
            "event_id": self.session.id, "name": "Eve", "email": "eve@example.com",
            **self.outside})
        session = self.session.with_user(self.planner)
        for _click in range(2):
            session._cancel_session("The trainer is ill.")
        self.assertEqual((self.session.kanban_state, self.session.seats_booked), ("cancel", 0))
        self.assertEqual(set((seats | outside).mapped("state")), {"cancel"})
        for partner, seat in zip(self.ana | self.bob, seats, strict=True):
            lot = self.wallet_of(partner).lot_ids
            self.assertEqual((lot.remaining, lot.value_remaining), (10, 100.0))
            note = seat.refund_entry_id.move_ids
            self.assertEqual((note.move_type, note.state), ("out_refund", "posted"))
        self.assertEqual(len(self.mails(seats | outside, "Session cancelled")), 2)
        french = self.mails(seats[1], "Session annulée")
        self.assertEqual(len(french), 1, "in the customer's language")
        self.assertIn("The trainer is ill.", french.body_html)
        self.assertIn("2 crédits", french.body_html)

    def test_trainer_is_told_once(self):
        self.seat(self.session, self.ana)
        self.move(note="The room is not free.")
        for _click in range(2):
            self.session._cancel_session()
        told = self.session.message_ids.filtered(
            lambda message: self.session.trainer_id in message.partner_ids)
        self.assertEqual(len(told), 2)
        cancelled, moved = told.mapped("body")
        self.assertIn("The session moves", moved)
        self.assertIn("The room is not free.", moved)
        self.assertIn("is cancelled; attendees told: 1", cancelled)

    def test_seats_without_address_do_not_stop_the_others(self):
        nobody = self.env["event.registration"].create(
            {"event_id": self.session.id, "name": "Walk-in", **self.outside})
        seat = self.seat(self.session, self.ana)
        self.session._cancel_session()
        self.assertEqual(len(self.mails(seat, "Session cancelled")), 1)
        self.assertFalse(self.env["mail.mail"].search(
            [("model", "=", "event.registration"), ("res_id", "=", nobody.id)]))

    def test_cancelled_seats_are_not_told_again(self):
        seat = self.seat(self.session, self.ana)
        seat._cancel_by_customer()
        self.session._cancel_session()
        self.assertFalse(self.mails(seat, "Session cancelled"))

    def test_cancelled_session_takes_no_booking(self):
        self.session._cancel_session()
        with self.assertRaisesRegex(SessionUnavailable, "is cancelled"):
            self.seat(self.session, self.ana)

    def test_cancel_through_the_state_is_led_to_the_button(self):
        self.seat(self.session, self.ana)
        with self.assertRaisesRegex(UserError, "Ana.*Cancel the session"), \
                self.env.cr.savepoint():
            self.session.kanban_state = "cancel"
        self.session.registration_ids.action_cancel()
        self.session.kanban_state = "cancel"

    def test_session_that_took_place_is_not_cancelled(self):
        self.seat(self.session, self.ana).action_set_done()
        with self.assertRaisesRegex(UserError, "Ana attended"):
            self.session._cancel_session()

    def test_wizard_says_what_cancelling_entails(self):
        self.seat(self.session, self.ana)
        wizard = self.env["session.cancel"].with_user(self.planner).create(
            {"event_id": self.session.id})
        self.assertEqual((wizard.seat_count, wizard.credit_count), (1, 2))
        with self.assertRaises(AccessError):
            self.env["session.cancel"].with_user(self.desk).create(
                {"event_id": self.session.id})

    # Move ---------------------------------------------------------------------------------

    def test_move_tells_everyone_once(self):
        seats = self.seat(self.session, self.ana) | self.seat(self.session, self.bob)
        former = self.session.with_context(lang="en_US")._local_begin()
        self.move(note="The room is not free.")
        self.session._move_session(self.session.date_begin, self.session.date_end)
        mail = self.mails(seats[0], "New date")
        self.assertEqual(len(mail), 1)
        for text in (former, self.session._local_hours(), "The room is not free."):
            self.assertIn(text, mail.body_html)
        self.assertEqual(len(self.mails(seats[1], "Nouvelle date")), 1)
        self.assertEqual(set(seats.mapped("state")), {"open"})

    def test_a_date_changed_on_the_form_tells_too(self):
        seat = self.seat(self.session, self.ana)
        with Form(self.session.with_user(self.planner)) as form:
            form.date_begin = self.session.date_begin + timedelta(hours=1)
            form.date_end = self.session.date_end + timedelta(hours=1)
        self.assertEqual(len(self.mails(seat, "New date")), 1)

    def test_nobody_is_told_of_a_session_without_seats_or_of_the_past(self):
        self.move()
        self.assertFalse(self.session.rescheduled_on)
        seat = self.seat(self.session, self.ana)
        past = fields.Datetime.now() - timedelta(days=3)
        self.session.write({"date_begin": past, "date_end": past + timedelta(hours=2)})
        self.assertFalse(self.mails(seat, "New date"))

    def test_move_refusals(self):
        now = fields.Datetime.now()
        with self.assertRaisesRegex(SessionUnavailable, "to the past"):
            self.session._move_session(now - timedelta(days=1), now)
        self.session._cancel_session()
        with self.assertRaisesRegex(SessionUnavailable, "Plan a new session"):
            self.move()

    def test_who_booked_the_former_date_may_leave_until_the_start(self):
        """A date the customer did not choose is not held against him."""
        before = self.seat(self.session, self.ana)
        begin = fields.Datetime.now() + timedelta(hours=3)
        self.session._move_session(begin, begin + timedelta(hours=2))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE event_event SET rescheduled_on = rescheduled_on - interval '1 hour' "
            "WHERE id = %s", [self.session.id])
        self.env.cr.execute(
            "UPDATE event_registration SET create_date = create_date - interval '2 hours' "
            "WHERE id = %s", [before.id])
        self.env.invalidate_all()
        after = self.seat(self.session, self.bob)
        self.assertFalse(after.can_cancel)
        self.assertTrue(before.can_cancel)
        before._cancel_by_customer()
        self.assertEqual(self.wallet_of(self.ana).balance, 10)

    def test_move_warns_of_two_places_at_once(self):
        other = self.make_session(days=11)
        self.seat(self.session, self.ana)
        self.seat(other, self.ana)
        wizard = Form(self.env["session.move"].with_user(self.planner).with_context(
            default_event_id=self.session.id))
        self.assertFalse(wizard.overlap_warning)
        length = self.session.date_end - self.session.date_begin
        wizard.date_begin = other.date_begin
        self.assertEqual(wizard.date_end, wizard.date_begin + length)
        self.assertIn("Ana already has a seat in “Public speaking”", wizard.overlap_warning)

    # Guards -------------------------------------------------------------------------------

    def test_overlapping(self):
        """Issue 4, bad input: overlapping bookings of the same attendee (warned)."""
        begin, end = self.session.date_begin, self.session.date_end
        hour = timedelta(hours=1)
        inside = self.make_session(date_begin=begin + hour, date_end=end + hour)
        touching = self.make_session(date_begin=end, date_end=end + hour)
        seats = [self.seat(session, self.ana) for session in (inside, touching)]
        self.assertEqual(self.session._overlapping(self.ana), seats[0])
        self.assertFalse(self.session._overlapping(self.bob))
        inside._cancel_session()
        self.assertFalse(self.session._overlapping(self.ana))

    def test_session_with_bookings_is_not_deleted(self):
        """Issue 4, bad input: a session deleted with bookings (refused: cancel instead)."""
        seat = self.seat(self.session, self.ana)
        with self.assertRaisesRegex(UserError, "Ana.*Cancel the session instead"):
            self.session.unlink()
        seat.action_cancel()
        with self.assertRaisesRegex(UserError, "Archive it"):
            self.session.unlink()
        self.make_session().unlink()

    def test_link_of_an_online_session_is_a_web_address(self):
        for url in ("javascript://x/%0aalert(1)", "data://x/y", "ftp://x.example/"):
            with self.assertRaises(ValidationError, msg=url), self.env.cr.savepoint():
                self.session.event_url = url
        self.session.event_url = "https://meet.example.com/x"

    def test_copy_is_the_next_session(self):
        self.seat(self.session, self.ana)
        copy = self.session.copy()
        self.assertEqual((copy.name, copy.seats_booked), ("Public speaking", 0))
        self.assertEqual(copy._local_hours(), self.session._local_hours())
        self.assertEqual(copy._local_date() - self.session._local_date(), timedelta(days=7))
        past = self.make_session(days=-20)
        self.assertGreater(past.copy().date_begin, fields.Datetime.now())
