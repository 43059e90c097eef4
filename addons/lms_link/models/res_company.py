from odoo import fields, models
from odoo.exceptions import ValidationError

from ..tools import LinkError, check_lms_url


class ResCompany(models.Model):
    _inherit = "res.company"

    lms_allowed_hosts = fields.Char(
        string="LMS hosts",
        help="Host names of the LMS, separated by commas: links lead nowhere else.")

    def _lms_hosts(self):
        return {
            host.strip().lower() for host in (self.lms_allowed_hosts or "").split(",")
            if host.strip()}

    def _check_lms_url(self, url):
        """:raise ValidationError: why the address cannot be a course, and what to do."""
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
                    "Settings / Events / LMS hosts, or correct the address.", host=error.host),
                "syntax": self.env._("“%(url)s” is not a web address.", url=url),
            }[error.reason]
            raise ValidationError(message) from error
