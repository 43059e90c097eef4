from odoo import http
from odoo.http import content_disposition, request


class InvoiceDownload(http.Controller):

    @http.route("/legal_invoice/download/<int:download_id>", type="http", auth="user")
    def download(self, download_id):
        """Send the invoices that the user asked for with the wizard, as one file.

        Route of the signed-in user who made the download; nobody else's is found (404).

        :param int download_id: of the ``legal.invoice.download``
        :raise NotFound: there is none of this user
        """
        download = request.env["legal.invoice.download"].search([
            ("id", "=", download_id), ("create_uid", "=", request.env.uid)])
        if not download:
            raise request.not_found()
        name, mimetype, content = download._prepare_download()
        return request.make_response(content, headers=[
            ("Content-Type", mimetype), ("Content-Length", len(content)),
            ("Content-Disposition", content_disposition(name)),
            ("X-Content-Type-Options", "nosniff")])
