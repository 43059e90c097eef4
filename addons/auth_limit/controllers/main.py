from odoo import http, tools
from odoo.http import request

from odoo.addons.auth_signup.controllers.main import AuthSignupHome

from ..models.auth_limit_request import MAX_LENGTHS


class LimitedHome(AuthSignupHome):

    @http.route()
    def web_login(self, *args, **kw):
        """Remember a browser that has signed in: see ``res.users``."""
        response = super().web_login(*args, **kw)
        if request.httprequest.method == "POST" and request.params.get("login_success"):
            self._remember_who_signed_in(response)
        return response

    def _remember_who_signed_in(self, response):
        """Remember the browser for the account that was authenticated.

        That need not be the login of the form: a passkey says itself whose it is.
        """
        uid = request.session.uid or request.session.get("pre_uid")  # the code is still to come
        user = request.env(user=uid).user
        user._remember_device(response, user.login)

    @http.route()
    def web_auth_signup(self, *args, **kw):
        """Ask for the address only, and go on by the link in the mail sent to it.

        The password is chosen after that: an account belongs to whoever reads its mails.
        """
        if redirection := self._of_an_old_link():
            return redirection
        qcontext = self.get_auth_signup_qcontext()
        asks = request.httprequest.method == "POST" and not (
            qcontext.get("token") or qcontext.get("confirmed") or qcontext.get("error"))
        if asks and qcontext["signup_enabled"]:
            return self._ask_by_mail("signup", "auth_signup.signup", qcontext)
        return super().web_auth_signup(*args, **kw)

    @http.route()
    def web_auth_reset_password(self, *args, **kw):
        """Answer the same for every address; a link in a mail goes on as Odoo has it."""
        if redirection := self._of_an_old_link():
            return redirection
        qcontext = self.get_auth_signup_qcontext()
        posted = request.httprequest.method == "POST"
        if posted and not qcontext.get("token") and qcontext["reset_password_enabled"]:
            return self._ask_by_mail("reset", "auth_signup.reset_password", qcontext)
        response = super().web_auth_reset_password(*args, **kw)
        if posted and response.qcontext.get("message") and qcontext.get("login_fixed"):
            request.env["res.users"]._remember_device(response, qcontext["login"])
        return response

    def _of_an_old_link(self):
        """Lead a link of an invitation to the sign-in when it is used up, whoever that is.

        Odoo does so for addresses with an account only, whatever the token: anybody could ask
        which have one.

        :return: a redirection, or None
        """
        address = request.params.pop("signup_email", None)
        if not address or request.httprequest.method == "POST":
            return None
        qcontext = self.get_auth_signup_qcontext()
        if qcontext.get("token") and qcontext.get("error"):
            return request.redirect_query("/web/login", {"login": address, "redirect": "/web"})
        return None

    def get_auth_signup_qcontext(self):
        """Know the address of whoever comes by the link of a mail.

        That link stands for no other account than that of the address: neither the one that a
        visitor asked for, nor that of an invitation or of a password reset.
        """
        qcontext = super().get_auth_signup_qcontext()
        for name in ("message", "error"):  # what the page says comes from nobody's link
            if name in qcontext and qcontext[name] == request.params.get(name):
                del qcontext[name]
        confirmed = request.params.get("confirmed")
        if token := qcontext.get("token"):
            if not qcontext.get("invalid_token"):
                self._fix_login(qcontext, self._login_of_token(token))
        elif confirmed:
            self._read_confirmed(qcontext, confirmed)
        return qcontext

    def _login_of_token(self, token):
        """Return the login that Odoo's token is for; none for a contact without an address.

        :param str token: a valid one
        """
        # sudo: visitors may not read contacts; the token is the proof that they may know this one
        return request.env["res.partner"].sudo()._signup_retrieve_info(token).get("login")

    def _read_confirmed(self, qcontext, token):
        """Take address and redirect from our own link, or say that it is not valid."""
        if signed := request.env["auth.limit.request"]._read_signed(token):
            qcontext.update(confirmed=token, email=signed[0])
            qcontext["redirect"] = signed[1] or qcontext.get("redirect")
            self._fix_login(qcontext, signed[0])
        else:
            qcontext["error"] = request.env._(
                "This link is not valid any more. Type your address: you will receive another.")

    def _fix_login(self, qcontext, login):
        """Go on with this login, whatever the form says; without one the visitor types it."""
        if login:
            qcontext.update(login=login, login_fixed=True)
            request.params["login"] = login  # with which Odoo signs in after the sign-up

    def _ask_by_mail(self, kind, template, qcontext):
        """Keep the request within the bounds, and say what happens next."""
        address = (qcontext.get("login") or "").strip()
        minutes = 0
        if error := self._refuse_address(kind, address):
            qcontext["error"] = error
        else:
            counter = request.env["auth.limit.counter"]
            minutes = counter._spend("mail", counter._doors(
                kind, address, request.httprequest.remote_addr))
            if minutes:
                qcontext["error"] = counter._refusal(minutes)
            else:
                redirect = (qcontext.get("redirect") or "")[:MAX_LENGTHS["redirect"]]
                request.env["auth.limit.request"]._ask(kind, address, redirect)
                qcontext["message"] = self._mail_sentence(kind)
        response = request.render(template, qcontext)
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        response.headers["Content-Security-Policy"] = "frame-ancestors 'self'"
        if minutes:
            response.status_code = 429
            response.headers["Retry-After"] = str(60 * minutes)
        return response

    def _refuse_address(self, kind, address):
        """Say what is wrong with the address itself; it is not looked up."""
        if not address or len(address) > MAX_LENGTHS["email"] or (
                kind == "signup" and tools.email_normalize(address) != address.lower()):
            return request.env._("Type your e-mail address, such as name@example.com.")
        return None

    def _mail_sentence(self, kind):
        """Say what happens next, the same for every address."""
        if kind == "signup":
            return request.env._(
                "We are sending you a mail. Open the link in it to choose your password.")
        return request.env._(
            "If there is an account for this address, a mail with a link to choose a new "
            "password is on its way.")
