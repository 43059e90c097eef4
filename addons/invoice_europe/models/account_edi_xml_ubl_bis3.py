from odoo import models


class AccountEdiXmlUblBis3(models.AbstractModel):
    _inherit = "account.edi.xml.ubl_bis3"

    def _add_invoice_header_nodes(self, document_node, vals):
        """Name the invoices that a credit note corrects (BG-3), with their dates."""
        result = super()._add_invoice_header_nodes(document_node, vals)
        corrected = vals["invoice"]._legal_corrected_invoices()
        if corrected:
            document_node["cac:BillingReference"] = [{
                "cac:InvoiceDocumentReference": {
                    "cbc:ID": {"_text": invoice.name},
                    "cbc:IssueDate": {"_text": invoice.invoice_date}}}
                for invoice in corrected]
        return result
