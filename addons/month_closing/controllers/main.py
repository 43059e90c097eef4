from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import content_disposition, request

TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


class MonthClosingController(http.Controller):

    @http.route(
        ["/month-closing/<int:company_id>/<string:month>.<string:extension>",
         "/month-closing/<int:company_id>/<string:month>/<string:section>.<string:extension>"],
        type="http", auth="user", readonly=True)
    def download(self, company_id, month, extension, section=None):
        """Download the page of a month, or one section of it.

        Route of accountants; whoever is none, or not of the company, finds nothing (404).

        :param str extension: xlsx or pdf
        :param str section: its key; None for all of them
        """
        closing = request.env["month.closing"]
        company = request.env["res.company"].browse(company_id)
        try:
            name, content = closing._download(company, month, extension, section)
        except (AccessError, UserError, LookupError):
            raise request.not_found() from None
        return request.make_response(content, headers=[
            ("Content-Type", TYPES[extension]), ("Content-Disposition", content_disposition(name)),
            ("X-Content-Type-Options", "nosniff")])
