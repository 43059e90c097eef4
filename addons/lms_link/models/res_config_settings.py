from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    lms_allowed_hosts = fields.Char(related="company_id.lms_allowed_hosts", readonly=False)
