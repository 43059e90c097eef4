import io
import zipfile
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.pdf import merge_pdf

MAX_DOCUMENTS = 2000
MAX_TO_MAKE = 100  # PDFs that were never made, in one request


class LegalInvoiceDownload(models.TransientModel):
    _name = "legal.invoice.download"
    _description = "Download the invoices of a month"

    date_from = fields.Date(
        string="From", required=True, default=lambda self: self._default_month()[0])
    date_to = fields.Date(
        string="To", required=True, default=lambda self: self._default_month()[1])
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company)
    move_ids = fields.Many2many("account.move", string="Documents")
    file_format = fields.Selection(
        [("pdf", "One PDF"), ("zip", "A ZIP of PDFs")], string="Format", required=True,
        default="pdf")

    @api.constrains("date_from", "date_to")
    def _check_dates(self):
        for download in self:
            if download.date_from > download.date_to:
                raise ValidationError(self.env._("The first day comes after the last one."))

    @api.model
    def _default_month(self):
        """Return the month that just ended: (first day, last day)."""
        last = fields.Date.context_today(self).replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last

    def action_download(self):
        """Download the file, once it is clear that there is something in it.

        :raise UserError: see :meth:`_check_documents`
        """
        self.ensure_one()
        self._check_documents(self._documents())
        return {"type": "ir.actions.act_url", "target": "download",
                "url": f"/legal_invoice/download/{self.id}"}

    def _documents(self):
        """Return the posted customer documents chosen, or those of the month, in order of time."""
        domain = [("move_type", "in", ("out_invoice", "out_refund")), ("state", "=", "posted")]
        if self.move_ids:
            domain.append(("id", "in", self.move_ids.ids))
        else:
            domain += [("invoice_date", ">=", self.date_from),
                       ("invoice_date", "<=", self.date_to),
                       ("company_id", "=", self.company_id.id)]
        return self.env["account.move"].search(
            domain, order="invoice_date, name, id", limit=MAX_DOCUMENTS + 1)

    def _check_documents(self, documents):
        """Check that there is something to download, and not too much for one request.

        :raise UserError: there is nothing, or too much
        """
        if not documents:
            raise UserError(self.env._(
                "There are no posted customer invoices or credit notes to download."))
        missing = documents.filtered(lambda move: not move.invoice_pdf_report_id)
        if len(documents) > MAX_DOCUMENTS or len(missing) > MAX_TO_MAKE:
            raise UserError(self.env._(
                "There are %(count)s documents, %(missing)s of them without a PDF yet: too "
                "many at once. Choose fewer days, or send them first.",
                count=len(documents), missing=len(missing)))

    def _prepare_download(self):
        """Make the file to download; PDFs that were never made are made, as when they are sent.

        :return: (name, mimetype, bytes)
        :raise UserError: see :meth:`_check_documents`
        """
        self.ensure_one()
        documents = self._documents()
        self._check_documents(documents)
        missing = documents.filtered(lambda move: not move.invoice_pdf_report_id)
        if missing:
            # sudo: the document is made for everyone, by whoever may read the invoice
            self.env["account.move.send"].sudo()._generate_and_send_invoices(
                missing.sudo(), sending_methods=[])
            documents.invalidate_recordset(["invoice_pdf_report_id"])
        pdfs = [(move.invoice_pdf_report_id.name, move.invoice_pdf_report_id.raw)
                for move in documents.sudo()]  # sudo: the attachments of readable invoices
        name = self.env._("Invoices %(begin)s to %(end)s", begin=documents[0].invoice_date,
                          end=documents[-1].invoice_date)
        if self.file_format == "pdf":
            return f"{name}.pdf", "application/pdf", merge_pdf([content for _name, content in pdfs])
        return f"{name}.zip", "application/zip", _zip_files(pdfs)


def _zip_files(files):
    """Return a ZIP archive of files.

    :param files: list of (name, bytes)
    """
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return output.getvalue()
