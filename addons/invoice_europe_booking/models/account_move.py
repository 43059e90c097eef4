from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _is_voucher_document(self):
        """Tell whether the document invoices nothing: see :meth:`_einvoice_exclusion`."""
        self.ensure_one()
        return bool(self.credit_entry_id or self._voucher_lines()) and (
            not self.invoice_line_ids.tax_ids)

    def _voucher_lines(self):
        """Return the lines that sell credits."""
        return self.invoice_line_ids.filtered(
            lambda line: line.product_id.service_tracking == "credit_pack")

    def _is_taxable_document(self):
        """Make no file of documents of vouchers that invoice nothing."""
        return super()._is_taxable_document() and not self._is_voucher_document()

    def _einvoice_exclusion(self):
        """Say why documents of vouchers are no invoices (VAT Directive 2006/112/EC, art. 30b).

        What single-purpose credits buy was invoiced with them: to invoice it again would declare
        its VAT twice. The sale of multi-purpose credits is no supply: its booking is invoiced.
        """
        if not self._is_voucher_document():
            return super()._einvoice_exclusion()
        if self.credit_entry_id:
            return self.env._(
                "The electronic invoice is the one of the pack whose credits pay this booking: "
                "it bears its VAT (Directive 2006/112/EC, art. 30b, 1).")
        return self.env._(
            "Credits whose VAT is charged when they are spent are not a sale yet (Directive "
            "2006/112/EC, art. 30b, 2): the electronic invoice is the one of each booking.")

    def _einvoice_payment_lines(self):
        """Treat as payments the credits that pay a booking, and what its pack invoiced."""
        lines = super()._einvoice_payment_lines()
        if self.credit_entry_id:
            lines |= self.invoice_line_ids.filtered(
                lambda line: line.display_type == "product" and not line.tax_ids)
        return lines
