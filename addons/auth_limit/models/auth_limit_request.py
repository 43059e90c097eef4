import logging
from urllib.parse import urlencode

import psycopg2

from odoo import api, fields, models, tools
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)

MAX_LENGTHS = {"email": 254, "redirect": 2000}


class AuthLimitRequest(models.Model):
    """What a visitor asked for by an address: to reset a password, or to sign up.

    The visitor reads the same answer, after the same work, whoever has the address: a row is
    written. Who has it is told by a mail, a moment later, by a scheduled action.
    """

    _name = "auth.limit.request"
    _description = "Request by Address"
    _order = "id"
    _rec_name = "email"

    kind = fields.Selection(
        [("reset", "Password reset"), ("signup", "Sign-up")], required=True, readonly=True)
    email = fields.Char(required=True, readonly=True, help="As it was typed.")
    user_id = fields.Many2one(
        "res.users", string="Account", ondelete="cascade", readonly=True, index="btree_not_null")
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="cascade", readonly=True)
    lang = fields.Char(readonly=True)
    redirect = fields.Char(readonly=True, help="Where the visitor wants to go then.")
    link = fields.Char(compute="_compute_link", help="The address in the mail.")

    @api.depends("email", "redirect", "company_id")
    def _compute_link(self):
        for one in self:
            one.link = f"{one.company_id.get_base_url()}/web/signup?" + urlencode(
                {"confirmed": self._sign(one.email, one.redirect)})

    @api.model
    def _ask(self, kind, email, redirect=""):
        """Keep a request, and have it answered at once after this one.

        The same statements are run for every address.

        :param str kind: see the field
        :param str email: as it was typed
        :param str redirect: a path of this site
        """
        # sudo: a visitor may neither search accounts nor write here; nothing is shown of either
        users = self.env["res.users"].sudo().with_context(active_test=kind == "reset")
        by_login = users.search(users._get_login_domain(email), limit=2)
        by_email = users.search(users._get_email_domain(email), limit=2)
        found = by_login or (kind == "reset" and by_email) or users
        if kind == "reset" and len(found) > 1:
            found = users  # nobody knows whose password
        self.sudo().create({
            "kind": kind, "email": email, "user_id": found[:1].id,
            "company_id": self.env.company.id, "lang": self.env.lang, "redirect": redirect})
        self.env.ref("auth_limit.ir_cron_answer").sudo()._trigger()

    @api.model
    def _sign(self, email, redirect):
        """Return the proof that a mail to the address was read, valid as long as an invitation."""
        # sudo: the secret of the database
        parameters = self.env["ir.config_parameter"].sudo()
        hours = int(parameters.get_param("auth_signup.signup.validity.hours", 144))
        return tools.hash_sign(
            parameters.env, "auth_limit.signup", [email, redirect or ""], expiration_hours=hours)

    @api.model
    def _read_signed(self, token):
        """Return the address and the redirect of a proof; None when it is none, or too old."""
        try:
            # sudo: the secret of the database
            return tools.verify_hash_signed(self.sudo().env, "auth_limit.signup", token)
        except ValueError:
            return None

    def _cron_answer(self, limit=100):
        """Send the mails that were asked for. One that cannot be sent stops no other."""
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=self.search_count([]))
        for one in self.search([], limit=limit).try_lock_for_update():
            one._answer_isolated()
            if not cron._commit_progress(1):
                break

    def _answer_isolated(self):
        """Answer, and forget the request, also when that is impossible: the log says why.

        Whoever asked may ask again.

        :raise psycopg2.OperationalError: a conflict or a lost server, which is no fault of the row
        """
        try:
            with self.env.cr.savepoint():
                self._answer()
                self.env.flush_all()
        except psycopg2.OperationalError:
            raise
        except UserError as error:
            _logger.info("Request %s was not answered: %s", self.id, error)
        except Exception:
            _logger.exception("Request %s was not answered", self.id)
        self.unlink()

    def _answer(self):
        """Send the mail of the request, if there is one."""
        if self.kind == "signup":
            known = "known" if self.user_id else "new"
            self.env.ref(f"auth_limit.mail_template_signup_{known}").send_mail(
                self.id, force_send=True)
        elif self.user_id:
            self.user_id.action_reset_password()
