from datetime import timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_desk import DeskCommon


@tagged("post_install", "-at_install")
class TestDecision(DeskCommon):
    """Issue 20, part 5: few attendees, a reminder to decide, and a decision in one click."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.give_credits()
        cls.training.write({"min_attendees": 2, "decision_days": 7})
        cls.session = cls.make_session(days=5, user_id=cls.planner.id)
        cls.events = cls.env["event.event"]

    def remind(self):
        with self.enter_registry_test_mode():
            self.env.ref("session_booking.ir_cron_session_decisions").method_direct_trigger()

    def asked(self, session=None):
        kind = self.env.ref("session_booking.mail_activity_type_decide")
        return (session or self.session).activity_ids.filtered(
            lambda activity: activity.activity_type_id == kind)

    def to_decide(self):
        return self.events.search([("to_decide", "=", True)])

    def test_the_day_of_the_decision_is_civil(self):
        session = self.make_session(
            date_begin="2031-03-11 17:00:00", date_end="2031-03-11 19:00:00")
        self.assertEqual(str(session.decision_date), "2031-03-04")
        for moment, due in (("2031-03-03 22:30:00", False), ("2031-03-03 23:30:00", True),
                            ("2031-03-11 17:30:00", False)):
            with self.subTest(moment=moment), freeze_time(moment):
                self.env.invalidate_all()
                self.assertEqual(session.to_decide, due)
                self.assertEqual(session in self.to_decide(), due)

    def test_asked_again_when_somebody_cancels(self):
        self.remind()
        self.assertTrue(self.asked())
        seats = self.seat(self.session, self.ana) | self.seat(self.session, self.bob)
        self.remind()
        self.assertFalse(self.asked())
        seats[:1].action_cancel()
        self.remind()
        self.assertTrue(self.asked())

    def test_days_before_are_days(self):
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            self.session.decision_days = 999_999
            self.env.flush_all()

    def test_states_that_leave_nothing_to_decide(self):
        self.assertIn(self.session, self.to_decide())
        far = self.make_session(days=30)
        none = self.make_session(days=5, min_attendees=0)
        cancelled = self.make_session(days=5)
        cancelled._cancel_session()
        full = self.make_session(days=5)
        self.seat(full, self.ana)
        self.assertIn(full, self.to_decide())
        self.seat(full, self.bob)
        self.assertFalse(self.to_decide() & (far | none | cancelled | full))
        self.assertIn(far, self.events.search([("to_decide", "=", False)]))

    def test_reminded_once_and_no_longer_when_decided(self):
        self.remind()
        self.remind()
        [activity] = self.asked()
        self.assertEqual(activity.user_id, self.planner)
        self.assertIn("0 of at least 2", activity.summary)
        with self.assertRaises(AccessError):
            self.session.with_user(self.desk).action_keep_session()
        self.session.with_user(self.planner).action_keep_session()
        self.assertFalse(self.asked())
        self.assertNotIn(self.session, self.to_decide())
        self.remind()
        self.assertFalse(self.asked())
        with self.assertRaisesRegex(UserError, "nothing to decide"):
            self.session.action_keep_session()

    def test_enough_attendees_close_the_reminder(self):
        self.remind()
        self.seat(self.session, self.ana)
        self.seat(self.session, self.bob)
        self.remind()
        self.assertFalse(self.asked())

    def test_a_new_date_is_decided_anew(self):
        self.remind()
        self.session.action_keep_session()
        shift = timedelta(days=1)
        self.session.write({"date_begin": self.session.date_begin + shift,
                            "date_end": self.session.date_end + shift})
        self.assertIn(self.session, self.to_decide())
        self.remind()
        self.assertEqual(len(self.asked()), 1)

    def test_responsible_who_left(self):
        self.planner.active = False
        self.remind()
        self.assertTrue(self.asked().user_id.active)

    def test_cancelling_says_who_gets_what(self):
        self.remind()
        self.seat(self.session, self.ana)
        self.env["event.registration"].create(
            {"event_id": self.session.id, "name": "Guest", **self.outside})
        wizard = self.env["session.cancel"].with_user(self.planner).create(
            {"event_id": self.session.id})
        for text in ("Ana", "2 credits", "ana@example.com", "Guest", "Quote"):
            self.assertIn(text, wizard.returns)
        wizard.event_id._cancel_session()
        self.assertEqual(self.wallet_of(self.ana).balance, 10)
        self.assertFalse(self.asked())

    def test_minimum_fits_the_seats(self):
        with self.assertRaisesRegex(ValidationError, "more than it can have"):
            self.training.min_attendees = 11

    def test_kind_of_a_session_with_unpaid_seats(self):
        """Tickets of Odoo's events are not paid with credits: such a session is no training."""
        begin = fields.Datetime.now() + timedelta(days=9)
        for state in ("open", "draft"):
            event = self.events.create({
                "name": "Open day", "date_begin": begin, "date_end": begin + timedelta(hours=2)})
            self.env["event.registration"].create(
                {"event_id": event.id, "name": "Eve", "state": state})
            with self.assertRaisesRegex(ValidationError, "Eve.*cannot become"), \
                    self.env.cr.savepoint():
                event.with_user(self.planner).write(
                    {"event_type_id": self.training.id, "credit_price": 2})
                self.env.flush_all()

    def test_company_of_a_session_with_paid_seats(self):
        session = self.make_session(company_id=self.company.id)
        self.seat(session, self.ana)
        other = self.env["res.company"].create({"name": "Abroad"})
        with self.assertRaisesRegex(ValidationError, "do not pay for"):
            session.company_id = other

    def test_kind_of_a_session_that_is_over(self):
        session = self.make_session(days=1)
        self.seat(session, self.ana)
        with freeze_time(session.date_end + timedelta(days=1)), \
                self.assertRaisesRegex(UserError, "training cannot be removed"):
            session.with_user(self.planner).event_type_id = False
