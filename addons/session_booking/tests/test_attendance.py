from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common_desk import DeskCommon

PDF = b"JVBERi0xLjQKJSVFT0YK"  # "%PDF-1.4\n%%EOF\n"


@tagged("post_install", "-at_install")
class TestAttendance(DeskCommon):
    """Issue 4, part 1: attendance sheet and check-in by barcode."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.give_credits()
        cls.session = cls.make_session(
            date_begin="2031-03-11 08:00:00", date_end="2031-03-11 16:00:00")

    def half_days(self, begin, end):
        session = self.make_session(date_begin=begin, date_end=end)
        return [(f"{column['day']}", column["label"], column["hours"])
                for column in session._attendance_half_days()]

    def test_a_signature_per_half_day(self):
        self.assertEqual(self.half_days("2031-03-11 08:00:00", "2031-03-11 16:00:00"), [
            ("2031-03-11", "Morning", "from 09:00"),
            ("2031-03-11", "Afternoon", "until 17:00")])
        self.assertEqual(self.half_days("2031-03-11 17:00:00", "2031-03-11 19:00:00"), [
            ("2031-03-11", "Evening", "18:00 – 20:00")])
        self.assertEqual(self.half_days("2031-03-11 08:00:00", "2031-03-11 11:00:00"), [
            ("2031-03-11", "Morning", "09:00 – 12:00")])
        self.assertEqual(self.half_days("2031-03-11 11:00:00", "2031-03-11 13:00:00"), [
            ("2031-03-11", "Afternoon", "12:00 – 14:00")])
        self.assertEqual(
            [column[0] for column in self.half_days(
                "2031-03-11 08:00:00", "2031-03-12 16:00:00")],
            ["2031-03-11", "2031-03-11", "2031-03-12", "2031-03-12"])
        self.assertEqual(
            len(self.half_days("2031-03-11 21:00:00", "2031-03-12 00:30:00")), 1)

    def test_sheet_names_who_comes_and_the_training_body(self):
        self.company.write({"training_declaration": "84 69 12345 69",
                            "company_registry": "73282932000074"})
        self.seat(self.session, self.bob)
        self.seat(self.session, self.ana).action_set_done()
        self.env["event.registration"].create({
            "event_id": self.session.id, "name": "Gone", **self.outside,
            "state": "cancel"})
        html = self.env["ir.actions.report"].with_user(self.desk)._render_qweb_html(
            "session_booking.report_attendance_sheet", self.session.ids)[0].decode()
        for text in ("Public speaking", "84 69 12345 69", "73282932000074", "Morning",
                     "Afternoon", self.session._local_begin()):
            self.assertIn(text, html)
        self.assertNotIn("Gone", html)
        self.assertLess(html.index("Ana"), html.index("Bob"), "by name")
        self.assertEqual(html.count("o_attendance_seat"), 2)

    def test_several_sheets_are_one_document(self):
        """A wkhtmltopdf without patched Qt takes one document at a time."""
        sessions = self.session | self.make_session()
        html = self.env["ir.actions.report"]._render_qweb_html(
            "session_booking.report_attendance_sheet", sessions.ids)[0].decode()
        self.assertEqual(html.count('class="article'), 1)
        self.assertEqual(html.count("o_attendance_table"), 2)

    def test_check_in_by_barcode(self):
        seat = self.seat(self.session, self.ana)
        scan = self.env["event.registration"].with_user(self.desk).register_attendee
        elsewhere = self.make_session()
        self.assertEqual(
            scan(seat.barcode, elsewhere.id)["status"], "need_manual_confirmation")
        self.assertEqual(scan(seat.barcode, self.session.id)["status"], "confirmed_registration")
        self.assertEqual((seat.state, self.session.seats_booked), ("done", 1))
        self.assertEqual(scan(seat.barcode, self.session.id)["status"], "already_registered")
        cancelled = self.seat(self.session, self.bob)
        cancelled.action_cancel()
        self.assertEqual(
            scan(cancelled.barcode, self.session.id)["status"], "canceled_registration")
        self.assertEqual(scan("000", self.session.id), {"error": "invalid_ticket"})

    def test_mail_leads_to_the_ticket_of_a_session_in_a_place(self):
        seat = self.seat(self.session, self.ana)
        self.assertIn("/my_tickets?", self.mails(seat, "booked").body_html)
        online = self.seat(self.make_session(address_id=False), self.bob)
        self.assertNotIn("/my_tickets?", self.mails(online, "réservée").body_html)

    def test_confirmation_sent_again(self):
        seat = self.seat(self.session, self.ana)
        seat.with_user(self.desk).action_resend_confirmation()
        self.assertEqual(len(self.mails(seat, "booked")), 2)
        seat.action_cancel()
        with self.assertRaisesRegex(UserError, "nobody to write to"):
            seat.action_resend_confirmation()

    def test_programme_is_a_pdf(self):
        self.training.programme_file = PDF
        with self.assertRaisesRegex(ValidationError, "not a PDF"), self.env.cr.savepoint():
            self.training.programme_file = b"PGh0bWw+"
        self.assertEqual(self.training.programme_file, PDF)
