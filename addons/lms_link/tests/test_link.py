import re
from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.session_booking.tests.common import BookingCommon


@tagged("post_install", "-at_install")
class TestLink(HttpCase, BookingCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.lms_allowed_hosts = "lms.example.com, Videos.example.com"
        cls.training.lms_url = "https://lms.example.com/course/1"

    def setUp(self):
        super().setUp()
        self.give(10)
        self.seat = self.book(self.make_session())

    def go(self, token=None):
        return self.url_open(f"/lms/go/{token or self.seat._lms_token()}", allow_redirects=False)

    def test_link_opens_the_course_and_counts(self):
        """INSAHO §2.4: the link of the mail leads to the course on the LMS."""
        for visit in (1, 2):
            answer = self.go()
            self.assertEqual(answer.status_code, 303)
            self.assertEqual(answer.headers["Location"], "https://lms.example.com/course/1")
            self.seat.invalidate_recordset()
            self.assertEqual(self.seat.lms_visits, visit)
        self.assertTrue(self.seat.lms_first_access)

    def visits(self):
        self.seat.invalidate_recordset()
        return self.seat.lms_visits, bool(self.seat.lms_first_access)

    def test_looking_is_no_visit(self):
        """A HEAD request, as of mail scanners, learns no address and has nothing signed."""
        self.seat.event_id.lms_url = "https://lms.example.com/course/1?t={jwt}"
        signed = []
        self.patch(self.env.registry["res.company"], "_lms_sign",
                   lambda company, claims: signed.append(claims) or "jwt")
        answer = self.opener.head(
            f"{self.base_url()}/lms/go/{self.seat._lms_token()}", allow_redirects=False)
        self.assertEqual((answer.status_code, answer.headers.get("Location")), (200, None))
        self.assertEqual((self.visits(), signed), ((0, False), []))
        self.assertEqual(self.go().status_code, 303)
        self.assertEqual((self.visits(), len(signed)), ((1, True), 1))

    def test_looking_at_a_refused_link(self):
        self.seat.action_cancel()
        answer = self.opener.head(
            f"{self.base_url()}/lms/go/{self.seat._lms_token()}", allow_redirects=False)
        self.assertEqual(answer.status_code, 403)

    def test_only_a_click_is_evidence(self):
        """Where visits are evidence, a scanner that opens the link attends nothing."""
        self.training.lms_confirm_visit = True
        page = self.go()
        self.assertEqual((page.status_code, page.headers.get("Location")), (200, None))
        self.assertEqual(self.visits(), (0, False))
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
        answer = self.url_open(
            f"/lms/go/{self.seat._lms_token()}", data={"csrf_token": token},
            allow_redirects=False)
        self.assertEqual((answer.status_code, answer.headers["Location"]),
                         (303, "https://lms.example.com/course/1"))
        self.assertEqual(self.visits(), (1, True))

    def test_mail_carries_the_personal_link(self):
        mail = self.env["mail.mail"].search(
            [("model", "=", "event.registration"), ("res_id", "=", self.seat.id)])
        self.assertIn(f"/lms/go/{self.seat._lms_token()}", mail.body_html)

    def test_forged_tokens_are_refused(self):
        good = self.seat._lms_token()
        number, nonce, signature = good.split("-")
        forged = [good[:-1] + ("0" if good[-1] != "0" else "1"), "x", "-", "1-2-3",
                  f"{int(number) + 1}-{nonce}-{signature}", f"{number}-{'0' * 16}-{signature}"]
        for token in forged:
            self.assertFalse(self.env["event.registration"]._lms_from_token(token))
            self.assertEqual(self.go(token).status_code, 404)

    def test_cancelled_booking_is_refused(self):
        self.seat.action_cancel()
        self.assertEqual(self.go().status_code, 403)
        with self.assertRaisesRegex(UserError, "cancelled"):
            self.seat._lms_visit()

    def test_time_window(self):
        event = self.seat.event_id
        event.lms_open_hours = 24
        with self.assertRaisesRegex(UserError, "opens on"):
            self.seat._lms_visit()
        event.write({"date_begin": fields.Datetime.now() - timedelta(days=40),
                     "date_end": fields.Datetime.now() - timedelta(days=40)})
        with self.assertRaisesRegex(UserError, "closed on"):
            self.seat._lms_visit()
        event.lms_close_days = 0
        self.assertTrue(self.seat._lms_visit())

    def test_the_link_rotates_when_the_mail_is_sent_again(self):
        """Issue 4: link rotates when a mail is resent; the old one is refused, clearly."""
        old = self.seat._lms_token()
        self.seat.action_resend_confirmation()
        answer = self.go(old)
        self.assertEqual(answer.status_code, 410)
        self.assertRegex(answer.text, "replaced by a newer one|remplacé par un plus récent")
        self.assertEqual(self.go().status_code, 303)
        mails = self.env["mail.mail"].search(
            [("model", "=", "event.registration"), ("res_id", "=", self.seat.id)], order="id")
        self.assertIn(old, mails[0].body_html)
        self.assertIn(self.seat._lms_token(), mails[1].body_html)

    def test_redirect_after_booking(self):
        """Issue 4: automatic redirect after booking as an option per training."""
        visitor = new_test_user(
            self.env, "visitor", "base.group_portal", lang="en_US", email="v@example.com")
        seat = self.book(self.make_session(), "visitor", visitor.partner_id, self.customer)
        self.authenticate("visitor", "visitor")
        page = urlsplit(self.url_open(f"/my/trainings/{seat.id}").url).path  # with the language

        def after_booking():
            return self.url_open(f"{page}?booked=1", allow_redirects=False)
        self.assertEqual(after_booking().status_code, 200)
        self.training.lms_redirect = True
        self.assertEqual(after_booking().status_code, 303)
        self.assertIn(f"/lms/go/{seat._lms_token()}", after_booking().headers["Location"])
        self.assertEqual(self.url_open(page).status_code, 200)
        seat.event_id.lms_open_hours = 1
        self.assertEqual(after_booking().status_code, 200, "the course is not open yet")
        seat.event_id.lms_open_hours = 0
        others = self.seat.id
        self.assertEqual(
            self.url_open(f"/my/trainings/{others}?booked=1").status_code, 404)
        self.assertFalse(seat._lms_redirect_url(self.customer), "who books for another stays")

    def book(self, session, key="key", partner=None, payer=None):
        if not payer:
            return super().book(session, key, partner)
        return session._book(
            self.env["credit.wallet"]._of(payer, self.company), partner, key)

    def test_only_https_to_named_hosts(self):
        for url in ("http://lms.example.com/", "javascript:alert(1)", "https://evil.example/",
                    "https://lms.example.com.evil.example/", "https://lms.example.com@evil.example/",
                    "//lms.example.com/", "https://lms.example.com\\@evil.example/",
                    "https://sub.lms.example.com/", "https://lms.example.com:x/", "ftp://x"):
            with self.assertRaises(ValidationError, msg=url), self.env.cr.savepoint():
                self.training.lms_url = url
        self.training.lms_url = "https://VIDEOS.example.com/a"

    def test_host_struck_off_the_list_later(self):
        self.company.lms_allowed_hosts = "other.example.com"
        self.assertEqual(self.go().status_code, 403)

    def test_session_may_differ_from_its_training(self):
        self.seat.event_id.lms_url = "https://lms.example.com/course/2"
        self.assertEqual(self.seat._lms_visit(), "https://lms.example.com/course/2")
        self.assertEqual(self.training.lms_url, "https://lms.example.com/course/1")

    def test_the_address_is_kept_from_customers(self):
        """Issue 19, kind 5: only the personal link leads to the course."""
        portal = new_test_user(self.env, "curious", "base.group_portal", lang="en_US")
        event = self.seat.event_id
        self.assertTrue(event.with_user(portal).read(["name"]))
        for name in ("lms_url", "lms_session_code"):
            with self.assertRaises(AccessError):
                event.with_user(portal).read([name])
            with self.assertRaises(AccessError):
                event.with_user(portal).search([(name, "like", "https")])
