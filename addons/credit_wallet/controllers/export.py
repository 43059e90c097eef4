import json

from werkzeug.exceptions import BadRequest

from odoo import http
from odoo.api import Environment
from odoo.fields import Domain
from odoo.http import content_disposition, request

from ..tools import csv_chunks, xlsx_chunks

FORMATS = {
    "csv": (csv_chunks, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_chunks, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


class CreditExport(http.Controller):

    @http.route(
        '/credits/export/<any("credit.wallet","credit.lot","credit.entry"):model>'
        ".<any(csv,xlsx):extension>",
        type="http", auth="user", methods=["GET"], readonly=True)
    def export(self, model, extension, domain="[]", **kw):
        """Download the records of a search domain (JSON) that the user may see."""
        records = request.env[model]
        records._check_export_access()
        try:
            domain = Domain(json.loads(domain))
            records.search_count(domain, limit=1)
        except (TypeError, ValueError) as error:
            raise BadRequest(str(error)) from error
        make_chunks, content_type = FORMATS[extension]
        name = f"{records.env._(records._description)}.{extension}"
        return request.make_response(
            self._stream(records.env, model, domain, make_chunks),
            headers=[("Content-Type", content_type),
                     ("Content-Disposition", content_disposition(name)),
                     ("X-Content-Type-Options", "nosniff")])

    @staticmethod
    def _stream(env, model, domain, make_chunks):
        """Chunks of the file, read after the request's own cursor is closed, as its user."""
        registry, uid, context = env.registry, env.uid, env.context
        decimal_point = env["res.lang"]._get_data(code=env.user.lang).decimal_point or "."

        def chunks():
            with registry.cursor(readonly=True) as cr:
                records = Environment(cr, uid, context)[model]
                yield from make_chunks(records._export_rows(domain), decimal_point)
        return chunks()
