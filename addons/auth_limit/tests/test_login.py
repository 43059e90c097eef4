from odoo.exceptions import AccessDenied
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import OWNER, PASSWORD, AuthLimitCase

NOBODY = "nobody@limits.example"

WRONG_CODE = "Wrong code"  # as Odoo words it


class CountedContext:
    """A hasher whose work is counted."""

    def __init__(self, context, done):
        self.context = context
        self.done = done

    def hash(self, password):
        """Hash, once more."""
        self.done.append("hash")
        return self.context.hash(password)

    def verify_and_update(self, password, hashed):
        """Compare, once more, unless there is nothing to compare with."""
        self.done.append("verify" if hashed else "nothing")
        return self.context.verify_and_update(password, hashed)

    def __getattr__(self, name):
        return getattr(self.context, name)


@tagged("post_install", "-at_install")
class TestLogin(AuthLimitCase):

    def setUp(self):
        super().setUp()
        # not as a decorator: it makes a function of the class, and no test is found
        self.enterContext(mute_logger("odoo.addons.base.models.res_users"))

    def test_failures_are_bound_by_address_known_or_not(self):
        self._set(login_address=2)
        pages = []
        for login in (OWNER, NOBODY):
            pages.append([self.sign_in(login, "wrong")[1] for _attempt in range(3)])
            self.assertIn("Wrong login/password", pages[-1][1])
            self.assertIn("Too many attempts. Try again in 15 min.", pages[-1][2])
        self.assertEqual(pages[0], pages[1])
        self.assertFalse(self.sign_in(OWNER, PASSWORD)[0])
        self._pass_minutes(15)
        self.assertTrue(self.sign_in(OWNER, PASSWORD)[0])

    def test_failures_are_bound_by_network(self):
        self._set(login_ip=2)
        for number in range(2):
            self.sign_in(f"{number}@limits.example", "wrong")
        self.assertFalse(self.sign_in(OWNER, PASSWORD)[0])

    def test_whoever_signs_in_has_not_failed(self):
        self._set(login_address=2, login_ip=2)
        for _day in range(3):
            self.new_browser()
            self.assertFalse(self.sign_in(OWNER, "wrong")[0])
            self.new_browser()
            self.assertTrue(self.sign_in(OWNER, PASSWORD)[0])
            with self._own_cursor() as cr:
                cr.execute("UPDATE auth_limit_counter SET count = 0 WHERE key = %s", [
                    self.env["auth.limit.counter"]._doors("login", "", "127.0.0.1")["ip"]])

    def test_a_known_browser_is_not_shut_out_by_others(self):
        self._set(login_address=2)
        self.assertTrue(self.sign_in(OWNER, PASSWORD)[0])
        known = dict(self.opener.cookies.items())
        self.new_browser()
        for _attempt in range(3):
            self.sign_in(OWNER, "wrong")
        self.assertFalse(self.sign_in(OWNER, PASSWORD)[0])
        self.opener.cookies.update(known)
        self.assertTrue(self.sign_in(OWNER, PASSWORD)[0])
        self.assertFalse(self.sign_in(NOBODY, "wrong")[0])
        for _attempt in range(2):
            self.sign_in(OWNER, "wrong")
        self.assertIn("Too many attempts", self.sign_in(OWNER, PASSWORD)[1])

    def test_a_cookie_that_nobody_signed_is_none(self):
        self._set(login_address=1)
        self.sign_in(OWNER, "wrong")
        for value in ("x", "AQ", "=" * 9, "é", ""):
            self.new_browser()
            self.opener.cookies["auth_limit_device"] = value.encode().decode("latin-1")
            self.assertIn("Too many attempts", self.sign_in(OWNER, PASSWORD)[1])

    def test_codes_are_bound_whatever_the_password(self):
        """A right password forgets the passwords that were tried, and no codes."""
        self.need_code()
        self._set(login_address=2)
        for _attempt in range(2):
            self.assertIn(WRONG_CODE, self.sign_in_with_code(0)[1])
        self.assertIn("Too many attempts", self.sign_in_with_code(123456)[1])
        self._pass_minutes(15)
        for _day in range(3):
            self.assertFalse(self.sign_in_with_code(0)[0])
            self.assertTrue(self.sign_in_with_code(123456)[0])

    def need_code(self):
        """Ask the owner for a second factor: 123456."""
        self.owner.totp_secret = "JBSWY3DPEHPK3PXP"
        plain = self.registry["res.users"]._check_credentials

        def check(users, credential, env):
            if credential["type"] != "totp":
                return plain(users, credential, env)
            if credential["token"] != 123456:
                raise AccessDenied(WRONG_CODE)
            return {"uid": users.env.uid, "auth_method": "totp", "mfa": "default"}

        self.patch(self.registry["res.users"], "_check_credentials", check)

    def sign_in_with_code(self, code):
        self.sign_in(OWNER, PASSWORD)
        answer = self.post("/web/login/totp", totp_token=str(code))
        return "/web/login" not in answer.url, self.page(answer)

    def own_passkey(self):
        """Give somebody else than the owner a passkey, which needs no device here.

        :return: what a browser posts of it
        """
        other = new_test_user(self.env, "other@limits.example", "base.group_portal")
        # sudo: who has no rights yet makes it, for a key is its maker's
        self.env["auth.passkey.key"].with_user(other).sudo().create(
            {"name": "Key", "credential_identifier": "of-other"})
        self.patch(self.registry["auth.passkey.key"], "_verify_auth",
                   lambda keys, answer, public_key, count: count + 1)
        return {"type": "webauthn", "webauthn_response": '{"id": "of-other"}', "password": ""}

    def test_a_passkey_makes_no_browser_known_to_the_address_typed(self):
        answer = self.post("/web/login", login=OWNER, **self.own_passkey())
        self.assertNotIn("/web/login", answer.url)
        self.assertIn("auth_limit_device", self.opener.cookies)
        self.shut_out(OWNER)
        self.assertIn("Too many attempts", self.sign_in(OWNER, PASSWORD)[1])

    def test_a_passkey_needs_no_login(self):
        passkey = self.own_passkey()
        for password in ("", "filled in by the browser"):
            self.sign_out()
            answer = self.post("/web/login", **{**passkey, "password": password})
            self.assertEqual(answer.status_code, 200)
            self.assertNotIn("/web/login", answer.url)

    def test_every_refusal_hashes_once(self):
        done = []
        plain = self.registry["res.users"]._crypt_context
        self.patch(self.registry["res.users"], "_crypt_context",
                   lambda users: CountedContext(plain(users), done))
        invited = self.owner.copy({"login": "invited@limits.example", "name": "Invited"})
        self.env.cr.execute("UPDATE res_users SET password = NULL WHERE id = %s", [invited.id])
        work = {}
        for login in (OWNER, NOBODY, invited.login):
            done.clear()
            self.sign_in(login, "wrong")
            work[login] = [each for each in done if each != "nothing"]
        self.assertEqual(list(map(len, work.values())), [1, 1, 1], work)
        self._set(login_address=1)
        done.clear()
        for login in (OWNER, NOBODY):
            self.sign_in(login, "wrong")
        self.assertFalse(done)

    def test_a_password_too_long_to_compare_tells_nothing(self):
        pages = [self.sign_in(login, "x" * 5000)[1] for login in (OWNER, NOBODY)]
        self.assertIn("Wrong login/password", pages[0])
        self.assertEqual(*pages)
