import base64
import secrets

from odoo import fields, models
from odoo.exceptions import ValidationError

from odoo.addons.mail.tools import jwt

from ..tools import LinkError, check_lms_url

JWT_SECONDS = 120  # long enough to follow a redirect, too short to be passed on


class ResCompany(models.Model):
    _inherit = "res.company"

    lms_allowed_hosts = fields.Char(
        string="LMS hosts",
        help="Host names of the LMS, separated by commas: links lead nowhere else.")
    lms_jwt_secret = fields.Char(
        string="Secret shared with the LMS", copy=False, groups="base.group_system",
        help="Key of the signature (HS256) of the {jwt} in addresses of courses.")

    def _lms_hosts(self):
        return {
            host.strip().lower() for host in (self.lms_allowed_hosts or "").split(",")
            if host.strip()}

    def _check_lms_url(self, url):
        """Refuse an address that is not allowed for a course.

        :raise ValidationError: why the address is refused, and what to do
        """
        self.ensure_one()
        try:
            check_lms_url(url, self._lms_hosts())
        except LinkError as error:
            message = {
                "scheme": self.env._(
                    "“%(url)s” is not a secure address: a course starts with https://.",
                    url=url),
                "host": self.env._(
                    "The host “%(host)s” is not among the LMS hosts of the company. Add it in "
                    "Settings / Events / LMS hosts, or correct the address.",
                    host=error.culprit),
                "syntax": self.env._("“%(url)s” is not a web address.", url=url),
                "placeholder": self.env._(
                    "%(placeholder)s is not allowed there in “%(url)s”. Use {session_code} "
                    "after the host and, after the question mark, {email}, {name} and "
                    "{jwt}.",
                    placeholder=error.culprit, url=url),
            }[error.reason]
            raise ValidationError(message) from error

    def _lms_sign(self, claims):
        """Return a JSON Web Token (RFC 7519, HS256) of the claims, valid for two minutes.

        sudo: anybody who follows a link has a token signed; only administrators may read the key.
        """
        self.ensure_one()
        company = self.sudo()
        if not company.lms_jwt_secret:
            company.action_renew_lms_secret()
        key = base64.urlsafe_b64encode(company.lms_jwt_secret.encode()).decode()
        return jwt.sign(dict(claims), key, JWT_SECONDS, jwt.Algorithm.HS256)

    def action_renew_lms_secret(self):
        """Create a new secret; tokens signed with the previous one are no longer valid."""
        for company in self:
            company.lms_jwt_secret = secrets.token_urlsafe(32)
