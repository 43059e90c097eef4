from odoo import http
from odoo.http import content_disposition, request

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class StripeStatementController(http.Controller):

    @http.route(
        "/stripe/statement/<int:statement_id>.xlsx", type="http", auth="user", readonly=True)
    def statement_xlsx(self, statement_id):
        """Download the workbook; the access rights are those of the screen it comes from."""
        statement = request.env["stripe.statement"].browse(statement_id).exists()
        if not statement or not statement.has_access("read"):
            raise request.not_found()
        return request.make_response(statement._build_workbook(), headers=[
            ("Content-Type", XLSX),
            ("Content-Disposition", content_disposition(f"{statement.display_name}.xlsx")),
        ])
