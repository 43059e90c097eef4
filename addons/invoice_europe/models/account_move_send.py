from odoo import models

from odoo.addons.concurrency_base.tools import as_engine

from ..tools.archive import describe_factur_x


class AccountMoveSend(models.AbstractModel):
    _inherit = "account.move.send"

    def _hook_invoice_document_before_pdf_report_render(self, invoice, invoice_data):
        """Look again for what is missing: it may have been typed since the posting."""
        invoice._einvoice_refresh()
        return super()._hook_invoice_document_before_pdf_report_render(invoice, invoice_data)

    def _hook_invoice_document_after_pdf_report_render(self, invoice, invoice_data):
        """Describe the Factur-X file in the metadata of the PDF.

        Odoo takes what WeasyPrint prints for a PDF/A that has its metadata already, and leaves
        them alone.
        """
        result = super()._hook_invoice_document_after_pdf_report_render(invoice, invoice_data)
        values = invoice_data.get("pdf_attachment_values") or {}
        options = invoice_data.get("ubl_cii_xml_options") or {}
        if (options.get("ubl_cii_format") == "facturx"
                and values.get("raw", b"").startswith(b"%PDF")):
            values["raw"] = describe_factur_x(values["raw"])
        return result

    def _link_invoice_documents(self, invoices_data):
        """Record that the electronic invoice is made."""
        result = super()._link_invoice_documents(invoices_data)
        for invoice, data in invoices_data.items():
            if data.get("ubl_cii_xml_attachment_values") and invoice._is_french_einvoice():
                as_engine(invoice).einvoice_state = "made"
        return result
