from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    credit_deferred_account_id = fields.Many2one(
        related="company_id.credit_deferred_account_id", readonly=False)
    credit_breakage_account_id = fields.Many2one(
        related="company_id.credit_breakage_account_id", readonly=False)
    credit_adjustment_account_id = fields.Many2one(
        related="company_id.credit_adjustment_account_id", readonly=False)
    credit_pending_account_id = fields.Many2one(
        related="company_id.credit_pending_account_id", readonly=False)
    credit_giveback_account_id = fields.Many2one(
        related="company_id.credit_giveback_account_id", readonly=False)
    credit_voucher_kind = fields.Selection(
        related="company_id.credit_voucher_kind", readonly=False)
    credit_low_balance = fields.Integer(
        related="company_id.credit_low_balance", readonly=False)
    credit_tz = fields.Selection(related="company_id.credit_tz", readonly=False)
    credit_return_expiry = fields.Selection(
        related="company_id.credit_return_expiry", readonly=False)
    credit_return_days = fields.Integer(
        related="company_id.credit_return_days", readonly=False)
