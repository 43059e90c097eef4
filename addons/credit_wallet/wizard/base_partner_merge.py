from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Merge wallets first: Odoo would give their owner a second wallet, and fail."""
        self.env["credit.wallet"]._merge_owners(src_partners, dst_partner)
        return super()._update_foreign_keys(src_partners, dst_partner)
