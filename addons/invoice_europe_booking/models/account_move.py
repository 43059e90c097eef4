from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _is_taxable_document(self):
        """What a single-purpose voucher buys was invoiced with the voucher, and a multi-purpose
        voucher is no sale: neither is invoiced (VAT Directive 2006/112/EC, art. 30b)."""
        vouchers = self.invoice_line_ids.filtered(
            lambda line: line.product_id.service_tracking == "credit_pack")
        if (self.credit_entry_id or vouchers) and not self.invoice_line_ids.tax_ids:
            return False
        return super()._is_taxable_document()

    def _einvoice_payment_lines(self):
        """Of a booking: the credits that pay it, and what was invoiced with its pack."""
        lines = super()._einvoice_payment_lines()
        if self.credit_entry_id:
            lines |= self.invoice_line_ids.filtered(
                lambda line: line.display_type == "product" and not line.tax_ids)
        return lines
