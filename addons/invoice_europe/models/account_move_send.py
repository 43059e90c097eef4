from odoo import models


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    def _hook_invoice_document_before_pdf_report_render(self, invoice, invoice_data):
        """Data typed since the posting counts."""
        invoice._einvoice_refresh()
        return super()._hook_invoice_document_before_pdf_report_render(invoice, invoice_data)

    def _link_invoice_documents(self, invoices_data):
        """The file is there: the electronic invoice is made."""
        result = super()._link_invoice_documents(invoices_data)
        for invoice, data in invoices_data.items():
            if data.get("ubl_cii_xml_attachment_values") and invoice._is_french_einvoice():
                invoice.einvoice_state = "made"
        return result
