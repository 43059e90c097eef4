from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common_desk import DeskCommon


@tagged("post_install", "-at_install")
class TestKept(DeskCommon):
    """Nothing somebody paid for is taken away unsaid: refused with names and the remedy."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.give_credits()

    def setUp(self):
        super().setUp()
        self.session = self.make_session()
        self.ana_seat = self.seat(self.session, self.ana)

    def refused(self, pattern, action):
        with self.assertRaisesRegex(UserError, pattern), self.env.cr.savepoint():
            action()
        self.env.invalidate_all()

    def test_session_with_bookings_is_not_archived(self):
        self.refused(
            "bookings .Ana. and cannot be archived.*Cancel the session",
            lambda: self.session.with_user(self.planner).write({"active": False}))
        self.assertEqual(self.session.seats_booked, 1)

    def test_session_with_bookings_stays_on_the_website(self):
        self.refused("Ana.*stays on the website", lambda: self.session.write(
            {"is_published": False}))
        self.session._cancel_session()
        self.session.write({"is_published": False, "active": False})

    def test_session_that_is_over_is_archived(self):
        past = self.make_session(days=1)
        self.seat(past, self.bob)
        with freeze_time(past.date_end + timedelta(hours=1)):
            past.write({"is_published": False, "active": False})

    def test_session_keeps_being_a_training(self):
        self.refused("Ana.*its training cannot be removed", lambda: self.session.write(
            {"event_type_id": False}))

    def test_training_with_bookings(self):
        self.refused("still booked with credits.*Ana", lambda: self.training.write(
            {"is_training": False}))
        self.refused("Public speaking.*has sessions", self.training.unlink)

    def test_paid_seat_is_only_cancelled(self):
        for vals in ({"active": False}, {"state": "draft"}):
            self.refused("Ana.*paid with credits: cancel it", lambda vals=vals: (
                self.ana_seat.write(vals)))
        self.ana_seat.action_cancel()
        self.assertEqual(self.wallet_of(self.ana).balance, 10)
        self.ana_seat.active = False

    def test_company_with_bookings(self):
        self.session.company_id = self.company
        self.refused("cannot be archived.*Ana", lambda: self.company.write({"active": False}))

    # Expired meanwhile -----------------------------------------------------------------------

    def booked_and_expired(self):
        """Book a seat with credits that expire before the session, at 5 January 2030."""
        self.wallet._grant(2, 20.0, "soon", kind="adjustment", reason="T",
                           expiry_date=date(2030, 1, 10))
        session = self.env["event.event"].create({
            "name": "Public speaking", "event_type_id": self.training.id, "is_published": True,
            "date_begin": "2030-02-04 09:00", "date_end": "2030-02-04 11:00"})
        return session, self.book(session)

    def test_cancelled_by_the_centre(self):
        """Spendable again, never breakage, and the mail says until when."""
        with freeze_time("2030-01-05 12:00:00"):
            session, seat = self.booked_and_expired()
        with freeze_time("2030-01-15 12:00:00"):
            session._cancel_session()
            self.wallet._expire_lots()
            self.assertEqual((self.wallet.balance, self.wallet.spendable), (2, 2))
            self.assertEqual(self.wallet.next_expiry_date, date(2030, 2, 14))
            self.assertIn("2 credits, to use until 02/14/2030",
                          self.mails(seat, "cancelled").body_html)

    def test_cancelled_by_choice(self):
        """The customer is told before and after that nothing usable comes back."""
        with freeze_time("2030-01-05 12:00:00"):
            _session, seat = self.booked_and_expired()
        with freeze_time("2030-01-15 12:00:00"):
            seat = seat.with_context(lang="en_US")
            label = "2 credits, expired since 01/10/2030"
            self.assertEqual(seat._returned_if_cancelled_label(), label)
            seat._cancel_by_customer()
            self.assertEqual(seat._returned_label(), label)
            self.assertIn(label, self.mails(seat, "cancelled").body_html)

    def test_cancelled_after_a_move(self):
        """The centre moved the session: who cannot come gets spendable credits back."""
        with freeze_time("2030-01-05 12:00:00"):
            session, seat = self.booked_and_expired()
        with freeze_time("2030-01-15 12:00:00"):
            seat.env.cr.execute(
                "UPDATE event_registration SET create_date = '2030-01-05' WHERE id = %s",
                [seat.id])
            seat.invalidate_recordset()
            session._move_session(session.date_begin + timedelta(days=1),
                                  session.date_end + timedelta(days=1))
            seat._cancel_by_customer()
            self.assertEqual(self.wallet.spendable, 2)

    # Merged contacts ---------------------------------------------------------------------------

    def merge(self, source, target):
        self.env["base.partner.merge.automatic.wizard"].create({
            "partner_ids": [Command.set((source + target).ids)], "dst_partner_id": target.id,
            "state": "selection"}).action_merge()
        self.env.invalidate_all()

    def test_two_in_one_line(self):
        full = self.make_session(seats_max=1)
        self.seat(full, self.ana)
        waiting = self.env["session.waiting"]
        one, two = self.env["res.partner"].create([
            {"name": "W1", "email": "w@example.com"}, {"name": "W2", "email": "w@example.com"}])
        first, second = (waiting._join(full, partner) for partner in (one, two))
        self.merge(two, one)
        self.assertEqual((first.state, second.state), ("waiting", "left"))
        self.assertEqual(second.partner_id, one)
