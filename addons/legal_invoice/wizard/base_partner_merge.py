from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _merge_bank_accounts(self, src_partners, dst_partner):
        """Refuse, before anything is written, to merge away who is named on secured invoices."""
        self.env["account.move.line"]._legal_check_merge(src_partners)
        return super()._merge_bank_accounts(src_partners, dst_partner)
