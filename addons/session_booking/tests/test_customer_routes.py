import re
from datetime import timedelta

from odoo import fields, http
from odoo.tests import HttpCase, new_test_user, tagged

from .common import BookingCommon


@tagged("post_install", "-at_install")
class TestCustomerRoutes(HttpCase, BookingCommon):
    """Waiting list, swap, basket, employees and ICS through the pages customers use."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env, "ada", "base.group_portal", name="Ada", email="ada@example.com",
            lang="en_US")
        cls.ada = cls.user.partner_id
        cls.stranger = new_test_user(
            cls.env, "eve", "base.group_portal", name="Eve", lang="en_US")
        cls.wallet = cls.env["credit.wallet"]._of(cls.ada, cls.company)
        cls.event = cls.make_session(seats_max=1)

    def setUp(self):
        super().setUp()
        self.authenticate(None, None)

    def post(self, url, **data):
        return self.url_open(
            url, data={"csrf_token": http.Request.csrf_token(self), **data},
            allow_redirects=False)

    def fill(self):
        return self.env["event.registration"].create(
            {"event_id": self.event.id, "name": "Guest", **self.outside})

    def offered(self):
        """Put Ada in line, with a seat held for her."""
        self.give(2)
        seat = self.fill()
        waiting = self.env["session.waiting"]._join(self.event, self.ada)
        seat.action_cancel()
        self.assertEqual(waiting.state, "offered")
        return waiting

    # Waiting list ---------------------------------------------------------------------------

    def test_join_and_leave_from_the_booking_page(self):
        self.fill()
        url = f"/trainings/{self.event.id}"
        self.assertIn("Sign in to join the waiting list", self.url_open(url).text)
        self.assertEqual(self.post(f"{url}/wait").status_code, 401)
        self.authenticate("ada", "ada")
        self.assertIn("o_waiting_join", self.url_open(url).text)
        for _click in range(2):
            self.assertEqual(self.post(f"{url}/wait").status_code, 303)
        waiting = self.event.waiting_ids
        self.assertEqual((waiting.partner_id, waiting.state), (self.ada, "waiting"))
        page = self.url_open(url).text
        self.assertIn("o_waiting_position", page)
        self.assertIn("Waiting lists", self.url_open("/my/trainings").text)
        self.post(f"{waiting._get_link()}/leave")
        self.assertEqual(waiting.state, "left")
        self.assertIn("You left the waiting list", self.url_open(waiting._get_link()).text)

    def test_join_refused_when_a_seat_is_free(self):
        self.authenticate("ada", "ada")
        answer = self.post(f"/trainings/{self.event.id}/wait")
        self.assertEqual(answer.status_code, 409)
        self.assertIn("book it now", answer.text)

    def test_opening_the_mail_s_link_accepts_nothing(self):
        """Mail scanners open links; only the button, a POST, spends the credits."""
        waiting = self.offered()
        page = self.url_open(waiting._get_link())
        self.assertIn("o_waiting_accept", page.text)
        self.assertEqual(page.headers["Referrer-Policy"], "no-referrer")
        self.assertEqual((waiting.state, self.wallet.balance), ("offered", 2))
        self.assertEqual(
            self.url_open(f"{waiting._get_link()}/accept").status_code, 405)
        for _click in range(2):
            self.assertEqual(self.post(f"{waiting._get_link()}/accept").status_code, 303)
        self.assertEqual((waiting.state, self.wallet.balance), ("seated", 0))
        self.assertEqual(self.event.seats_booked, 1)
        self.assertIn("o_waiting_seated", self.url_open(waiting._get_link()).text)

    def test_decline(self):
        waiting = self.offered()
        self.post(f"{waiting._get_link()}/leave")
        self.assertEqual((waiting.state, self.wallet.balance), ("declined", 2))
        self.assertEqual(self.event.seats_left, 1)

    def test_too_late(self):
        waiting = self.offered()
        waiting.offered_until = fields.Datetime.now() - timedelta(minutes=1)
        answer = self.post(f"{waiting._get_link()}/accept")
        self.assertEqual(answer.status_code, 409)
        self.assertIn("no longer held", answer.text)
        self.assertEqual(self.wallet.balance, 2)

    def test_links_altered_or_of_another_customer(self):
        waiting = self.offered()
        link = waiting._get_link()
        other = self.env["session.waiting"].create({
            "event_id": self.event.id, "partner_id": self.stranger.partner_id.id})
        for altered in (f"{link}x", link[:-1], f"/trainings/waiting/{waiting.id}/x",
                        f"/trainings/waiting/999999/{waiting.access_token}",
                        f"/trainings/waiting/{other.id}/{waiting.access_token}",
                        f"/trainings/waiting/{waiting.id}/%C3%A9"):
            self.assertEqual(self.url_open(altered).status_code, 404, altered)
            self.assertEqual(self.post(f"{altered}/accept").status_code, 404, altered)
        self.authenticate("eve", "eve")
        self.assertEqual(self.url_open(link).status_code, 404)
        self.assertEqual(self.post(f"{link}/accept").status_code, 404)
        self.assertEqual((waiting.state, self.wallet.balance), ("offered", 2))

    def test_the_seat_held_on_the_booking_page(self):
        waiting = self.offered()
        url = f"/trainings/{self.event.id}"
        self.assertIn("is full", self.url_open(url).text)
        self.authenticate("ada", "ada")
        page = self.url_open(url).text
        self.assertIn("o_booking_offer", page)
        token = re.search(r'name="token" value="(\w+)"', page)[1]
        self.post(f"{url}/book", token=token, price="2", attendee=str(self.ada.id))
        self.assertEqual(waiting.state, "seated")

    # Booking page ---------------------------------------------------------------------------

    def test_overlap_is_confirmed_once_more(self):
        self.give(4)
        self.book(self.make_session(), partner=self.ada)
        url = f"/trainings/{self.event.id}"
        self.authenticate("ada", "ada")
        page = self.url_open(url).text
        self.assertIn("o_booking_overlap", page)
        answer = self.post(f"{url}/book", token="one", price="2")
        self.assertEqual(answer.status_code, 409)
        self.assertIn("another session at the same time", answer.text)
        self.assertEqual(self.wallet.balance, 2)
        answer = self.post(f"{url}/book", token="one", price="2", overlap=str(self.ada.id))
        self.assertEqual((answer.status_code, self.wallet.balance), (303, 0))

    def test_a_manager_books_for_an_employee_and_for_nobody_else(self):
        company = self.env["res.partner"].create(
            {"name": "ACME", "is_company": True, "lang": "en_US"})
        self.ada.parent_id = company
        emma = self.env["res.partner"].create(
            {"name": "Emma", "email": "emma@acme.example", "parent_id": company.id})
        self.wallet = self.env["credit.wallet"]._of(company, self.company)
        company._set_roles(self.ada, ["is_manager"])
        self.give(2)
        url = f"/trainings/{self.event.id}"
        self.authenticate("ada", "ada")
        self.assertIn("Who comes?", self.url_open(url).text)
        page = self.url_open(f"{url}?attendee={emma.id}").text
        self.assertIn("Paid from the wallet of", page)
        stranger = self.stranger.partner_id
        answer = self.post(f"{url}/book", token="one", price="2", attendee=str(stranger.id))
        self.assertEqual((answer.status_code, self.wallet.balance), (403, 2))
        answer = self.post(f"{url}/book", token="two", price="2", attendee=str(emma.id))
        self.assertEqual(answer.status_code, 303)
        seat = self.event.registration_ids
        self.assertEqual((seat.partner_id, self.wallet.balance), (emma, 0))
        # The manager sees and cancels it; a colleague who may only spend does not.
        self.assertEqual(self.url_open(f"/my/trainings/{seat.id}").status_code, 200)
        self.stranger.partner_id.parent_id = company
        self.wallet.spender_ids = self.stranger.partner_id
        self.authenticate("eve", "eve")
        self.assertIn(self.url_open(f"/my/trainings/{seat.id}").status_code, (403, 404))

    def test_basket(self):
        other = self.make_session(days=20)
        self.give(3)
        self.authenticate("ada", "ada")
        url = f"/trainings/basket?session={self.event.id}&session={other.id}"
        page = self.url_open(url).text
        self.assertIn("Missing to book these sessions", page)
        self.give(1)
        page = self.url_open(url).text
        self.assertIn("Book all for", page)
        form = {"token": "basket", "session": [self.event.id, other.id]}
        self.assertEqual(self.post("/trainings/basket/book", price="2", **form).status_code, 409)
        for _click in range(2):
            answer = self.post("/trainings/basket/book", price="4", **form)
            self.assertEqual(answer.status_code, 303)
        self.assertEqual((self.wallet.balance, other.seats_booked), (0, 1))
        self.assertIn("No session is ticked", self.url_open("/trainings/basket?session=x").text)

    # « Mes formations » ---------------------------------------------------------------------

    def test_swap_from_the_portal(self):
        self.give(2)
        other = self.make_session(days=20)
        seat = self.book(self.event, partner=self.ada)
        self.authenticate("eve", "eve")
        self.assertIn(self.post(
            f"/my/trainings/{seat.id}/swap", session=other.id, token="t").status_code, (403, 404))
        self.authenticate("ada", "ada")
        self.assertIn("Change to this session", self.url_open(f"/my/trainings/{seat.id}").text)
        hidden = self.make_session(days=21, is_published=False)
        answer = self.post(f"/my/trainings/{seat.id}/swap", session=hidden.id, token="t")
        self.assertIn("Choose the session to change to", answer.text)
        for _click in range(2):
            answer = self.post(f"/my/trainings/{seat.id}/swap", session=other.id, token="t")
            self.assertEqual(answer.status_code, 303)
        self.assertEqual(
            (seat.state, other.seats_booked, self.wallet.balance), ("cancel", 1, 0))
        self.assertIn("In place of", self.url_open(answer.headers["Location"]).text)

    def test_ics_of_one_s_own_seats(self):
        self.event.name = "Public speaking\x0b\u202e, twice;\nEND:VEVENT"
        self.give(2)
        seat = self.book(self.event, partner=self.ada)
        self.authenticate("ada", "ada")
        for url in ("/my/trainings/calendar.ics", f"/my/trainings/{seat.id}/calendar.ics"):
            answer = self.url_open(url)
            self.assertIn("text/calendar", answer.headers["Content-Type"])
            for line in ("BEGIN:VEVENT", "STATUS:CONFIRMED",
                         "SUMMARY:Public speaking \\, twice\\; END:VEVENT\r\n",
                         f"DTSTART:{self.event.date_begin:%Y%m%dT%H%M%SZ}"):
                self.assertIn(line, answer.text)
        self.authenticate("eve", "eve")
        self.assertIn(self.url_open(
            f"/my/trainings/{seat.id}/calendar.ics").status_code, (403, 404))
        self.assertNotIn("VEVENT", self.url_open("/my/trainings/calendar.ics").text)

    def test_ics_of_two_seats(self):
        """It answered 500 to whoever had booked twice."""
        self.give(4)
        seats = [self.book(event, partner=self.ada)
                 for event in (self.event, self.make_session(days=20))]
        self.authenticate("ada", "ada")
        answer = self.url_open("/my/trainings/calendar.ics")
        self.assertEqual(answer.status_code, 200)
        for seat in seats:
            self.assertIn(f"UID:{seat.id}@", answer.text)
            self.assertIn(f"/my/trainings/{seat.id}\r\n", answer.text)
