import re
from urllib.parse import parse_qs, urlsplit

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import OWNER, PASSWORD, AuthLimitCase

NOBODY = "nobody@limits.example"
CHOSEN = {"name": "Nora", "password": "Cap-sur-2027!", "confirm_password": "Cap-sur-2027!"}


@tagged("post_install", "-at_install")
class TestReset(AuthLimitCase):

    def reset(self, login):
        return self.post("/web/reset_password", login=login)

    def test_every_address_reads_the_same(self):
        archived = self.owner.copy({"login": "gone@limits.example", "email": "gone@limits.example"})
        archived.active = False
        twins = self.owner.copy({"login": "twin", "email": "twin@limits.example"})
        twins |= self.owner.copy({"login": "twin2", "email": "twin@limits.example"})
        without = self.owner.copy({"login": "without", "email": False})
        logins = (OWNER, NOBODY, archived.login, "twin@limits.example", without.login)
        with self.answering() as sent:
            answers = [self.reset(login) for login in logins]
        self.assertEqual({answer.status_code for answer in answers}, {200})
        self.assertIn("If there is an account", answers[0].text)
        self.assertEqual(len({self.page(answer) for answer in answers}), 1)
        self.assertEqual([mail.email_to for mail in sent], [OWNER])
        self.assertIn("/web/reset_password?", sent[0].body_html)
        self.assertFalse(self.env["auth.limit.request"].search([]))

    def test_every_address_takes_the_same_statements(self):
        requests = self.env["auth.limit.request"]
        counts = set()
        for kind in ("reset", "signup"):
            for login in (OWNER, NOBODY) * 2:  # the first of them fills caches
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.cr.sql_log_count
                requests._ask(kind, login)
                self.env.flush_all()
                counts.add((kind, login, self.cr.sql_log_count - before))
        for kind in ("reset", "signup"):
            known, unknown = (min(count for what, login, count in counts
                                  if (what, login) == (kind, each)) for each in (OWNER, NOBODY))
            self.assertEqual(known, unknown)

    def test_mails_are_bound_and_the_refusal_says_until_when(self):
        for login in (OWNER, NOBODY):
            answers = [self.reset(login) for _attempt in range(4)]
            self.assertEqual([each.status_code for each in answers], [200, 200, 200, 429])
            self.assertIn("Too many attempts. Try again in 60 min.", answers[-1].text)
            self.assertEqual(answers[-1].headers["Retry-After"], "3600")
        self.assertEqual(self.env["auth.limit.request"].search_count([]), 6)

    def test_nothing_typed_is_no_attempt(self):
        for login in ("", "  ", "x" * 255):
            self.assertIn("Type your e-mail address", self.reset(login).text)
        with self._own_cursor() as cr:
            cr.execute("SELECT count(*) FROM auth_limit_counter")
            self.assertEqual(cr.fetchone(), (0,))

    def test_whoever_chose_a_new_password_by_mail_signs_in(self):
        """The owner is not shut out by those who try passwords meanwhile."""
        self._set(login_address=1)
        self.post("/web/login", login=OWNER, password="wrong")
        with self.answering() as sent:
            self.reset(OWNER)
        link = re.search(r"/web/reset_password\?[^\"]*token=([\w-]+)", sent[0].body_html)
        answer = self.post("/web/reset_password", token=link[1], password="another-one-1",
                           confirm_password="another-one-1")
        self.assertIn("reset successfully", answer.text)
        self.assertNotIn("/web/login", self.post(
            "/web/login", login=OWNER, password="another-one-1").url)

    @mute_logger("odoo.addons.base.models.res_users")
    def test_a_link_makes_no_browser_known_to_the_address_typed(self):
        other = new_test_user(self.env, "other@limits.example", "base.group_portal")
        other.partner_id.signup_prepare("reset")
        answer = self.post(
            "/web/reset_password", token=other.partner_id._generate_signup_token(), login=OWNER,
            password="another-one-1", confirm_password="another-one-1")
        self.assertIn("reset successfully", answer.text)
        self.shut_out(OWNER)
        self.assertIn("Too many attempts", self.sign_in(OWNER, PASSWORD)[1])
        self.shut_out(other.login)
        self.assertTrue(self.sign_in(other.login, "another-one-1")[0])

    def test_one_that_cannot_be_answered_stops_no_other(self):
        without = self.owner.copy({"login": "without", "email": False})
        with self.answering() as sent, mute_logger(
                "odoo.addons.auth_limit.models.auth_limit_request"):
            for login in (without.login, NOBODY, OWNER):
                self.reset(login)
            requests = self.env["auth.limit.request"].search([])
            self.env.cr.execute(  # poisoned: the mail of a sign-up in a language that is none
                "UPDATE auth_limit_request SET kind = 'signup', lang = 'xx_NO' WHERE id = %s",
                [requests[1].id])
            requests.invalidate_recordset()
        self.assertEqual([mail.email_to for mail in sent], [OWNER])
        self.assertFalse(requests.exists())


