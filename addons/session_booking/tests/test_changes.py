from datetime import date, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from odoo.addons.credit_wallet.exceptions import InsufficientCredits
from odoo.addons.session_booking.exceptions import SessionFull, SessionUnavailable

from .common import BookingCommon


@tagged("post_install", "-at_install")
class TestChanges(BookingCommon):
    """Seats swapped, several sessions at once, overlaps, refunds to lots that expired since."""

    def tearDown(self):
        self.assertLedgerAgrees()
        self.assertEqual(self.env["credit.wallet"]._check_invariants(), [])
        super().tearDown()

    # Swap ---------------------------------------------------------------------------------

    def test_swap_moves_the_seat_and_no_credit(self):
        self.sell(self.make_pack(10, 100.0))
        first, second = self.make_session(), self.make_session(days=20)
        seat = self.book(first)
        swapped = seat._swap_to(second, "swap")
        self.assertEqual(seat._swap_to(second, "swap"), swapped)
        self.assertEqual((seat.state, swapped.state), ("cancel", "open"))
        self.assertEqual((first.seats_booked, second.seats_booked), (0, 1))
        self.assertEqual((self.wallet.balance, self.wallet.lot_ids.value_remaining), (8, 80.0))
        self.assertEqual(swapped.swapped_from_id, seat)
        self.assertEqual(seat.refund_entry_id.move_ids.move_type, "out_refund")
        invoice = swapped.credit_entry_id.move_ids
        self.assertEqual((invoice.state, invoice.amount_total), ("posted", 0.0))
        mail = self.env["mail.mail"].search(
            [("model", "=", "event.registration"), ("res_id", "=", swapped.id)])
        self.assertEqual(len(mail), 1)
        self.assertIn(first.with_context(lang="en_US")._local_begin(), mail.body_html)

    def test_swap_keeps_credits_of_a_lot_that_expired_since(self):
        self.give(2, 20.0, expiry_date=date(2030, 1, 10))
        with freeze_time("2030-01-05"):
            seat = self.book(self.make_session(days=30))
        with freeze_time("2030-01-15"):
            later = self.make_session(days=40)
            swapped = seat._swap_to(later, "swap")
            self.assertEqual((swapped.state, self.wallet.balance), ("open", 0))
            self.assertEqual(swapped.credit_entry_id.lot_move_ids.lot_id, self.wallet.lot_ids)

    def test_swap_refused_all_or_nothing(self):
        self.give(10)
        first = self.make_session()
        seat = self.book(first)
        full = self.make_session(days=12, seats_max=1)
        self.env["event.registration"].create(
            {"event_id": full.id, "name": "Guest", **self.outside})
        other_training = self.training.copy({"name": "Another"})
        cases = [
            (full, SessionFull, "is full"),
            (self.make_session(event_type_id=other_training.id), SessionUnavailable,
             "same training"),
            (first, SessionUnavailable, "same training"),
            (self.make_session(credit_price=3), SessionUnavailable, "another price"),
            (self.make_session(days=-1), SessionUnavailable, "already started"),
        ]
        for session, error, message in cases:
            with self.assertRaisesRegex(error, message), self.env.cr.savepoint():
                seat._swap_to(session, f"swap:{session.id}")
            self.assertEqual((seat.state, self.wallet.balance), ("open", 8))
        self.assertFalse(seat._swap_sessions())

    def test_swap_until_the_deadline(self):
        self.give(2)
        soon, later = self.make_session(days=1), self.make_session()
        seat = self.book(soon)
        with self.assertRaisesRegex(SessionUnavailable, "no longer be changed"):
            seat._swap_to(later, "swap")
        self.assertFalse(seat._swap_sessions())

    def test_swap_offers_the_seat_to_the_line(self):
        self.give(2)
        first, second = self.make_session(seats_max=1), self.make_session(days=20)
        seat = self.book(first)
        ada = self.env["res.partner"].create({"name": "Ada", "email": "ada@example.com"})
        self.env["credit.wallet"]._of(ada, self.company)._grant(
            2, 0.0, "ada", kind="adjustment", reason="Test")
        place = self.env["session.waiting"]._join(first, ada)
        self.assertEqual(seat._swap_sessions(), second)
        seat._swap_to(second, "swap")
        self.assertEqual(place.state, "offered")

    # Several sessions at once -------------------------------------------------------------

    def test_basket_is_all_or_nothing_and_once(self):
        self.give(4)
        sessions = self.make_session() | self.make_session(days=20)
        seats = sessions._book_all(self.wallet, self.customer, "basket")
        self.assertEqual(seats.event_id, sessions)
        self.assertEqual(sessions._book_all(self.wallet, self.customer, "basket"), seats)
        self.assertEqual(self.wallet.balance, 0)
        with self.assertRaisesRegex(InsufficientCredits, "4 credits needed"):
            (self.make_session() | self.make_session())._book_all(
                self.wallet, self.customer, "too dear")

    def test_basket_with_a_full_session_books_none(self):
        self.give(4)
        free, full = self.make_session(), self.make_session(seats_max=1)
        self.env["event.registration"].create(
            {"event_id": full.id, "name": "Guest", **self.outside})
        with self.assertRaises(SessionFull), self.env.cr.savepoint():
            (free | full)._book_all(self.wallet, self.customer, "basket")
        self.assertEqual((self.wallet.balance, free.seats_booked), (4, 0))

    # Overlap ------------------------------------------------------------------------------

    def test_overlap_is_seen_and_allowed(self):
        self.give(8)
        session = self.make_session()
        seat = self.book(session, "one")
        hour = timedelta(hours=1)
        same_time = self.make_session(
            date_begin=session.date_begin + hour, date_end=session.date_end + hour)
        after = self.make_session(
            date_begin=session.date_end, date_end=session.date_end + hour)
        self.assertEqual(same_time._overlapping(self.customer), seat)
        self.assertFalse(after._overlapping(self.customer))
        self.assertFalse(session._overlapping(self.customer), "itself is no overlap")
        self.book(same_time, "two")
        seat.action_cancel()
        self.assertEqual(session._overlapping(self.customer).event_id, same_time)
        self.assertFalse(same_time._overlapping(self.customer))

    # Lots that expired --------------------------------------------------------------------

    def test_refund_to_a_lot_that_expired_since(self):
        """Credits go back to their lot with its date: expired, they leave again at once.

        The rule: a cancellation never lengthens a credit's life. The ledger shows both the
        refund and the expiry, and the value becomes income as that of any expired credit.
        """
        self.give(2, 20.0, expiry_date=date(2030, 1, 10))
        with freeze_time("2030-01-05"):
            seat = self.book(self.make_session(days=30))
        with freeze_time("2030-01-15"):
            seat._cancel_by_customer()
            seat._cancel_by_customer()
            lot = self.wallet.lot_ids
            self.assertEqual((lot.remaining, lot.expiry_date), (2, date(2030, 1, 10)))
            self.wallet._expire_lots()
        self.assertEqual((lot.remaining, self.wallet.balance), (0, 0))
        self.assertEqual(
            self.wallet.entry_ids.sorted("id").mapped("kind"),
            ["adjustment", "booking", "refund", "expiry"])

    # Booking for employees ----------------------------------------------------------------

    def test_a_manager_books_for_the_team_with_the_company_s_credits(self):
        company = self.env["res.partner"].create({"name": "ACME", "is_company": True})
        manager, emma, stranger = self.env["res.partner"].create([
            {"name": name, "email": f"{name}@acme.example", "parent_id": parent}
            for name, parent in (("Max", company.id), ("Emma", company.id), ("Else", False))])
        wallet = self.env["credit.wallet"]._of(company, self.company)
        wallet._grant(4, 0.0, "acme", kind="adjustment", reason="Test")
        session = self.make_session()
        self.assertEqual(session._attendees(manager), manager)
        self.assertFalse(session._wallet_to_pay(manager, emma))
        company._set_roles(manager, ["is_manager"])
        self.assertEqual(session._attendees(manager), manager | emma)
        self.assertNotIn(stranger, session._attendees(manager))
        self.assertEqual(session._wallet_to_pay(manager, emma), wallet)
        seat = session._book(wallet, emma, "emma")
        self.assertEqual((seat.partner_id, seat.credit_entry_id.partner_id), (emma, company))
        self.assertLess(fields.Datetime.now(), session._cancel_deadline())
