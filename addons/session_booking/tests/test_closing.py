from datetime import date, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from odoo.addons.session_booking.exceptions import SessionUnavailable

from .common_desk import DeskCommon


@tagged("post_install", "-at_install")
class TestClosing(DeskCommon):
    """Issue 20, part 5: attendance by half-day, and the credits of those who did not come."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        pack = cls.make_pack(10, 100.0)
        for partner in (cls.ana, cls.bob):
            cls.sell(pack, partner=partner)
        cls.training.no_show_policy = "return"
        # 09:00 to 17:00 in Paris, on two days.
        cls.session = cls.make_session(
            date_begin="2031-03-11 08:00:00", date_end="2031-03-12 16:00:00")
        cls.day1, cls.day2 = date(2031, 3, 11), date(2031, 3, 12)
        cls.rows = cls.env["session.attendance"]
        cls.ana_seat, cls.bob_seat = (
            cls.session._book(cls.wallet_of(partner), partner, partner.name)
            for partner in (cls.ana, cls.bob))

    def setUp(self):
        super().setUp()
        self.startClock("2031-03-12 16:30:00")

    def startClock(self, moment):
        clock = freeze_time(moment)
        clock.start()
        self.addCleanup(clock.stop)

    def open(self, session=None):
        self.rows.with_user(self.desk)._open(session or self.session)

    def half_days(self, seat):
        return {(row.day.day, row.half): row.state for row in seat.attendance_ids}

    def close(self, unmarked_as=None):
        return self.session.with_user(self.desk)._close_attendance(unmarked_as)

    def mark(self, seat, state):
        seat.attendance_ids.with_user(self.desk).write({"state": state})

    def balance(self, partner):
        return self.wallet_of(partner).balance

    # Half-days ----------------------------------------------------------------------------

    def test_a_row_per_seat_and_half_day_once(self):
        self.open()
        self.open()
        self.assertEqual(self.half_days(self.ana_seat), {
            (day, half): "expected" for day in (11, 12) for half in ("morning", "afternoon")})
        self.assertEqual(len(self.session.attendance_ids), 8)
        row = self.ana_seat.attendance_ids[0]
        self.assertEqual(row.attendee, "Ana")
        with self.assertRaises(AccessError):
            row.with_user(self.desk).write({"day": "2031-03-13"})
        with self.assertRaises(AccessError):
            self.rows.with_user(self.desk).create(
                {"registration_id": self.ana_seat.id, "day": "2031-03-11", "half": "evening"})

    def test_marks_are_taken_back_the_way_they_were_made(self):
        self.open()
        row = self.ana_seat.attendance_ids[0].with_user(self.desk)
        row.action_present()
        self.assertEqual((row.state, self.ana_seat.state), ("present", "done"))
        row.action_present()
        self.assertEqual((row.state, self.ana_seat.state), ("expected", "open"))
        row.action_absent()
        self.assertEqual((row.state, self.ana_seat.state), ("absent", "open"))
        self.ana_seat.attendance_ids.with_user(self.desk).action_present()
        self.assertEqual(set(self.half_days(self.ana_seat).values()), {"present"})

    def test_barcode_marks_the_half_day_going_on(self):
        with freeze_time("2031-03-12 13:30:00"):  # 14:30 in Paris
            self.rows.with_user(self.desk).env["event.registration"].register_attendee(
                self.ana_seat.barcode, self.session.id)
        marks = self.half_days(self.ana_seat)
        self.assertEqual(marks.pop((12, "afternoon")), "present")
        self.assertEqual(set(marks.values()), {"expected"})
        self.ana_seat.with_user(self.desk).action_confirm()
        self.assertEqual(set(self.half_days(self.ana_seat).values()), {"expected"})

    def test_attended_said_afterwards_is_every_half_day(self):
        with freeze_time("2031-03-14 08:00:00"):
            self.ana_seat.with_user(self.desk).action_set_done()
        self.assertEqual(set(self.half_days(self.ana_seat).values()), {"present"})

    def test_tomorrow_is_not_noted_today(self):
        self.open()
        with freeze_time("2031-03-11 09:00:00"):
            for row in self.ana_seat.attendance_ids:
                if row.day == self.day2:
                    with self.assertRaisesRegex(UserError, "still to come"):
                        row.action_absent()
                else:
                    row.action_present()

    def test_people_today(self):
        with freeze_time("2031-03-11 07:00:00"):
            action = self.rows.with_user(self.desk).action_today()
        self.assertEqual(action["res_model"], "session.attendance")
        self.assertEqual(len(self.session.attendance_ids), 8)
        with self.assertRaises(AccessError):
            self.rows.with_user(self.env.ref("base.public_user")).action_today()

    def test_sheet_says_what_was_noted(self):
        self.open()
        self.mark(self.ana_seat, "present")
        self.mark(self.bob_seat, "absent")
        html = self.env["ir.actions.report"].with_user(self.desk)._render_qweb_html(
            "session_booking.report_attendance_sheet", self.session.ids)[0].decode()
        self.assertEqual(html.count("noted present"), 4)

    # Closing ------------------------------------------------------------------------------

    def test_absent_gets_the_credits_back_once_and_is_told(self):
        self.open()
        self.mark(self.ana_seat, "present")
        self.mark(self.bob_seat, "absent")
        wizard = self.env["session.attendance.close"].with_user(self.desk).create(
            {"event_id": self.session.id})
        self.assertEqual((wizard.present_count, wizard.absent_count), (1, 1))
        for text in ("Bob", "2 credits", "go back"):
            self.assertIn(text, f"{wizard.returns} {wizard.policy}")
        self.assertNotIn("Ana", wizard.returns)
        for _click in range(2):
            self.close()
        self.assertEqual((self.balance(self.ana), self.balance(self.bob)), (8, 10))
        self.assertEqual(
            (self.ana_seat.attendance, self.bob_seat.attendance), ("present", "absent"))
        self.assertEqual(self.session.seats_booked, 2, "absent, and not cancelled")
        note = self.bob_seat.absence_entry_id.move_ids
        self.assertEqual((note.move_type, note.state), ("out_refund", "posted"))
        mail = self.mails(self.bob_seat, "attendu")
        self.assertEqual(len(mail), 1)
        self.assertIn("2 crédits", mail.body_html)
        self.assertFalse(self.mails(self.ana_seat, "expected"))
        self.bob_seat.action_cancel()
        self.assertEqual(self.balance(self.bob), 10, "they came back already")

    def test_credits_are_kept_where_the_training_says_so(self):
        with freeze_time("2031-03-01"):
            session = self.make_session(
                date_begin=self.session.date_begin, date_end=self.session.date_end,
                no_show_policy="keep")
            seat = self.seat(session, self.ana)
        session._close_attendance("absent")
        self.assertEqual((seat.attendance, self.balance(self.ana)), ("absent", 6))
        [mail] = self.mails(seat, "expected")
        self.assertIn("are not returned", mail.body_html)

    def test_terms_of_the_booking_are_not_worsened(self):
        with freeze_time("2031-03-01"):
            for vals in ({"no_show_policy": "keep"}, {"cancel_hours": 49}):
                with self.subTest(vals=vals), self.assertRaisesRegex(UserError, "Ana"), \
                        self.env.cr.savepoint():
                    self.session.with_user(self.planner).write(vals)
            self.session.with_user(self.planner).write({"cancel_hours": 24})

    def test_another_training_worsens_no_terms(self):
        """A training brings its own terms, and nobody who booked agreed to them."""
        harsh = self.training.copy({"cancel_hours": 72, "no_show_policy": "keep"})
        with freeze_time("2031-03-01"), self.assertRaisesRegex(UserError, "Ana"), \
                self.env.cr.savepoint():
            self.session.with_user(self.planner).write({"event_type_id": harsh.id})

    def test_absent_then_there(self):
        """Noted absent, then checked in: present at that half-day, and at the session."""
        self.open()
        self.mark(self.bob_seat, "absent")
        self.mark(self.ana_seat, "present")
        self.bob_seat.with_user(self.desk).action_set_done()
        self.assertEqual(self.half_days(self.bob_seat)[12, "afternoon"], "present")
        self.close()
        self.assertEqual(self.bob_seat.attendance, "present")

    def test_moved_booking_leaves_its_half_days_behind(self):
        with freeze_time("2031-03-01"):
            later = self.make_session(
                date_begin="2031-04-11 08:00:00", date_end="2031-04-11 16:00:00")
        self.open()
        self.ana_seat.event_id = later
        self.assertFalse(self.ana_seat.attendance_ids)
        self.mark(self.bob_seat, "present")
        with self.assertRaisesRegex(UserError, "already noted"):
            self.bob_seat.event_id = later

    def test_course_that_begins_later_than_it_ends(self):
        """From Monday 14:00 to Wednesday 12:00: four half-days, closed on the last of them."""
        with freeze_time("2031-03-01"):
            course = self.make_session(
                date_begin="2031-03-10 13:00:00", date_end="2031-03-12 11:00:00")
        self.assertEqual([(day.day, half) for day, half in course._half_days()], [
            (10, "afternoon"), (11, "morning"), (11, "afternoon"), (12, "morning")])
        for moment, complete in (("2031-03-10 14:00:00", False), ("2031-03-12 09:00:00", True)):
            with freeze_time(moment):
                self.assertEqual(course._attendance_is_complete(), complete)

    def test_who_is_not_noted_is_asked_about(self):
        self.open()
        self.mark(self.ana_seat, "present")
        with self.assertRaisesRegex(UserError, "Not noted yet: Bob"):
            self.close()
        form = Form(self.env["session.attendance.close"].with_user(self.desk).with_context(
            default_event_id=self.session.id))
        self.assertEqual(form.unmarked_names, "Bob")
        form.unmarked_as = "present"
        self.assertEqual(form.absent_count, 0)
        form.unmarked_as = "absent"
        self.assertIn("Bob", form.returns)
        self.close("absent")
        self.assertEqual(self.balance(self.bob), 10)

    def test_one_half_day_is_enough(self):
        self.open()
        self.mark(self.bob_seat, "present")
        self.mark(self.ana_seat, "absent")
        self.ana_seat.attendance_ids[-1].with_user(self.desk).action_present()
        self.close()
        self.assertEqual((self.ana_seat.attendance, self.balance(self.ana)), ("present", 8))

    def test_closed_attendance_changes_only_after_it_was_opened_again(self):
        self.open()
        self.mark(self.ana_seat, "present")
        self.close("absent")
        for change in (
                lambda: self.mark(self.bob_seat, "present"),
                lambda: self.bob_seat.with_user(self.desk).action_set_done(),
                lambda: self.ana_seat.with_user(self.desk).with_context(
                    attendance_marked=True).action_confirm()):
            with self.assertRaisesRegex(UserError, "Correct the attendance"), \
                    self.env.cr.savepoint():
                change()
        for login in ("base.public_user", "base.template_portal_user_id"):
            with self.assertRaises(AccessError):
                self.session.with_user(self.env.ref(login)).action_reopen_attendance()

    def test_correction_takes_the_credits_again(self):
        self.open()
        self.mark(self.ana_seat, "present")
        self.close("absent")
        paid = self.bob_seat.credit_entry_id
        self.session.with_user(self.desk).action_reopen_attendance()
        self.assertEqual(self.balance(self.bob), 10, "nothing moves before it is closed again")
        self.mark(self.bob_seat, "present")
        wizard = self.env["session.attendance.close"].with_user(self.desk).create(
            {"event_id": self.session.id})
        self.assertIn("2 credits taken again", wizard.taken)
        for _click in range(2):
            self.close()
        seat = self.bob_seat
        self.assertEqual((self.balance(self.bob), seat.attendance, seat.state), (
            8, "present", "done"))
        self.assertFalse(seat.absence_entry_id)
        self.assertNotEqual(seat.credit_entry_id, paid)
        invoice = seat.credit_entry_id.move_ids
        self.assertEqual((invoice.move_type, invoice.state), ("out_invoice", "posted"))
        self.assertEqual(len(self.mails(seat, "présent")), 1)
        # And wrong again: the credits go back a second time, from the second booking.
        self.session._reopen_attendance()
        self.mark(seat, "absent")
        self.close()
        self.assertEqual(self.balance(self.bob), 10)

    def test_credits_spent_meanwhile_are_not_taken(self):
        self.open()
        self.mark(self.ana_seat, "present")
        self.close("absent")
        self.seat(self.make_session(credit_price=10), self.bob)
        self.session._reopen_attendance()
        self.mark(self.bob_seat, "present")
        wizard = self.env["session.attendance.close"].create({"event_id": self.session.id})
        self.assertIn("Nothing is taken", wizard.taken)
        self.assertEqual(self.close(), self.bob_seat)
        self.assertEqual((self.balance(self.bob), self.bob_seat.attendance), (0, "present"))
        self.assertFalse(self.mails(self.bob_seat, "présent"))
        self.assertIn("spent or expired", self.bob_seat.message_ids[0].body)

    def test_not_before_the_last_half_day(self):
        with freeze_time("2031-03-12 09:00:00"):
            self.assertFalse(self.session.may_close_attendance)
            with self.assertRaisesRegex(UserError, "is not over"):
                self.close("absent")
        with freeze_time("2031-03-12 12:30:00"):  # 13:30 in Paris
            self.env.invalidate_all()
            self.assertTrue(self.session.may_close_attendance)

    def test_paid_outside_gives_nothing_back(self):
        guest = self.env["event.registration"].create(
            {"event_id": self.session.id, "name": "Guest", **self.outside})
        self.close("absent")
        self.assertEqual(guest.attendance, "absent")
        self.assertFalse(guest.absence_entry_id)

    def test_dates_do_not_contradict_what_was_noted(self):
        self.open()
        rows = self.session.attendance_ids
        self.session.write({"date_begin": "2031-03-12 08:00:00"})
        self.assertEqual(set(rows.exists().mapped("day")), {self.day2})
        self.mark(self.ana_seat, "absent")
        with self.assertRaisesRegex(SessionUnavailable, "already noted"), self.env.cr.savepoint():
            self.session.write({"date_begin": "2031-04-12 08:00:00",
                                "date_end": "2031-04-12 16:00:00"})
        self.close("absent")
        self.session._reopen_attendance()
        self.session.attendance_ids.write({"state": "expected"})
        with self.assertRaisesRegex(SessionUnavailable, "already noted"), self.env.cr.savepoint():
            self.session.write({"date_begin": "2031-04-12 08:00:00",
                                "date_end": "2031-04-12 16:00:00"})
        coming = self.make_session(days=400)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.bob_seat.event_id = coming  # its credits are back: it is not paid

    def test_session_put_into_the_past(self):
        """A planner cannot make those who have seats miss a session that never was."""
        now = fields.Datetime.now()
        coming = self.make_session()
        self.env["event.registration"].create(
            {"event_id": coming.id, "name": "Guest", **self.outside})
        past = {"date_begin": now - timedelta(days=3), "date_end": now - timedelta(days=2)}
        with self.assertRaisesRegex(UserError, "Guest.*put into the past"), \
                self.env.cr.savepoint():
            coming.with_user(self.planner).write(past)
        self.make_session().with_user(self.planner).write(past)
