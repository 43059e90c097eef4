from collections import OrderedDict
from io import BytesIO

from odoo import models


class IrActionsReport(models.Model):
    _inherit = "ir.actions.report"

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        """Print the very file of invoices that were sent, with the Factur-X in it."""
        report = self._get_report(report_ref)
        sent = self._legal_sent_files(report, res_ids) if res_ids else {}
        rest = [res_id for res_id in res_ids or [] if res_id not in sent]
        streams = super()._render_qweb_pdf_prepare_streams(
            report_ref, data, res_ids=rest) if rest or not sent else {}
        for res_id, content in sent.items():
            streams[res_id] = {"stream": BytesIO(content), "attachment": None}
        return OrderedDict((res_id, streams[res_id]) for res_id in res_ids) if sent else streams

    def _legal_sent_files(self, report, move_ids):
        """Return the files that were sent, by the id of their posted invoice.

        :param report: what is to be printed; only the invoice itself is a file that was sent
        """
        if not self._is_invoice_report(report) or self.env.context.get("proforma_invoice"):
            return {}
        moves = self.env["account.move"].browse(move_ids).filtered(
            lambda move: move.state == "posted" and move.is_sale_document()
            and report == self.env["account.move.send"]._get_default_pdf_report_id(move))
        # sudo: the file of a document that the user prints, and may hence read
        files = {move.id: move.sudo().invoice_pdf_report_id.raw for move in moves}
        return {
            move_id: content for move_id, content in files.items()
            if content and content.startswith(b"%PDF")}
