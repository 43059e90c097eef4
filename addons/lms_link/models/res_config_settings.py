from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    lms_allowed_hosts = fields.Char(related="company_id.lms_allowed_hosts", readonly=False)
    lms_jwt_secret = fields.Char(related="company_id.lms_jwt_secret", readonly=True)

    def action_renew_lms_secret(self):
        """Renew the company's secret, and reload the settings."""
        self.ensure_one()
        self.company_id.action_renew_lms_secret()
        return {"type": "ir.actions.client", "tag": "reload"}
