import base64
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs, urlsplit

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from odoo.addons.session_booking.tests.common import BookingCommon


def decode(token, secret):
    """Return the claims of a JWT, checked with nothing of what made it (RFC 7515, RFC 7519)."""
    head, payload, signature = token.split(".")
    expected = hmac.new(secret.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, base64.urlsafe_b64decode(signature + "==")):
        raise ValueError("signature")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"typ": "JWT", "alg": "HS256"}
    return json.loads(base64.urlsafe_b64decode(payload + "=="))


@tagged("post_install", "-at_install")
class TestTarget(BookingCommon):
    """Issue 4, part 7: a generic deep link and a signed JWT for an LMS that checks who comes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.lms_allowed_hosts = "lms.example.com"

    def setUp(self):
        super().setUp()
        self.give(10)
        self.session = self.make_session(lms_session_code="PARLER-2026.1")
        self.seat = self.book(self.session)

    def test_deep_link_tells_who_comes(self):
        self.session.lms_url = (
            "https://lms.example.com/s/{session_code}?mail={email}&n={name}#top")
        self.assertEqual(
            self.seat._lms_visit(),
            "https://lms.example.com/s/PARLER-2026.1?mail=camille%40example.com&n=Camille#top")
        self.session.lms_session_code = False
        self.assertIn(f"/s/{self.session.id}?", self.seat._lms_visit())

    def test_values_cannot_change_the_address(self):
        self.session.lms_url = "https://lms.example.com/go?mail={email}&n={name}&role=student"
        self.seat.write({"email": "a+b@example.com&role=admin", "name": "É../\\ {jwt}\r\n#?"})
        url = self.seat._lms_visit()
        parts = urlsplit(url)
        self.assertEqual((parts.hostname, parts.path, parts.fragment),
                         ("lms.example.com", "/go", ""))
        self.assertEqual(parse_qs(parts.query), {
            "mail": ["a+b@example.com&role=admin"], "n": ["É../\\ {jwt}\r\n#?"],
            "role": ["student"]})

    def test_placeholders_only_where_they_are_safe(self):
        for url in ("https://{email}/", "https://lms.example.com{session_code}/",
                    "{session_code}://lms.example.com/", "https://lms.example.com/{email}",
                    "https://lms.example.com/?p={password}", "https://lms.example.com/?p={}",
                    "https://lms.example.com/?p={email", "https://lms.example.com:{name}/",
                    "javascript:alert({email})", "//{email}?x"):
            with self.assertRaises(ValidationError, msg=url), self.env.cr.savepoint():
                self.session.lms_url = url
        for code in ("..", "a/b", "a?b", "", ".a"):
            with self.subTest(code=code), self.env.cr.savepoint():
                if code:
                    with self.assertRaises(ValidationError):
                        self.session.lms_session_code = code

    def test_token_is_signed_short_lived_and_new_each_time(self):
        self.session.lms_url = "https://lms.example.com/sso?token={jwt}"
        tokens = [parse_qs(urlsplit(self.seat._lms_visit()).query)["token"][0]
                  for _visit in range(2)]
        claims = [decode(token, self.company.lms_jwt_secret) for token in tokens]
        self.assertNotEqual(claims[0]["jti"], claims[1]["jti"])
        claim = claims[0]
        self.assertEqual(
            (claim["email"], claim["session_code"], claim["aud"], claim["sub"]),
            ("camille@example.com", "PARLER-2026.1", "lms.example.com", str(self.customer.id)))
        self.assertAlmostEqual(claim["exp"], time.time() + 120, delta=60)
        self.assertLessEqual(claim["iat"], time.time())

    def test_a_new_secret_ends_the_former_tokens(self):
        self.session.lms_url = "https://lms.example.com/sso?token={jwt}"
        token = parse_qs(urlsplit(self.seat._lms_visit()).query)["token"][0]
        self.company.action_renew_lms_secret()
        with self.assertRaisesRegex(ValueError, "signature"):
            decode(token, self.company.lms_jwt_secret)

    def test_the_secret_is_the_administrators(self):
        staff = new_test_user(self.env, "lms_staff", "event.group_event_manager")
        with self.assertRaises(AccessError):
            self.company.with_user(staff).read(["lms_jwt_secret"])
        with self.assertRaises(AccessError):
            self.company.with_user(staff).action_renew_lms_secret()

    def test_refused_seats_get_no_token(self):
        self.session.lms_url = "https://lms.example.com/sso?token={jwt}"
        self.seat.action_cancel()
        with self.assertRaisesRegex(Exception, "cancelled"):
            self.seat._lms_visit()
        self.assertFalse(self.seat.lms_visits)
