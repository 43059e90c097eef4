import pytz

from odoo import fields, models

DEFAULT_TZ = "Europe/Paris"


class ResCompany(models.Model):
    _inherit = "res.company"

    def _spoken_language(self):
        """Return the language of what is written here while nobody is there.

        :return: str: code of an installed language
        """
        # sudo: the language of a company is no secret
        partner = self.sudo().partner_id
        return partner.lang or self.env.ref("base.user_root").lang or "en_US"

    def _civil_tz(self):
        """Return the name of the timezone in which the company counts its days."""
        # sudo: where the company is
        return self.sudo().partner_id.tz or DEFAULT_TZ

    def _civil_today(self):
        """Return today's civil date where the company is."""
        return pytz.utc.localize(fields.Datetime.now()).astimezone(
            pytz.timezone(self._civil_tz())).date()
