from odoo import http
from odoo.http import content_disposition, request


class CreditReconciliationController(http.Controller):

    @http.route(
        "/credits/reconciliation/<int:report_id>.xlsx", type="http", auth="user", readonly=True)
    def reconciliation_xlsx(self, report_id):
        """Download the workbook, with the access rights of the screen it comes from."""
        report = request.env["credit.reconciliation"].browse(report_id).exists()
        if not report or not report.has_access("read"):
            raise request.not_found()
        return request.make_response(report._build_workbook(), headers=[
            ("Content-Type",
             "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ("Content-Disposition", content_disposition(f"{report.display_name}.xlsx")),
        ])
