import re

from odoo import http
from odoo.exceptions import ValidationError
from odoo.tests import HttpCase, new_test_user, tagged

from .common import BookingCommon


@tagged("post_install", "-at_install")
class TestWaitingEmployees(HttpCase, BookingCommon):
    """A company's manager puts employees on the waiting list of a full session.

    The same right as booking for them; the offer goes to the employee and to the manager, and
    either accepts it: the employee when they may spend, the manager from the company's wallet.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.acme, cls.rival = cls.env["res.partner"].create([
            {"name": name, "is_company": True, "lang": "en_US"} for name in ("ACME", "Rival")])
        cls.mona = cls.person("mona", cls.acme)
        cls.emma = cls.person("emma", cls.acme)
        cls.eve = cls.person("eve", cls.rival)
        cls.wallet = cls.env["credit.wallet"]._of(cls.acme, cls.company)
        cls.acme._set_roles(cls.mona, ["is_manager"])
        cls.rival._set_roles(cls.eve, ["is_manager"])
        cls.event = cls.make_session(seats_max=1)
        cls.url = f"/trainings/{cls.event.id}"

    @classmethod
    def person(cls, login, company):
        user = new_test_user(
            cls.env, login, "base.group_portal", name=login.capitalize(),
            email=f"{login}@example.com", lang="en_US")
        user.partner_id.parent_id = company
        return user.partner_id

    def setUp(self):
        super().setUp()
        self.seat = self.env["event.registration"].create(
            {"event_id": self.event.id, "name": "Guest", **self.outside})

    def as_user(self, login):
        self.authenticate(login, login)

    def post(self, url, **data):
        return self.url_open(
            url, data={"csrf_token": http.Request.csrf_token(self), **data},
            allow_redirects=False)

    def queued(self):
        """Put Emma in line, as Mona does."""
        self.as_user("mona")
        answer = self.post(f"{self.url}/wait", attendee=str(self.emma.id))
        self.assertEqual(answer.status_code, 303)
        return self.event.waiting_ids

    def offered(self):
        place = self.queued()
        self.give(2)
        self.seat.action_cancel()
        self.assertEqual(place.state, "offered")
        return place

    def mails(self, place):
        return self.env["mail.mail"].search(
            [("model", "=", "session.waiting"), ("res_id", "in", place.ids)])

    # Putting someone in line ----------------------------------------------------------------

    def test_the_booking_page_puts_an_employee_in_line(self):
        self.as_user("mona")
        page = self.url_open(f"{self.url}?attendee={self.emma.id}").text
        self.assertRegex(re.sub(r"\s+", " ", page), "Add to the waiting list: Emma")
        place = self.queued()
        self.assertEqual(
            (place.partner_id, place.wallet_id, place.state),
            (self.emma, self.wallet, "waiting"))
        self.assertEqual(self.queued(), place, "once in line, one keeps one's place")
        page = self.url_open(f"{self.url}?attendee={self.emma.id}").text
        self.assertIn("Emma is number", page)
        self.assertIn("Emma", self.url_open("/my/trainings").text)

    def test_not_for_another_company_nor_by_a_colleague(self):
        """The rights are those of booking for an employee."""
        for login, attendee in (("eve", self.emma), ("emma", self.mona), ("mona", self.eve)):
            self.as_user(login)
            answer = self.post(f"{self.url}/wait", attendee=str(attendee.id))
            self.assertEqual(answer.status_code, 403, login)
            self.assertIn("the team whose training you manage", answer.text)
        self.assertFalse(self.event.waiting_ids)

    def test_the_wallet_is_the_employer_s(self):
        with self.assertRaisesRegex(ValidationError, "does not work for ACME"):
            self.env["session.waiting"]._join(self.event, self.eve, self.wallet)

    # The offer ------------------------------------------------------------------------------

    def test_employee_and_manager_are_told(self):
        place = self.offered()
        mail = self.mails(place)
        self.assertEqual(mail.recipient_ids, self.emma | self.mona)
        self.assertIn("Hello Emma", mail.body_html)
        self.assertIn("whose credits pay", mail.body_html)

    def test_the_manager_accepts(self):
        place = self.offered()
        self.assertIn("A seat is held for Emma", self.url_open(place._get_link()).text)
        self.assertIn(place._get_link(), self.url_open("/my/trainings").text)
        for _click in range(2):
            answer = self.post(f"{place._get_link()}/accept")
            self.assertEqual(answer.status_code, 303)
        self.assertEqual((place.state, self.wallet.balance), ("seated", 0))
        seat = place.registration_id
        self.assertEqual(
            (seat.partner_id, seat.credit_entry_id.wallet_id), (self.emma, self.wallet))
        self.assertIn("The seat of Emma is booked", self.url_open(place._get_link()).text)
        self.assertEqual(self.url_open(f"/my/trainings/{seat.id}").status_code, 200)

    def test_the_manager_declines(self):
        place = self.offered()
        self.post(f"{place._get_link()}/leave")
        self.assertEqual((place.state, self.wallet.balance), ("declined", 2))

    def test_the_employee_accepts_when_they_may_spend(self):
        place = self.offered()
        self.as_user("emma")
        page = self.url_open(place._get_link()).text
        self.assertIn("o_waiting_ask", page)
        self.assertNotIn("o_waiting_accept", page)
        answer = self.post(f"{place._get_link()}/accept")
        self.assertEqual((answer.status_code, place.state), (409, "offered"))
        self.assertIn("to let you spend its credits", answer.text)
        self.assertEqual(self.wallet.balance, 2)
        self.wallet.spender_ids = self.emma
        self.assertIn("o_waiting_accept", self.url_open(place._get_link()).text)
        self.assertEqual(self.post(f"{place._get_link()}/accept").status_code, 303)
        self.assertEqual((place.state, self.wallet.balance), ("seated", 0))

    def test_the_link_alone_is_the_employee_s(self):
        """Whoever holds the mail without signing in may do what the employee may, not more."""
        place = self.offered()
        self.authenticate(None, None)
        self.assertIn("Sign in as training manager", self.url_open(place._get_link()).text)
        answer = self.post(f"{place._get_link()}/accept")
        self.assertEqual((answer.status_code, self.wallet.balance), (409, 2))

    def test_other_customers_find_nothing(self):
        """Neither someone on their own nor the manager of another company."""
        new_test_user(self.env, "stranger", "base.group_portal", lang="en_US")
        place = self.offered()
        for login in ("stranger", "eve"):
            self.as_user(login)
            self.assertEqual(self.url_open(place._get_link()).status_code, 404)
            self.assertEqual(self.post(f"{place._get_link()}/accept").status_code, 404)
            self.assertNotIn("Emma", self.url_open("/my/trainings").text)
        self.assertEqual((place.state, self.wallet.balance), ("offered", 2))

    def test_a_colleague_who_is_no_manager_finds_nothing(self):
        self.wallet.spender_ids = self.person("carl", self.acme)
        place = self.offered()
        self.as_user("carl")
        self.assertEqual(self.post(f"{place._get_link()}/accept").status_code, 404)

    def test_too_few_credits_of_the_company(self):
        place = self.queued()
        self.seat.action_cancel()
        self.assertEqual(place.state, "waiting")
        mail = self.mails(place)
        self.assertEqual(mail.recipient_ids, self.emma | self.mona)
        self.assertIn("the wallet of ACME holds too few credits", " ".join(
            re.sub(r"<[^>]+>", "", mail.body_html).split()))

    def test_who_left_the_company_is_not_paid_for(self):
        place = self.queued()
        self.give(2)
        self.emma.parent_id = False
        self.seat.action_cancel()
        self.assertEqual(place.state, "waiting", "her own wallet is empty")
        self.assertEqual(self.mails(place).recipient_ids, self.emma)

    def test_staff_accept_for_the_company(self):
        place = self.offered()
        desk = new_test_user(self.env, "desk", "event.group_event_registration_desk")
        place.with_user(desk).action_accept()
        self.assertEqual((place.state, self.wallet.balance), ("seated", 0))
