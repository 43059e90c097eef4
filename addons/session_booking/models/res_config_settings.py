from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    waiting_hours = fields.Integer(related="company_id.waiting_hours", readonly=False)
