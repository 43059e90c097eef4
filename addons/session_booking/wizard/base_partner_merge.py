from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Keep one place per line, and none in the line of a session the person has a seat in."""
        self.env["session.waiting"]._merge_partners(src_partners | dst_partner)
        return super()._update_foreign_keys(src_partners, dst_partner)
