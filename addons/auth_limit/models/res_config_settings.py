from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .auth_limit_counter import DEFAULTS


def _setting(name, label):
    return fields.Integer(
        label, default=DEFAULTS[name], config_parameter=f"auth_limit.{name}")


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    auth_limit_login_address = _setting("login_address", "Failed sign-ins by address")
    auth_limit_login_ip = _setting("login_ip", "Failed sign-ins by network")
    auth_limit_login_minutes = _setting("login_minutes", "Minutes for failed sign-ins")
    auth_limit_mail_address = _setting("mail_address", "Sign-ups and resets by address")
    auth_limit_mail_ip = _setting("mail_ip", "Sign-ups and resets by network")
    auth_limit_mail_minutes = _setting("mail_minutes", "Minutes for sign-ups and resets")

    @api.constrains(*(f"auth_limit_{name}" for name in DEFAULTS))
    def _check_auth_limits(self):
        """Refuse bounds that shut everybody out, or nobody."""
        for settings in self:
            if any(not 0 < settings[f"auth_limit_{name}"] < 10**6 for name in DEFAULTS):
                raise ValidationError(self.env._(
                    "Limits of sign-in and sign-up: type numbers from 1 to 999,999."))
