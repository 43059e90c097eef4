from werkzeug.exceptions import NotFound

from odoo import models
from odoo.http import request

MAX_ID = 2**31 - 1  # of a row, in PostgreSQL


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """Answer 404 to an id that no row can have.

        Odoo takes a record of the id 0 for one that exists, and a number too large for the
        database ends in its error: both were answered with 500.
        """
        for value in args.values():
            ids = value._ids if isinstance(value, models.BaseModel) else (value,)
            for record_id in ids:
                if isinstance(value, models.BaseModel) and not record_id or (
                        isinstance(record_id, int) and not 0 <= record_id <= MAX_ID):
                    raise NotFound()
        super()._pre_dispatch(rule, args)

    @classmethod
    def _dispatch(cls, endpoint):
        """Undo whatever a request with HEAD wrote, and do not keep its session.

        Odoo runs the method of GET for it. Programs that check a link ask with HEAD, and it
        promises to change nothing (RFC 9110, 9.3.2).
        """
        if request.httprequest.method != "HEAD":
            return super()._dispatch(endpoint)
        request.session.can_save = False
        response = super()._dispatch(endpoint)
        request.env.cr.rollback()
        return response
