import logging

import psycopg2
from werkzeug.exceptions import HTTPException

from odoo import models
from odoo.http import request

from ..problem import Problem

_logger = logging.getLogger(__name__)
SLUGS = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large",
         415: "media_type", 422: "invalid"}


def _for_programs():
    path = request.httprequest.path
    return path.startswith("/quota/v1/") and not path.startswith("/quota/v1/problems/")


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """Skip what is prepared for visitors.

        A program has no website, language of the session or campaign; preparing them takes longer
        than counting.
        """
        if not _for_programs():
            return super()._pre_dispatch(rule, args)
        return request.dispatcher.pre_dispatch(rule, args)

    @classmethod
    def _post_dispatch(cls, response):
        if not _for_programs():
            return super()._post_dispatch(response)
        return request.dispatcher.post_dispatch(response)

    @classmethod
    def _handle_error(cls, exception):
        """Answer programs with a problem, whatever went wrong and wherever."""
        if not _for_programs():
            return super()._handle_error(exception)
        path = request.httprequest.path
        if isinstance(exception, psycopg2.OperationalError):
            return Problem("unavailable", headers={"Retry-After": "1"}).response()
        if isinstance(exception, HTTPException):
            return Problem(SLUGS.get(exception.code, "error")).response()
        _logger.error("Quota API: %s", path, exc_info=exception)
        return Problem("error").response()
