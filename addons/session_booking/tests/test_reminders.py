from datetime import datetime, timedelta

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_desk import DeskCommon


@tagged("post_install", "-at_install")
class TestReminders(DeskCommon):
    """Issue 4, part 5: own rows unique per (booking, kind), sent once, also for late bookings."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.give_credits()

    def session_in(self, **delay):
        begin = fields.Datetime.now().replace(microsecond=0) + timedelta(**delay)
        return self.make_session(date_begin=begin, date_end=begin + timedelta(hours=2))

    def booked(self, session, partner, **ago):
        """Book a seat so long ago."""
        seat = self.seat(session, partner)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE event_registration SET create_date = %s WHERE id = %s",
            [fields.Datetime.now() - timedelta(**ago), seat.id])
        seat.invalidate_recordset(["create_date"])
        return seat

    def run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("session_booking.ir_cron_session_reminders").method_direct_trigger()

    def sent(self, seat):
        """List the kinds sent (hours ahead); check that there is a mail for each."""
        kinds = seat.reminder_ids.mapped("hours")
        self.assertEqual(
            len(self.mails(seat, "Reminder") | self.mails(seat, "Rappel")), len(kinds))
        return kinds

    def test_trainings_remind_a_week_a_day_and_an_hour_ahead(self):
        self.assertEqual(self.training.reminder_rule_ids.mapped("hours"), [168, 24, 1])

    def test_each_moment_is_sent_once(self):
        for delay, kinds in (({"days": 8}, []), ({"days": 6}, [168]), ({"hours": 20}, [24]),
                             ({"minutes": 50}, [1]), ({"minutes": -10}, [])):
            session = self.session_in(**{**delay, "days": delay.get("days", 0) + 30})
            seat = self.booked(session, self.ana, days=40)
            self.set_begin(session, fields.Datetime.now() + timedelta(**delay))
            for _run in range(2):
                self.run_cron()
            self.assertEqual(self.sent(seat), kinds, delay)

    def set_begin(self, session, begin):
        """Set when the session begins, as if it had always been so."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE event_event SET date_begin = %s, date_end = %s WHERE id = %s",
            [begin, begin + timedelta(hours=2), session.id])
        session.invalidate_recordset()

    def test_two_runs_cannot_claim_the_same_seat(self):
        seat = self.booked(self.session_in(days=6), self.ana, days=8)
        reminders = self.env["session.reminder"]
        event, rule, due = reminders._due_now()[0]
        self.assertEqual(reminders._claim(event, rule, due, 10), seat)
        self.assertFalse(reminders._claim(event, rule, due, 10))
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            reminders.create({"registration_id": seat.id, "hours": 168})

    def test_late_booking_gets_only_what_is_still_ahead(self):
        """Booked 3 hours before: only the reminder of the last hour."""
        session = self.session_in(hours=3)
        seat = self.booked(session, self.ana, minutes=1)
        self.run_cron()
        self.assertEqual(self.sent(seat), [])
        self.set_begin(session, fields.Datetime.now() + timedelta(minutes=55))
        self.env.cr.execute(
            "UPDATE event_registration SET create_date = %s WHERE id = %s",
            [fields.Datetime.now() - timedelta(hours=2), seat.id])
        self.run_cron()
        self.assertEqual(self.sent(seat), [1])

    def test_after_a_stop_of_the_cron_only_the_latest_is_sent(self):
        seat = self.booked(self.session_in(hours=5), self.ana, days=20)
        self.run_cron()
        self.assertEqual(self.sent(seat), [24])

    def test_days_are_civil_days_of_the_session(self):
        """The day before a session at 18:00 is 18:00, though that day has 25 hours."""
        session = self.make_session(
            date_begin="2026-10-25 17:00:00", date_end="2026-10-25 19:00:00")
        week, day, hour = self.training.reminder_rule_ids
        self.assertEqual(day._due_moment(session), datetime(2026, 10, 24, 16))
        self.assertEqual(week._due_moment(session), datetime(2026, 10, 18, 16))
        self.assertEqual(hour._due_moment(session), datetime(2026, 10, 25, 16))

    def test_a_moved_session_is_reminded_of_anew(self):
        session = self.session_in(days=6)
        seat = self.booked(session, self.ana, days=8)
        self.run_cron()
        self.assertEqual(seat.reminder_ids.mapped("hours"), [168])
        later = fields.Datetime.now() + timedelta(days=20)
        session._move_session(later, later + timedelta(hours=2))
        self.run_cron()
        self.assertFalse(seat.reminder_ids, "not in the same breath as the new date")
        self.set_begin(session, fields.Datetime.now() + timedelta(days=6))
        self.env.cr.execute(
            "UPDATE event_event SET rescheduled_on = %s WHERE id = %s",
            [fields.Datetime.now() - timedelta(days=14), session.id])
        session.invalidate_recordset()
        self.run_cron()
        self.assertEqual(seat.reminder_ids.mapped("hours"), [168])

    def test_moved_nearer_gets_no_reminder_with_the_new_date(self):
        session = self.session_in(days=20)
        seat = self.booked(session, self.ana, days=8)
        soon = fields.Datetime.now() + timedelta(hours=20)
        session._move_session(soon, soon + timedelta(hours=2))
        self.run_cron()
        self.assertFalse(seat.reminder_ids)

    def test_cancelled_seats_and_sessions_are_not_reminded_of(self):
        session = self.session_in(days=6)
        cancelled = self.booked(session, self.ana, days=8)
        kept = self.booked(session, self.bob, days=8)
        cancelled.action_cancel()
        gone = self.session_in(days=5)
        seat = self.booked(gone, self.ana, days=8)
        gone._cancel_session()
        self.run_cron()
        self.assertEqual(
            [self.sent(one) for one in (cancelled, kept, seat)], [[], [168], []])
        self.assertEqual(len(self.mails(kept, "Rappel")), 1, "in the customer's language")

    def test_kinds_are_the_training_s(self):
        self.training.reminder_rule_ids = [
            fields.Command.clear(), fields.Command.create({"count": 3, "unit": "days"})]
        seat = self.booked(self.session_in(days=2), self.ana, days=8)
        self.run_cron()
        self.assertEqual(self.sent(seat), [72])
        self.training.reminder_rule_ids = [fields.Command.clear()]
        other = self.booked(self.session_in(hours=3), self.bob, days=8)
        self.run_cron()
        self.assertEqual(self.sent(other), [])

    def test_small_batches_reach_everyone(self):
        session = self.session_in(days=6)
        seats = self.booked(session, self.ana, days=8) | self.booked(session, self.bob, days=8)
        self.env.ref("session_booking.ir_cron_session_reminders").code = (
            "model._cron_send(limit=1)")
        self.run_cron()
        self.assertEqual([self.sent(seat) for seat in seats], [[168], [168]])

    def test_rules_are_the_managers(self):
        with self.assertRaises(AccessError):
            self.training.with_user(self.desk).reminder_rule_ids.unlink()
