from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    oss_registered = fields.Boolean(related="company_id.oss_registered", readonly=False)
    oss_sales_this_year = fields.Monetary(related="company_id.oss_sales_this_year")
    deferral_account_id = fields.Many2one(
        related="company_id.deferral_account_id", readonly=False)
    deferral_min_months = fields.Integer(
        related="company_id.deferral_min_months", readonly=False)
    analytic_offer_plan_id = fields.Many2one(
        related="company_id.analytic_offer_plan_id", readonly=False)
