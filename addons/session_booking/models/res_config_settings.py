from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    training_declaration = fields.Char(
        related="company_id.training_declaration", readonly=False)
    waiting_hours = fields.Integer(related="company_id.waiting_hours", readonly=False)
