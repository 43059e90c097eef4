from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    dispute_policy = fields.Selection(related="company_id.dispute_policy", readonly=False)
    dispute_lost_policy = fields.Selection(
        related="company_id.dispute_lost_policy", readonly=False)
    dispute_tell_customer = fields.Boolean(
        related="company_id.dispute_tell_customer", readonly=False)
    stripe_dispute_account_id = fields.Many2one(
        related="company_id.stripe_dispute_account_id", readonly=False)
    stripe_fee_account_id = fields.Many2one(
        related="company_id.stripe_fee_account_id", readonly=False)
