from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Bring the company of subscriptions in step with their contact.

        Odoo moves them to the contact that is kept by SQL.
        """
        result = super()._update_foreign_keys(src_partners, dst_partner)
        # sudo: whoever merges the contacts
        subscriptions = self.env["subscription.subscription"].sudo().search(
            [("commercial_partner_id", "=", dst_partner.id)])
        self.env.add_to_compute(
            subscriptions._fields["commercial_partner_id"], subscriptions)
        return result
