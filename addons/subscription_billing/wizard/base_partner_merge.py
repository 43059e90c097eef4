from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Odoo moves subscriptions to the contact that is kept, in SQL: the company that it
        belongs to is theirs, too."""
        super()._update_foreign_keys(src_partners, dst_partner)
        # sudo: whoever merges the contacts
        subscriptions = self.env["subscription.subscription"].sudo().search(
            [("commercial_partner_id", "=", dst_partner.id)])
        self.env.add_to_compute(
            subscriptions._fields["commercial_partner_id"], subscriptions)
