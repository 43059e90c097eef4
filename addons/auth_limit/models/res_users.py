import contextlib
import datetime
import uuid

from odoo import api, models, tools
from odoo.exceptions import AccessDenied
from odoo.http import request

DEVICE = "auth_limit_device"  # the cookie of a browser that has signed in before
DEVICE_DAYS = 365
MAX_PASSWORD = 4096  # characters, of passlib


class ResUsers(models.Model):
    _inherit = "res.users"

    @contextlib.contextmanager
    def _assert_can_auth(self, user=None):
        """Bound failures by address and by network, in all workers together.

        Odoo's own bound counts by client in each process. The attempt is counted before the
        password is looked at, and given back when it was right: so attempts at the same moment do
        not pass the bound.

        :raise AccessDenied: saying when to try again
        """
        if not request:
            with super()._assert_can_auth(user=user):
                yield
            return
        counter = self.env["auth.limit.counter"]
        doors = self._login_doors(user)
        if minutes := counter._spend("login", doors):
            raise AccessDenied(counter._refusal(minutes))
        tried = passed = False
        try:
            with super()._assert_can_auth(user=user):
                tried = True
                yield
            passed = True
        finally:
            if passed or not tried:
                counter._give_back(doors, forget=["address"] if passed else [])

    @api.model
    def _login_doors(self, user):
        """Return where an attempt to sign in is counted.

        A browser that has signed in to the account before has a count of its own: whoever tries
        passwords from elsewhere does not shut the owner out. So has an id: otherwise trying ids
        would tell which address they belong to, and a right password would forget the codes that
        were tried after it.

        :param user: a login, or the id of a user
        """
        counter = self.env["auth.limit.counter"]
        login = user if isinstance(user, str) else ""
        doors = counter._doors("login", login, request.httprequest.remote_addr)
        if isinstance(user, int):
            doors["address"] = counter._key("login", self._step_of(user), user)
        elif device := self._device_of(login):
            doors["address"] = counter._key("login", "device", device)
        return doors

    @api.model
    def _step_of(self, uid):
        """Return what is tried for the id of a user: its code, or its password.

        Only who knows the password can shut the door of the codes; everybody knows ids.
        """
        return "code" if request.session.get("pre_uid") == uid else "uid"

    @api.model
    def _device_of(self, login):
        """Return what tells this browser from others, if it has signed in to the account."""
        try:
            # sudo: the secret of the database
            known = tools.verify_hash_signed(
                self.sudo().env, DEVICE, request.cookies.get(DEVICE) or "")
        except ValueError:
            return None
        return known[1] if known and known[0] == login.strip().casefold() else None

    @api.model
    def _remember_device(self, response, login):
        """Let the browser sign in to this account while others are refused."""
        if self._device_of(login):
            return
        value = tools.hash_sign(  # sudo: the secret of the database
            self.sudo().env, DEVICE, [login.strip().casefold(), uuid.uuid4().hex],
            expiration=datetime.timedelta(days=DEVICE_DAYS))
        response.set_cookie(
            DEVICE, value, max_age=DEVICE_DAYS * 86400, path="/web", httponly=True,
            samesite="Lax", secure=request.httprequest.scheme == "https")

    def _login(self, credential, user_agent_env):
        """Take as long for an address without account as for a wrong password.

        A password longer than any is cut: comparing it is an error, which told who has an account.
        """
        if credential.get("password"):
            # in place: Odoo writes the login of a passkey into what its caller has given
            credential["password"] = credential["password"][:MAX_PASSWORD]
        try:
            return super()._login(credential, user_agent_env)
        except AccessDenied as denied:
            if denied.args == AccessDenied().args and credential.get("password"):
                self._hash_for_nobody(credential.get("login") or "", credential["password"])
            raise

    @api.model
    def _hash_for_nobody(self, login, password):
        """Hash the password once, where there was none to compare it with."""
        # sudo: nobody has signed in
        user = self.sudo().search(
            self._get_login_domain(login), order=self._get_login_order(), limit=1)
        self.env.cr.execute(
            "SELECT 1 FROM res_users WHERE id = %s AND password IS NOT NULL", [user.id or 0])
        if not self.env.cr.fetchone():
            self._crypt_context().hash(password)
