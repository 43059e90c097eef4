from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    subscription_loss_account_id = fields.Many2one(
        related="company_id.subscription_loss_account_id", readonly=False)
    quota_requests_per_minute = fields.Integer(
        config_parameter="subscription_quota.api_requests_per_minute")
