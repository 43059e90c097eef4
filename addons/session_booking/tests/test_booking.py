from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.credit_wallet.exceptions import InsufficientCredits
from odoo.addons.session_booking.exceptions import SessionFull, SessionUnavailable

from .common import BookingCommon


@tagged("post_install", "-at_install")
class TestBooking(BookingCommon):

    def tearDown(self):
        self.assertLedgerAgrees()
        super().tearDown()

    def test_booking_spends_seats_invoices_and_mails(self):
        """INSAHO §3.6 and §3.7, §2.7 for the invoice."""
        self.sell(self.make_pack(10, 100.0))
        session = self.make_session()
        seat = self.book(session)
        self.assertEqual((seat.state, self.wallet.balance, session.seats_booked), ("open", 8, 1))
        invoice = seat.credit_entry_id.move_ids
        self.assertEqual(
            (invoice.state, invoice.amount_total, invoice.partner_id),
            ("posted", 0.0, self.customer))
        self.assertEqual(invoice.invoice_line_ids.mapped("price_unit"), [20.0, -20.0])
        self.assertTrue(invoice.sending_data, "its mail is queued")
        mail = self.env["mail.mail"].search(
            [("model", "=", "event.registration"), ("res_id", "=", seat.id)])
        self.assertEqual(len(mail), 1)
        self.assertIn("Public speaking", mail.body_html)
        self.assertIn(session._local_hours(), mail.body_html)

    def test_the_same_key_books_once(self):
        self.give(10)
        session = self.make_session()
        self.assertEqual(self.book(session), self.book(session))
        self.assertEqual((self.wallet.balance, session.seats_booked), (8, 1))

    def test_refusals_write_nothing(self):
        self.give(2)
        full = self.make_session(seats_max=1)
        self.env["event.registration"].create(
            {"event_id": full.id, "name": "Guest", **self.outside})
        cancelled = self.make_session(kanban_state="cancel")
        cases = [
            (full, SessionFull, "is full"),
            (self.make_session(days=-1), SessionUnavailable, "already started"),
            (cancelled, SessionUnavailable, "is cancelled"),
            (self.make_session(credit_price=3), InsufficientCredits, "Not enough"),
        ]
        for session, error, message in cases:
            taken = session.seats_booked
            with self.assertRaisesRegex(error, message), self.env.cr.savepoint():
                self.book(session)
            self.assertEqual((self.wallet.balance, session.seats_booked), (2, taken))

    def test_the_same_person_twice_is_refused(self):
        self.give(10)
        session = self.make_session()
        self.book(session, "one")
        with self.assertRaisesRegex(SessionUnavailable, "already has a seat"):
            self.book(session, "two")

    def test_cancelling_returns_credits_to_their_lots_and_reverses_the_invoice(self):
        self.sell(self.make_pack(10, 100.0))
        lot = self.wallet.lot_ids
        seat = self.book(self.make_session())
        self.assertEqual(lot.value_remaining, 80.0)
        seat._cancel_by_customer()
        seat._cancel_by_customer()
        self.assertEqual((lot.remaining, lot.value_remaining), (10, 100.0))
        self.assertEqual(seat.event_id.seats_booked, 0)
        credit_note = seat.refund_entry_id.move_ids
        self.assertEqual((credit_note.move_type, credit_note.state), ("out_refund", "posted"))
        deferred = self.env["account.move.line"].search([
            ("account_id", "=", self.company.credit_deferred_account_id.id),
            ("partner_id", "=", self.customer.id), ("parent_state", "=", "posted")])
        self.assertEqual(-sum(deferred.mapped("balance")), 100.0)

    def test_cancelling_after_the_deadline_is_refused_to_the_customer(self):
        self.give(2)
        seat = self.book(self.make_session(days=1))
        with self.assertRaisesRegex(UserError, "48 hours"):
            seat._cancel_by_customer()
        seat.action_cancel()
        self.assertEqual(self.wallet.balance, 2, "the centre can always cancel")

    def test_a_cancelled_seat_is_booked_anew_not_reopened(self):
        self.give(4)
        session = self.make_session()
        seat = self.book(session, "one")
        seat.action_cancel()
        with self.assertRaises(UserError), self.env.cr.savepoint():
            seat.action_confirm()
        self.assertNotEqual(self.book(session, "two"), seat)

    def test_times_are_local_and_follow_the_clock_change(self):
        """18:00 in Paris is 16:00Z before 25 October 2026 and 17:00Z after."""
        summer = self.make_session(date_begin="2026-10-20 16:00", date_end="2026-10-20 18:00")
        winter = self.make_session(date_begin="2026-10-27 17:00", date_end="2026-10-27 19:00")
        for session in (summer, winter):
            self.assertEqual(session._local_hours(), "18:00 – 20:00 (Europe/Paris)")
            self.assertIn("18:00", session._local_begin())

    def test_sessions_open_without_the_sample_text_of_odoo_s_events(self):
        text = "<p>For beginners.</p>"
        self.assertFalse(self.make_session().description)
        self.assertEqual(self.make_session(description=text).description, text)
        usual = self.env["event.event"].with_context(default_event_type_id=self.training.id)
        session, meeting = usual.create([
            {"name": name, "date_begin": "2031-03-11 08:00:00", "date_end": "2031-03-11 16:00:00",
             **vals} for name, vals in (("Session", {}), ("Open day", {"event_type_id": False}))])
        self.assertFalse(session.description)
        self.assertTrue(meeting.description, "other events keep Odoo's")

    def test_trainings_send_none_of_odoos_event_mails(self):
        self.assertFalse(self.make_session().event_mail_ids)
