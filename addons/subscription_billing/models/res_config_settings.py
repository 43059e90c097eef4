from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    subscription_loss_account_id = fields.Many2one(
        related="company_id.subscription_loss_account_id", readonly=False)
