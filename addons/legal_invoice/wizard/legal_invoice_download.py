import io
import zipfile
from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.pdf import merge_pdf

MAX_DOCUMENTS = 2000
MAX_TO_MAKE = 20  # PDFs that were never made, in one request without a dialog
MADE_AT_ONCE = 4  # PDFs between two steps of the progress


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
        """Download the file; when PDFs are to be made first, a dialog shows how far that is.

        :raise UserError: see :meth:`_check_documents`
        """
        self.ensure_one()
        documents = self._documents()
        self._check_documents(documents)
        if self._missing(documents):
            return {"type": "ir.actions.client", "tag": "legal_invoice_download",
                    "target": "new", "name": self.env._("Download invoices"),
                    "params": {"download_id": self.id}}
        return {"type": "ir.actions.act_url", "target": "download", "url": self._address()}

    def make_some(self):
        """Make some of the PDFs that were never made; the dialog asks again until all are there.

        :return: dict: ``made`` and ``total`` documents; ``url`` of the file once all are made
        :raise AccessError: the download is somebody else's
        """
        self.ensure_one()
        if self.create_uid != self.env.user:
            raise AccessError(self.env._("This download belongs to somebody else."))
        documents = self._documents()
        self._check_documents(documents)
        missing = self._missing(documents)
        missing[:MADE_AT_ONCE]._legal_make_pdf()
        rest = max(len(missing) - MADE_AT_ONCE, 0)
        return {"made": len(documents) - rest, "total": len(documents),
                "url": not rest and self._address()}

    def _address(self):
        """Return where the file is downloaded."""
        return f"/legal_invoice/download/{self.id}"

    @api.model
    def _missing(self, documents):
        """Return the documents whose PDF was never made."""
        return documents.filtered(lambda move: not move.invoice_pdf_report_id)

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
        """Check that there is something to download, and not too much for one file.

        :raise UserError: there is nothing, or too much
        """
        if not documents:
            raise UserError(self.env._(
                "There are no posted customer invoices or credit notes to download."))
        if len(documents) > MAX_DOCUMENTS:
            raise UserError(self.env._(
                "There are more than %(count)s documents: too many at once. Choose fewer days.",
                count=MAX_DOCUMENTS))

    def _prepare_download(self):
        """Make the file to download; a few PDFs that were never made are made.

        :return: (name, mimetype, bytes)
        :raise UserError: see :meth:`_check_documents`; or too many PDFs are to be made
        """
        self.ensure_one()
        documents = self._documents()
        self._check_documents(documents)
        missing = self._missing(documents)
        if len(missing) > MAX_TO_MAKE:  # hundreds in one request would end in a time-out
            raise UserError(self.env._(
                "%(missing)s of these documents have no PDF yet. Ask for the file again in the "
                "dialog, which makes them.", missing=len(missing)))
        missing._legal_make_pdf()
        pdfs = [(move.invoice_pdf_report_id.name, move.invoice_pdf_report_id.raw)
                for move in documents.sudo()]  # sudo: the attachments of readable invoices
        name = self._file_name(documents)
        if self.file_format == "pdf":
            return f"{name}.pdf", "application/pdf", merge_pdf([content for _name, content in pdfs])
        return f"{name}.zip", "application/zip", _zip_files(pdfs)

    def _file_name(self, documents):
        """Say what the file holds: « Factures – 2026-11 », or the days of its documents."""
        begin, end = self.date_from, self.date_to
        if not self.move_ids and begin.day == 1 and end == begin + relativedelta(day=31):
            return self.env._("Invoices – %(period)s", period=f"{begin:%Y-%m}")
        return self.env._("Invoices %(begin)s to %(end)s", begin=documents[0].invoice_date,
                          end=documents[-1].invoice_date)


def _zip_files(files):
    """Return a ZIP archive of files.

    :param files: list of (name, bytes)
    """
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return output.getvalue()
