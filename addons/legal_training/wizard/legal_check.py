from odoo import models


class LegalCheck(models.TransientModel):
    _inherit = "legal.check"

    def action_complete(self):
        """Open the settings of trainings, where the declaration of activity is entered."""
        if self.code == "training":
            return self.env["ir.actions.act_window"]._for_xml_id(
                "event.action_event_configuration")
        return super().action_complete()
