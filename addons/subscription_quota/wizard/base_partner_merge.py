from odoo import models
from odoo.exceptions import UserError


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Refuse to merge customers whose limits exclude each other: staff say which one holds, or
        Odoo would delete one of them.

        :raise UserError: names what both customers have, and what to do first
        """
        merged = (src_partners + dst_partner).ids
        self._check_quota_overrides(merged)
        self._check_quota_keys(merged)
        return super()._update_foreign_keys(src_partners, dst_partner)

    def _check_quota_overrides(self, partner_ids):
        # sudo: whoever merges the contacts
        known = self.env["quota.override"].sudo()
        for override in known.search([("partner_id", "in", partner_ids)], order="date_from, id"):
            other = known.filtered(
                lambda each, override=override: each.partner_id != override.partner_id
                and (each.metric_id, each.company_id) == (
                    override.metric_id, override.company_id)
                and (not each.date_to or each.date_to >= override.date_from))[:1]
            if other:
                raise UserError(self.env._(
                    "%(one)s and %(other)s both have a limit of their own for “%(metric)s”. End "
                    "one of them first.", one=other.partner_id.display_name,
                    other=override.partner_id.display_name, metric=override.metric_id.name))
            known |= override

    def _check_quota_keys(self, partner_ids):
        # sudo: whoever merges the contacts
        keys = self.env["quota.api.key"].sudo().search(
            [("commercial_partner_id", "in", partner_ids), ("revoked_at", "=", False)])
        for same in keys.grouped(lambda key: (key.company_id, key.name)).values():
            owners = same.commercial_partner_id
            if len(owners) > 1:
                raise UserError(self.env._(
                    "%(one)s and %(other)s both have a live API key “%(key)s”. Revoke one of "
                    "them first.", one=owners[0].display_name, other=owners[1].display_name,
                    key=same[0].name))
