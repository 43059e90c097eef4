from odoo import models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"

    def _post(self, soft=True):
        """Take back the extra units that a credit note refunds."""
        self._check_quota_packs_ordered()
        # sudo: what a credit note takes back does not depend on who may read the quotas
        refunds = self.filtered(
            lambda move: move.move_type == "out_refund").invoice_line_ids.sudo()
        given = refunds._quota_given()
        posted = super()._post(soft=soft)
        refunds.filtered(lambda line: line.move_id in posted)._quota_take_back_packs(given)
        return posted

    def _invoice_paid_hook(self):
        """Grant extra units as soon as they are paid."""
        result = super()._invoice_paid_hook()
        self.filtered(lambda move: move.move_type == "out_invoice")._quota_grant_paid()
        return result

    def _invoice_netted_hook(self):
        """Grant extra units that credit notes paid."""
        result = super()._invoice_netted_hook()
        self.filtered(lambda move: move.move_type == "out_invoice")._quota_grant_paid()
        return result

    def _quota_grant_paid(self):
        """Grant the extra units of paid invoices, by whatever route they were paid."""
        # sudo: the grant follows from the payment, whoever registered it
        self.invoice_line_ids.sudo()._quota_grant_packs()

    def _quota_sold_without_order(self):
        """Extension point: find lines of extra units for which no order names the subscription.

        Other addons sell units without an order.
        """
        return self.filtered(lambda move: move.move_type == "out_invoice") \
            .invoice_line_ids.filtered(
                lambda line: line._is_quota_pack() and not line._quota_sale_line())

    def _check_quota_packs_ordered(self):
        """Refuse to invoice units that could not be granted.

        :raise UserError: no order says which subscription they are for
        """
        if line := self._quota_sold_without_order()[:1]:
            raise UserError(self.env._(
                "“%(pack)s” adds units to a subscription, and the invoice does not say which. "
                "Sell it on an order, and make the invoice from the order.",
                pack=line.product_id.display_name))

    def _check_draftable(self):
        """Refuse to reset documents that granted or took back units.

        :raise UserError: names the documents
        """
        result = super()._check_draftable()
        if self.invoice_line_ids.quota_grant_id:
            raise UserError(self.env._(
                "Extra units were granted or taken back with %(documents)s, which cannot be "
                "reset to draft. Make a credit note, or an override of the quota.",
                documents=", ".join(self.mapped("display_name"))))
        return result
