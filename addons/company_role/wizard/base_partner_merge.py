from odoo import models

from ..models.company_member import ROLES


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Add the roles up when a person was there twice: Odoo would keep one row of two."""
        # sudo: whoever merges the contacts
        members = self.env["company.member"].sudo().search(
            [("person_id", "in", (src_partners | dst_partner).ids)])
        for rows in members.grouped("partner_id").values():
            kept = rows.filtered(lambda row: row.person_id == dst_partner)[:1] or rows[0]
            kept.write({name: any(rows.mapped(name)) for name in ROLES})
            (rows - kept).unlink()
        self.env.flush_all()
        return super()._update_foreign_keys(src_partners, dst_partner)
