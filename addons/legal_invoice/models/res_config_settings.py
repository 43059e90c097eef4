from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    legal_secured_from = fields.Date(related="company_id.legal_secured_from")
    legal_missing = fields.Char(compute="_compute_legal_missing")

    @api.depends("company_id")
    def _compute_legal_missing(self):
        for settings in self:
            settings.legal_missing = ", ".join(
                item["name"] for item in settings.company_id._legal_missing())

    def action_legal_checklist(self):
        """Open the checklist of the company's legal mentions."""
        return self.env["legal.check"]._action_open_checklist(self.company_id)