@tagged("post_install", "-at_install")
class TestSignup(AuthLimitCase):

    def sign_up(self, login, **data):
        return self.post("/web/signup", login=login, **data)

    def link(self, mail):
        """Return path and parameters of the link in the mail."""
        href = re.search(r'href="([^"]*confirmed=[^"]*)"', mail.body_html)[1]
        parts = urlsplit(href.replace("&amp;", "&"))
        return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

    def user(self, login):
        return self.env["res.users"].with_context(active_test=False).search(
            [("login", "=", login)])

    def test_an_address_with_an_account_reads_the_same(self):
        closed = self.owner.copy({"login": "gone@limits.example", "email": "gone@limits.example"})
        closed.active = False
        with self.answering() as sent:
            answers = [self.sign_up(login, **CHOSEN) for login in (OWNER, NOBODY, closed.login)]
        self.assertEqual(len({(self.page(each), each.status_code, each.url)
                              for each in answers}), 1)
        self.assertIn("We are sending you a mail", answers[0].text)
        self.assertEqual([mail.email_to for mail in sent], [OWNER, NOBODY, closed.login])
        self.assertIn("There is one already", sent[0].body_html)
        self.assertIn("/web/login", sent[0].body_html)
        self.assertIn("confirmed=", sent[1].body_html)
        self.assertIn("It was closed", sent[2].body_html)
        self.assertFalse(self.user(NOBODY))

    def test_by_the_link_an_account_is_made_and_the_visitor_goes_on(self):
        with self.answering() as sent:
            self.sign_up(NOBODY, redirect="/my/home?x=1", name="Buy <b>this</b>")
        self.assertNotIn("Buy", sent[0].body_html)
        path, parameters = self.link(sent[0])
        page = self.url_open(f"{path}?confirmed={parameters['confirmed']}")
        self.assertRegex(page.text, rf'value="{NOBODY}"[^>]*readonly|readonly[^>]*{NOBODY}')
        self.assertIn('value="/my/home?x=1"', page.text)
        answer = self.post(path, **parameters, **CHOSEN, login=OWNER, redirect="/my/home?x=1")
        self.assertRegex(answer.url, r"/my/home\?x=1$")
        self.assertEqual(self.user(NOBODY).mapped("name"), ["Nora"])
        self.assertEqual(self.user(NOBODY).email, NOBODY)
        self.assertEqual(len(self.user(OWNER)), 1)
        self.authenticate(None, None)
        again = self.post(path, **parameters, **CHOSEN)
        self.assertIn("Another user is already registered", again.text)

    def test_no_account_without_the_link(self):
        for token in ("x", "AQ", self.env["auth.limit.request"]._sign(NOBODY, "")[:-2] + "xx"):
            answer = self.sign_up(NOBODY, confirmed=token, **CHOSEN)
            self.assertIn("This link is not valid any more", answer.text)
        self.assertFalse(self.user(NOBODY))

    def test_what_is_no_address_is_refused(self):
        for login in ("", "nobody", "a@b, c@d.example", "Bob <bob@limits.example>",
                      "bob@limits.example\nBcc: x@y.example"):
            self.assertIn("Type your e-mail address", self.sign_up(login).text)
        self.assertFalse(self.env["auth.limit.request"].search([]))

    def test_mails_are_bound(self):
        statuses = [self.sign_up(login).status_code for login in (OWNER, NOBODY) * 4]
        self.assertEqual(statuses, [200] * 6 + [429] * 2)

    def test_an_old_link_tells_nobody_who_has_an_account(self):
        """Odoo leads addresses with an account to the sign-in, and others not."""
        self.owner._update_last_login()
        for page in ("signup", "reset_password"):
            for token in ("", "&token=x"):
                answers = [self.url_open(f"/web/{page}?signup_email={each}{token}")
                           for each in (OWNER, NOBODY)]
                self.assertEqual(*((each.status_code, re.sub("owner|nobody", "", each.url))
                                   for each in answers))
                self.assertIn("/web/login?" if token else f"/web/{page}?", answers[0].url)

    def test_an_invitation_goes_on_as_before(self):
        partner = self.env["res.partner"].create({"name": "Ines", "email": NOBODY})
        partner.signup_prepare()
        token = partner._generate_signup_token()
        self.assertIn('name="password"', self.url_open(f"/web/signup?token={token}").text)
        self.sign_up(NOBODY, token=token, **{**CHOSEN, "password": PASSWORD,
                                             "confirm_password": PASSWORD})
        self.assertEqual(self.user(NOBODY).partner_id, partner)

    def invite(self, **values):
        """Return a contact without account, and the token of its invitation."""
        partner = self.env["res.partner"].create({"name": "Ines", **values})
        partner.signup_prepare()
        return partner, partner._generate_signup_token()

    def test_an_invitation_is_for_no_other_address(self):
        for page in ("signup", "reset_password"):
            address = f"{page}@limits.example"
            partner, token = self.invite(email=address)
            self.authenticate(None, None)
            answer = self.post(f"/web/{page}", token=token, login=NOBODY, **CHOSEN)
            self.assertNotIn("/web/signup", answer.url)
            self.assertFalse(self.user(NOBODY))
            self.assertEqual(self.user(address).partner_id, partner)
            self.assertEqual(self.user(address).email, address)

    def test_an_invitation_shows_its_address_and_takes_no_other(self):
        _partner, token = self.invite(email=NOBODY)
        page = self.url_open(f"/web/signup?token={token}&login={OWNER}").text
        self.assertRegex(page, rf'value="{NOBODY}"[^>]*readonly|readonly[^>]*{NOBODY}')

    def test_an_invitation_without_address_asks_for_one(self):
        partner, token = self.invite()
        page = self.url_open(f"/web/signup?token={token}").text
        self.assertNotIn("readonly", re.search('<input[^>]*name="login"[^>]*>', page)[0])
        self.post("/web/signup", token=token, login=NOBODY, **CHOSEN)
        self.assertEqual(self.user(NOBODY).partner_id, partner)

    def test_the_owner_of_an_account_signs_in_by_an_invitation_whatever_is_typed(self):
        self.owner.partner_id.signup_prepare()
        token = self.owner.partner_id._generate_signup_token()
        answer = self.post("/web/signup", token=token, login=NOBODY, **CHOSEN)
        self.assertNotRegex(answer.url, "/web/(signup|login)$")
        self.assertFalse(self.user(NOBODY))

    def test_the_page_says_nothing_that_a_link_says(self):
        for page in ("signup", "reset_password"):
            for name in ("message", "error"):
                self.assertNotIn("pay me", self.url_open(f"/web/{page}?{name}=pay+me").text)

    def test_sign_up_stays_shut_where_it_is(self):
        self.patch(self.registry["res.users"], "_get_signup_invitation_scope",
                   lambda users: "b2b")
        self.assertEqual(self.sign_up(NOBODY).status_code, 404)
        self.assertFalse(self.env["auth.limit.request"].search([]))
