from psycopg2.errors import CheckViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.session_booking.exceptions import SessionFull

from .common import BookingCommon


@tagged("post_install", "-at_install")
class TestSeats(BookingCommon):

    def register(self, session, count=1, **vals):
        return self.env["event.registration"].create([
            {"event_id": session.id, "name": f"Guest {number}", **self.outside, **vals}
            for number in range(count)])

    def tearDown(self):
        for session in self.env["event.event"].search([]):
            self.assertEqual(session.seats_booked, session.seats_taken)
        super().tearDown()

    def test_every_door_counts(self):
        session, second = self.make_session(), self.make_session()
        seats = self.register(session, 3)
        self.assertEqual(session.seats_booked, 3)
        seats[0].action_cancel()
        seats[1].active = False
        self.assertEqual(session.seats_booked, 1)
        seats[0].action_confirm()
        seats[2].event_id = second
        self.assertEqual((session.seats_booked, second.seats_booked), (1, 1))
        seats[0].action_set_done()
        self.assertEqual(session.seats_booked, 1)
        seats.unlink()
        self.assertEqual((session.seats_booked, second.seats_booked), (0, 0))
        self.register(session, state="draft")
        self.assertEqual(session.seats_booked, 0)

    def test_full_session_refuses_by_every_door(self):
        session = self.make_session(seats_max=2)
        self.register(session, 2)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.register(session)
        cancelled = self.register(session, state="cancel")
        with self.assertRaises(UserError), self.env.cr.savepoint():
            cancelled.action_confirm()

    def test_the_statement_refuses_where_odoo_only_counts(self):
        session = self.make_session(seats_max=2)
        session._move_seats({session.id: 2})
        with self.assertRaisesRegex(SessionFull, "is full"):
            session._move_seats({session.id: 1})
        session._move_seats({session.id: -2})

    def test_database_refuses_more_seats_than_the_capacity(self):
        session = self.make_session(seats_max=2)
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            self.env.cr.execute(
                "UPDATE event_event SET seats_booked = 3 WHERE id = %s", [session.id])

    def test_capacity_below_the_taken_seats_is_refused(self):
        """Issue 4, bad input: refused, names them; whatever Python does, the database too."""
        session = self.make_session(seats_max=3)
        self.register(session, 2)
        for vals in ({"seats_max": 1}, {"seats_max": 0}):
            with self.assertRaisesRegex(ValidationError, "Guest 0, Guest 1"), \
                    self.env.cr.savepoint():
                session.write(vals)
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            self.env.cr.execute("UPDATE event_event SET seats_max = 1 WHERE id = %s", [session.id])
        session.seats_max = 2
        session.seats_limited = False
        with self.assertRaisesRegex(ValidationError, "capacity cannot be 1"), \
                self.env.cr.savepoint():
            session.write({"seats_limited": True, "seats_max": 1})

    def test_a_training_without_price_is_refused(self):
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            self.training.credit_price = 0
            self.env.flush_all()
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            self.make_session(credit_price=0)

    def test_a_seat_without_credits_is_refused_by_every_door(self):
        session = self.make_session()
        with self.assertRaisesRegex(ValidationError, "2 credits"), self.env.cr.savepoint():
            self.env["event.registration"].create({"event_id": session.id, "name": "Cunning"})
        draft = self.env["event.registration"].create(
            {"event_id": session.id, "name": "Cunning", "state": "draft"})
        with self.assertRaisesRegex(ValidationError, "Paid outside"), self.env.cr.savepoint():
            draft.action_confirm()

    def test_a_seat_paid_with_credits_is_cancelled_not_deleted(self):
        self.give(2)
        seat = self.book(self.make_session())
        with self.assertRaisesRegex(UserError, "cancel it"):
            seat.unlink()

    def test_ordinary_events_of_odoo_are_left_alone(self):
        event = self.env["event.event"].create({
            "name": "Open day", "date_begin": "2030-01-01 09:00", "date_end": "2030-01-01 10:00",
            "seats_limited": True, "seats_max": 1})
        self.env["event.registration"].create({"event_id": event.id, "name": "Visitor"})
        self.assertEqual((event.seats_booked, event.credit_price), (1, 0))

    def test_counting_again_repairs_the_counter(self):
        session = self.make_session()
        self.register(session, 3)
        self.env.cr.execute("UPDATE event_event SET seats_booked = 0 WHERE id = %s", [session.id])
        session._count_seats_again()
        self.assertEqual(session.seats_booked, 3)
