from odoo.tests import HttpCase, new_test_user, tagged

from .common import BookingCommon


@tagged("post_install", "-at_install")
class TestRoutes(HttpCase, BookingCommon):

    def test_calendar_lists_published_sessions_of_the_month(self):
        shown = self.make_session(name="Shown", date_begin="2031-03-10 09:00",
                                  date_end="2031-03-10 11:00")
        self.make_session(name="Hidden", date_begin="2031-03-11 09:00",
                          date_end="2031-03-11 11:00", is_published=False)
        page = self.url_open("/trainings?month=2031-03").text
        self.assertIn(f"/trainings/{self.env['ir.http']._slug(shown)}", page)
        self.assertNotIn("Hidden", page)
        april = self.url_open("/trainings?month=2031-04").text
        self.assertNotIn("o_training_grid", april)
        self.assertIn("The next one is", april)

    def test_calendar_takes_odd_parameters(self):
        for query in ("month=2031-13", "month=x", "theme=abc", "theme=999999", "place=moon"):
            self.assertEqual(self.url_open(f"/trainings?{query}").status_code, 200)

    def test_ids_that_no_row_can_have(self):
        """Issue 19, kind 3: 404, not a server error."""
        new_test_user(self.env, "visitor", "base.group_portal", lang="en_US")
        self.authenticate("visitor", "visitor")
        for path in ("/trainings/0", "/trainings/x-0", "/trainings/99999999999999999999",
                     "/trainings/training/99999999999", "/my/trainings/99999999999"):
            with self.subTest(path=path):
                self.assertEqual(self.url_open(path).status_code, 404)
        session = self.make_session()
        self.assertEqual(
            self.url_open(f"/trainings/{session.id}?attendee={'9' * 5000}").status_code, 200)

    def test_unpublished_session_is_not_for_visitors(self):
        session = self.make_session(is_published=False)
        self.assertIn(self.url_open(f"/trainings/{session.id}").status_code, (403, 404))

    def test_anonymous_visitor_is_asked_to_sign_in(self):
        page = self.url_open(f"/trainings/{self.make_session().id}").text
        self.assertIn("Sign in", page)
        self.assertNotIn("o_booking_form", page)

    def test_employee_without_leave_cannot_spend_the_company_s_credits(self):
        company = self.env["res.partner"].create(
            {"name": "ACME", "is_company": True, "lang": "en_US"})
        employee = new_test_user(self.env, "employee", "base.group_portal", lang="en_US")
        employee.partner_id.parent_id = company
        self.wallet = self.env["credit.wallet"]._of(company, self.company)
        self.give(10)
        session = self.make_session()
        self.authenticate("employee", "employee")
        self.assertIn("training manager", self.url_open(f"/trainings/{session.id}").text)
        self.wallet.spender_ids = employee.partner_id
        self.assertIn("o_booking_form", self.url_open(f"/trainings/{session.id}").text)

    def test_odoos_event_page_leads_to_the_booking_page(self):
        session = self.make_session()
        page = self.url_open(f"/event/{session.id}/register").text
        self.assertIn("Book for", page)
        self.assertNotIn("modal_ticket_registration\">", page)
