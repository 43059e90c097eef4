import json
import re

import psycopg2
from werkzeug.exceptions import BadRequest

from odoo import fields, http
from odoo.api import Environment
from odoo.fields import Domain
from odoo.http import content_disposition, request

from ..tools import column_names, csv_chunks, xlsx_chunks

PERIOD = re.compile(r"\d{4}-\d\d(-\d\d)?( – \d{4}-\d\d-\d\d)?")
MAX_DOMAIN = 20_000  # characters; a search with 500 selected records has 4,000
FORMATS = {
    "csv": (csv_chunks, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_chunks, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def download(records, domain, extension, names=None, period=""):
    """Stream the records of the domain that their user may see.

    :param str extension: "csv" or "xlsx"
    :param str period: that the name of the file tells, today by default
    :param names: fields of the columns; by default those of the model's exports
    """
    make_chunks, content_type = FORMATS[extension]
    env, model = records.env, records._name
    registry, uid, context = env.registry, env.uid, env.context
    decimal_point = env["res.lang"]._get_data(code=env.user.lang).decimal_point or "."

    def chunks():
        # Read after the request's own cursor is closed, as its user.
        """Yield the bytes of the file."""
        with registry.cursor(readonly=True) as cr:
            rows = Environment(cr, uid, context)[model]._export_rows(domain, names)
            yield from make_chunks(rows, decimal_point)

    return request.make_response(chunks(), headers=[
        ("Content-Type", content_type),
        ("Content-Disposition", content_disposition(
            f"{_file_name(records, period)}.{extension}")),
        ("X-Content-Type-Options", "nosniff")])


def _file_name(records, period):
    """Say in the user's language what the file holds: « Crédits – historique – 2026-11 »."""
    env = records.env
    what = {
        "credit.entry": env._("Credits – history"), "credit.lot": env._("Credits – lots"),
        "credit.wallet": env._("Credits – wallets")}[records._name]
    if not PERIOD.fullmatch(period):
        period = fields.Date.to_string(fields.Date.context_today(records))
    return f"{what} – {period}"


class CreditExport(http.Controller):

    @http.route(
        '/credits/export/<any("credit.wallet","credit.lot","credit.entry"):model>'
        ".<any(csv,xlsx):extension>",
        type="http", auth="user", methods=["GET"], readonly=True)
    def export(self, model, extension, domain="[]", period="", **kw):
        """Download the records of a search domain (JSON) that the user may see."""
        records = request.env[model]
        records._check_export_access()
        if len(domain) > MAX_DOMAIN:
            raise BadRequest()
        try:
            domain = Domain(json.loads(domain))
            with request.env.cr.savepoint(flush=False):
                records.search_count(domain, limit=1)
        except (TypeError, ValueError, RecursionError, psycopg2.DataError) as error:
            raise BadRequest(str(error)) from error
        return download(records, domain, extension, period=period)

    @http.route("/credits/import/template.csv", type="http", auth="user", methods=["GET"],
                readonly=True)
    def import_template(self):
        """Download an empty file for the import, its columns named as the reader calls them."""
        header = ";".join(column_names(request.env))
        return request.make_response(f"\ufeff{header}\r\n", headers=[
            ("Content-Type", "text/csv; charset=utf-8"),
            ("Content-Disposition", content_disposition(
                f"{request.env._('Credits to import')}.csv"))])
