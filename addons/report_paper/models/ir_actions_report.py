import dataclasses
import io
import logging
from collections import OrderedDict

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import file_open, split_every

from ..layout import weasy
from ..tools import PaperAnswers, PaperError, PaperFetcher, PaperTooLong, pool

_logger = logging.getLogger(__name__)

PAPER_SHEET = "report_paper/static/src/css/paper.css"
CHUNK = 10  # records whose HTML is made at once
MAX_CHARACTERS = 4_000_000  # of the HTML of a document: some 10,000 lines
CSS_MARGIN = 11  # mm, where Odoo's style sheets make the margins instead of the paper format


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    paper_archival = fields.Boolean(
        string="Archival PDF (PDF/A-3)",
        help="The file holds all it needs to be read in years (ISO 19005-3, level B), and may "
        "carry other files, as Factur-X asks. Only with the WeasyPrint engine.")

    @api.model
    def _paper_engine(self):
        """Return the PDF engine: ``weasyprint`` or ``wkhtmltopdf``.

        It is the parameter ``report.paper_engine``.
        """
        # sudo: everyone who prints follows the setting
        parameters = self.env["ir.config_parameter"].sudo()
        return parameters.get_param("report.paper_engine", "weasyprint")

    @api.model
    def get_wkhtmltopdf_state(self):
        """Report WeasyPrint as ready: the web client asks before it prints."""
        if self._paper_engine() == "weasyprint":
            return "ok"
        return super().get_wkhtmltopdf_state()

    @api.model
    def barcode(self, barcode_type, value, **kwargs):
        """Draw a barcode.

        :raise ValueError: the code cannot hold the value; reportlab says so with any exception
        """
        try:
            return super().barcode(barcode_type, value, **kwargs)
        except Exception as error:
            raise ValueError("Cannot convert into barcode.") from error

    @api.model
    def _run_wkhtmltopdf(self, bodies, report_ref=False, header=None, footer=None,
                         landscape=False, specific_paperformat_args=None,
                         set_viewport_size=False):
        """Make a PDF with the engine of the setting: Odoo calls this for either.

        :return: bytes of one PDF with all bodies, each with its own pages n/N
        :raise UserError: the PDF cannot be made
        """
        if self._paper_engine() != "weasyprint":
            return super()._run_wkhtmltopdf(
                bodies, report_ref=report_ref, header=header, footer=footer,
                landscape=landscape, specific_paperformat_args=specific_paperformat_args,
                set_viewport_size=set_viewport_size)
        report = self._get_report(report_ref) if report_ref else self
        report = report.with_context(
            paper_document_ids=self.env.context.get("paper_document_ids", ()))
        return report._paper_print(
            weasy.parts(bodies, header, footer), landscape, specific_paperformat_args or {})

    def _paper_print(self, parts, landscape, arguments):
        """Make one PDF of parts with WeasyPrint.

        :param list parts: see :func:`weasy.parts`
        :param bool landscape: turn the paper
        :param dict arguments: see :meth:`_paper_page`
        :return: bytes
        :raise UserError: the template cannot be laid out, or what is printed is too long
        """
        base_url = self._get_report_url() or "http://localhost"
        try:
            page = self._paper_page(landscape, arguments)
            documents = [weasy.compose(*part) for part in parts]
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise self._paper_error(error) from error  # of what a template can say
        if sum(len(html) for html, _links in documents) > MAX_CHARACTERS * len(documents):
            raise self._paper_too_long()
        try:
            return pool.of_process().print({
                "documents": [
                    (html, [self._paper_key(link) for link in [*links, PAPER_SHEET]])
                    for html, links in documents],
                "page": dataclasses.asdict(page), "base_url": base_url,
                "options": {"pdf_variant": "pdf/a-3b" if self.paper_archival else None},
            }, PaperAnswers(self, PaperFetcher(self.env, base_url, self._paper_documents())))
        except PaperTooLong as error:
            raise self._paper_too_long() from error
        except PaperError as error:
            raise self._paper_error(error) from error

    def _paper_key(self, link):
        """Identify the content of a style sheet: the address of a bundle holds its checksum."""
        return f"{self.env.cr.dbname} {link}"

    def _paper_error(self, error):
        _logger.error("WeasyPrint failed on %s: %s", self.report_name, error)
        return UserError(self.env._(
            "The PDF of “%(report)s” cannot be made: %(error)s. Undo the last change of its "
            "template, or choose wkhtmltopdf in the general settings.",
            report=self.name or "", error=error))

    def _paper_too_long(self):
        _logger.warning("%s takes too long to lay out", self.report_name)
        return UserError(self.env._(
            "The PDF of “%(report)s” is too long to be made. Shorten its texts, or make several "
            "documents of it.", report=self.name or ""))

    def _paper_documents(self):
        """Return the records that are printed: their attachments may be shown on the paper."""
        ids = self.env.context.get("paper_document_ids")
        return self.env[self.model].browse(ids) if self.model and ids else None

    def _paper_page(self, landscape, arguments):
        """Return the paper format, with what the template of the report says of it.

        :param dict arguments: attributes ``data-report-…`` of the template
        :return: :class:`weasy.Page`
        """
        paper = self.get_paperformat()
        width, height = paper.print_page_width or 210, paper.print_page_height or 297
        landscape = landscape or arguments.get("data-report-landscape")
        if landscape and width < height:
            width, height = height, width
        side = CSS_MARGIN if paper.css_margins else 0
        return weasy.Page(
            width=width, height=height,
            top=float(arguments.get("data-report-margin-top") or paper.margin_top),
            right=paper.margin_right + side,
            bottom=float(arguments.get("data-report-margin-bottom") or paper.margin_bottom),
            left=paper.margin_left + side)

    # Style sheets ---------------------------------------------------------------------------

    def _paper_sheet(self, link):
        """Return the text of a style sheet that a report names, or of ours."""
        return _read_paper_sheet() if link == PAPER_SHEET else self._paper_bundle(link)

    def _paper_bundle(self, link):
        """Return the text of a bundle of style sheets, compiled if it was not yet.

        :param str link: ``/web/assets/<version>/<bundle>.min.css``
        """
        name = link.rsplit("/", 1)[-1]
        debug = "/debug/" in link
        bundle_name, rtl, _kind, autoprefix = self.env["ir.asset"]._parse_bundle_name(name, debug)
        bundle = self.env["ir.qweb"]._get_asset_bundle(
            bundle_name, js=False, debug_assets=debug, rtl=rtl, autoprefix=autoprefix)
        # sudo: style sheets are public
        return bundle.css().sudo().raw.decode() if bundle.stylesheets else ""

    # One file a record ----------------------------------------------------------------------

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        """Make a PDF of its own for each record, where the template has an article for each.

        wkhtmltopdf makes one file that Odoo cuts at its headings; cutting would lose what makes
        an archival file, and its pages n/N.
        """
        self = self.with_context(paper_document_ids=tuple(res_ids or ()))
        report = self._get_report(report_ref)
        if (self._paper_engine() != "weasyprint" or not res_ids or len(res_ids) == 1
                or len(res_ids) != len(set(res_ids))):
            return super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids=res_ids)
        saved = self._paper_saved(report, res_ids)
        wanted = [res_id for res_id in res_ids if res_id not in saved]
        printed = self._paper_streams(report, dict(data or {}), wanted) if wanted else {}
        if printed is None:
            return super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids=res_ids)
        if saved:
            printed.update(super()._render_qweb_pdf_prepare_streams(
                report_ref, data, res_ids=saved))
        return OrderedDict((res_id, printed[res_id]) for res_id in res_ids)

    def _paper_attachment(self, report, record):
        """Return the saved report of a record, empty or None when there is none."""
        if not report.attachment or self.env.context.get("report_pdf_no_attachment"):
            return None
        return report.retrieve_attachment(record)

    def _paper_saved(self, report, res_ids):
        """Return the ids of the records whose report was saved to be used again."""
        if not report.attachment_use:
            return []
        return [record.id for record in self.env[report.model].browse(res_ids)
                if self._paper_attachment(report, record)]

    def _paper_streams(self, report, data, res_ids):
        """Print records in chunks, whose HTML is made at once.

        :return: streams by id, or None when the template does not tell records apart
        """
        data = {"report_type": "pdf", "debug": False, **data}
        streams = {}
        for chunk in split_every(CHUNK, res_ids, list):
            printed = self._paper_chunk(report, data, chunk)
            if printed is None:
                return None
            streams.update(printed)
        return streams

    def _paper_chunk(self, report, data, res_ids):
        """Print records whose HTML is made at once; see :meth:`_paper_streams`."""
        html = self.with_context(debug=False)._render_qweb_html(
            report.report_name, res_ids, data=data)[0]
        bodies, ids, header, footer, arguments = report.with_context(debug=False)._prepare_html(
            html, report_model=report.model)
        if sorted(filter(None, ids)) != sorted(res_ids) or None in ids:
            return None
        streams = {}
        for res_id, part in zip(ids, weasy.parts(bodies, header, footer), strict=True):
            content = report.with_context(paper_document_ids=[res_id])._paper_print(
                [part], self.env.context.get("landscape"), arguments)
            record = self.env[report.model].browse(res_id)
            streams[res_id] = {"stream": io.BytesIO(content),
                               "attachment": self._paper_attachment(report, record)}
        return streams


def _read_paper_sheet():
    """Return the text of our own style sheet."""
    with file_open(PAPER_SHEET) as file:
        return file.read()
