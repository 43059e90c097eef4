from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    quota_requests_per_minute = fields.Integer(
        config_parameter="subscription_quota.api_requests_per_minute")
