import logging

import psycopg2
from werkzeug.exceptions import HTTPException

from odoo import models
from odoo.http import request

from ..problem import Problem

_logger = logging.getLogger(__name__)
SLUGS = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large",
         415: "media_type", 422: "invalid"}


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _handle_error(cls, exception):
        """Programs that call the quota API read problems, whatever went wrong and wherever."""
        path = request.httprequest.path
        if not path.startswith("/quota/v1/") or path.startswith("/quota/v1/problems/"):
            return super()._handle_error(exception)
        if isinstance(exception, psycopg2.OperationalError):
            return Problem("unavailable", headers={"Retry-After": "1"}).response()
        if isinstance(exception, HTTPException):
            return Problem(SLUGS.get(exception.code, "error")).response()
        _logger.error("Quota API: %s", path, exc_info=exception)
        return Problem("error").response()
