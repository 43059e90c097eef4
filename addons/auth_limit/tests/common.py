import contextlib
import re
from types import SimpleNamespace
from unittest.mock import patch

from odoo import http, sql_db
from odoo.tests import HttpCase, new_test_user

from odoo.addons.mail.models.mail_mail import MailMail

OWNER = "owner@limits.example"
PASSWORD = "the-owner-knows-it"


class AuthLimitCase(HttpCase):
    """A visitor without account, and the owner of one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = new_test_user(
            cls.env, OWNER, "base.group_portal", password=PASSWORD, email=OWNER, lang="en_US")
        parameters = cls.env["ir.config_parameter"]
        parameters.set_param("auth_signup.reset_password", "True")
        parameters.set_param("base.login_cooldown_after", "0")  # Odoo's own has its own tests
        for name in ("login_address", "login_ip", "login_minutes",
                     "mail_address", "mail_ip", "mail_minutes"):
            parameters.set_param(f"auth_limit.{name}", False)

    def setUp(self):
        super().setUp()
        self.patch(self.registry["res.users"], "_get_signup_invitation_scope",
                   lambda users: "b2c")
        self._forget_all()
        self.addCleanup(self._forget_all)  # what was counted is committed
        self.authenticate(None, None)

    def _own_cursor(self):
        return sql_db.db_connect(self.env.cr.dbname).cursor()

    def _forget_all(self):
        with self._own_cursor() as cr:
            cr.execute("DELETE FROM auth_limit_counter")

    def _pass_minutes(self, minutes):
        """Let the time go by for all counters."""
        with self._own_cursor() as cr:
            cr.execute("UPDATE auth_limit_counter SET since = since - %s::interval",
                       [f"{minutes} minutes"])

    def _set(self, **bounds):
        for name, value in bounds.items():
            self.env["ir.config_parameter"].set_param(f"auth_limit.{name}", str(value))

    def post(self, path, **data):
        return self.url_open(path, {"csrf_token": http.Request.csrf_token(self), **data})

    def sign_out(self):
        """Leave the session; what else the browser keeps stays."""
        cookies = {name: value for name, value in self.opener.cookies.items()
                   if name != "session_id"}
        self.authenticate(None, None)
        self.opener.cookies.update(cookies)

    def sign_in(self, login, password):
        """Try to sign in as a browser that is not signed in.

        :return: (whether one is in, the page)
        """
        self.sign_out()
        answer = self.post("/web/login", login=login, password=password)
        return "/web/login" not in answer.url, self.page(answer)

    def new_browser(self):
        self.opener.cookies.clear()

    def shut_out(self, login):
        """Try passwords from another browser until the address is refused there.

        This browser keeps its cookies.
        """
        known = dict(self.opener.cookies.items())
        self.new_browser()
        self._set(login_address=1)
        self.sign_in(login, "wrong")
        self.assertIn("Too many attempts", self.sign_in(login, "wrong")[1])
        self.opener.cookies.update(known)

    @contextlib.contextmanager
    def answering(self):
        """Collect the mails that are sent in the block and by the scheduled action after it.

        :return: list of ``email_to`` and ``body_html``, filled at the end of the block
        """
        sent = []

        def send(mails, *args, **kwargs):
            sent.extend(SimpleNamespace(email_to=mail.email_to, body_html=str(mail.body_html))
                        for mail in mails)

        with patch.object(MailMail, "send", send):
            yield sent
            with self.enter_registry_test_mode():
                self.env.ref("auth_limit.ir_cron_answer").method_direct_trigger()

    def page(self, answer):
        """Return the text of a page without what is typed or drawn by lot."""
        text = re.sub(r"<(script|style)[\s\S]*?</\1>|<link[^>]*>", "", answer.text)
        text = re.sub(r'value="[^"]*"|[\w.]+@[\w.]+|csrf_token: "[^"]*"', "", text)
        return re.sub(r"\s+", " ", text)
