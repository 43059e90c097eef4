from odoo import api, models

from .. import const


class IrConfigParameter(models.Model):
    _inherit = "ir.config_parameter"

    @api.constrains("key", "value")
    def _check_stripe_api_base(self):
        """Refuse the tests' payment server where real money moves."""
        if const.API_BASE_PARAMETER in self.mapped("key"):
            # sudo: states and keys of providers are for administrators, as parameters are
            providers = self.env["payment.provider"].sudo().search(
                [("code", "=", "stripe"), ("state", "!=", "disabled")])
            providers._check_stripe_api_base()
