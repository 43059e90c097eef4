from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    training_region = fields.Char(related="company_id.training_region", readonly=False)
