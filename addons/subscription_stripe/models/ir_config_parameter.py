from odoo import api, models

from .. import const


class IrConfigParameter(models.Model):
    _inherit = "ir.config_parameter"

    @api.constrains("key", "value")
    def _check_stripe_api_base(self):
        """The tests' payment server is refused where real money moves."""
        if const.API_BASE_PARAMETER in self.mapped("key"):
            # sudo: states and keys of providers are for administrators, as parameters are
            providers = self.env["payment.provider"].sudo().search(
                [("code", "=", "stripe"), ("state", "!=", "disabled")])
            providers._check_stripe_api_base()

    @api.model
    def _stripe_default_async_emails(self):
        """On installation: PDFs and mails of orders are made after a payment's effect, not before
        it. Odoo's default gives way, a choice that was made stays."""
        known = self.search([("key", "=", "sale.async_emails")])
        if not known or known.write_date == known.create_date:
            self.set_param("sale.async_emails", "True")
