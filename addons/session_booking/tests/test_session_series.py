from datetime import date, datetime, time

from odoo.exceptions import AccessError, UserError
from odoo.tests import BaseCase, Form, freeze_time, tagged

from odoo.addons.session_booking.tools import NonExistentTime, every_weeks, local_to_utc

from .common_desk import DeskCommon

PARIS = "Europe/Paris"


@tagged("post_install", "-at_install")
class TestLocalTime(BaseCase):

    def test_the_clock_change_of_2026(self):
        """Issue 4: 16:00Z before 25 October 2026, 17:00Z after."""
        for day, hour in ((20, 16), (24, 16), (25, 17), (27, 17)):
            self.assertEqual(
                local_to_utc(date(2026, 10, day), time(18), PARIS), datetime(2026, 10, day, hour))

    def test_an_hour_jumped_over(self):
        """Issue 4: 29 March 02:30 refused with a reason."""
        for minute in (0, 30, 59):
            with self.assertRaises(NonExistentTime):
                local_to_utc(date(2026, 3, 29), time(2, minute), PARIS)
        self.assertEqual(
            local_to_utc(date(2026, 3, 29), time(3), PARIS), datetime(2026, 3, 29, 1))

    def test_an_hour_that_comes_twice_is_the_first(self):
        self.assertEqual(
            local_to_utc(date(2026, 10, 25), time(2, 30), PARIS), datetime(2026, 10, 25, 0, 30))

    def test_every_weeks(self):
        first = date(2026, 10, 20)
        self.assertEqual(every_weeks(first, 2, count=2), [first, date(2026, 11, 3)])
        self.assertEqual(every_weeks(first, 1, until=date(2026, 10, 27)),
                         [first, date(2026, 10, 27)])
        self.assertEqual(every_weeks(first, 1, until=date(2026, 10, 19)), [])


@tagged("post_install", "-at_install")
class TestSessionSeries(DeskCommon):

    def series(self, **vals):
        series = self.env["session.series"].with_user(self.planner).with_context(lang="en_US")
        return series.create({
            "event_type_id": self.training.id, "first_date": "2026-10-13", "start_time": 18.0,
            "count": 4, **vals})

    @freeze_time("2026-10-01 08:00:00")
    def test_every_tuesday_at_18(self):
        """Issue 4: every Tuesday 18:00 local, DST-proof."""
        self.training.training_hours = 1.5
        sessions = self.series()._create_sessions().sorted("date_begin")
        self.assertEqual(sessions.mapped("date_begin"), [
            datetime(2026, 10, 13, 16), datetime(2026, 10, 20, 16),
            datetime(2026, 10, 27, 17), datetime(2026, 11, 3, 17)])
        self.assertEqual({session._local_hours() for session in sessions},
                         {"18:00 – 19:30 (Europe/Paris)"})
        self.assertEqual({session._local_date().weekday() for session in sessions}, {1})
        self.assertEqual(
            (sessions[0].credit_price, sessions[0].seats_max, sessions[0].name),
            (2, 10, "Public speaking"))

    @freeze_time("2026-10-01 08:00:00")
    def test_until_a_date(self):
        series = self.series(end_kind="until", until_date="2026-10-27")
        self.assertEqual(len(series._create_sessions()), 3)

    @freeze_time("2026-10-01 08:00:00")
    def test_twice_is_once(self):
        series = self.series()
        self.assertEqual(series._create_sessions(), series._create_sessions())
        self.assertEqual(
            self.env["event.event"].search_count([("event_type_id", "=", self.training.id)]), 4)

    @freeze_time("2026-03-01 08:00:00")
    def test_a_time_that_does_not_exist_is_refused(self):
        series = self.series(first_date="2026-03-15", start_time=2.5)
        self.assertIn("clock goes forward", series.preview)
        with self.assertRaisesRegex(UserError, "02:30 does not exist on Sunday, March 29, 2026"):
            series._create_sessions()
        self.assertFalse(self.env["event.event"].search(
            [("event_type_id", "=", self.training.id)]), "all or none")

    @freeze_time("2026-10-13 17:00:00")
    def test_refusals(self):
        for message, vals in (
                ("in the past", {}),
                ("between 1 and 104", {"count": 0}),
                ("between 1 and 104", {"count": 105}),
                ("between 1 and 104", {"end_kind": "until", "until_date": "2040-01-01"}),
                ("between 1 and 104", {"end_kind": "until", "until_date": "2026-10-01"}),
                ("when the series ends", {"end_kind": "until"})):
            with self.assertRaisesRegex(UserError, message):
                self.series(**vals)._create_sessions()

    @freeze_time("2026-10-01 08:00:00")
    def test_form_shows_what_will_be_planned(self):
        form = Form(self.env["session.series"].with_user(self.planner).with_context(
            default_event_type_id=self.training.id, lang="en_US"))
        self.assertEqual(form.timezone, "Europe/Paris")
        form.first_date = "2026-10-13"
        form.count = 2
        self.assertEqual(form.preview.splitlines(), [
            "Tuesday, October 13, 2026, 18:00", "Tuesday, October 20, 2026, 18:00"])
        with self.assertRaises(AccessError):
            self.series().with_user(self.desk).read(["count"])
