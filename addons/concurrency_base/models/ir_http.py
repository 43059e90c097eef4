from werkzeug.exceptions import BadRequest
from werkzeug.routing import ValidationError

from odoo import models
from odoo.http import request

MAX_ID = 2**31 - 1  # of a row, in PostgreSQL


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _get_converters(cls):
        """Match no address with an id that no row can have: it is not found.

        Odoo reads 0 as no record at all, which its pages are not made for, and a number too large
        for the database ends in an error of the database: both were answered with 500.
        """
        converters = super()._get_converters()
        return {**converters, "model": _of_a_record(converters["model"]),
                "int": _of_a_row(converters["int"])}

    @classmethod
    def _match(cls, path_info):
        """Refuse an address with the one character that the database cannot keep.

        Odoo looks for a page of this address, which the database refuses: it was answered 500.

        :raise BadRequest: there is one
        """
        if "\0" in path_info:
            raise BadRequest()
        return super()._match(path_info)

    @classmethod
    def _dispatch(cls, endpoint):
        """Write what the request has to write before its session is kept; undo it for HEAD.

        Odoo saves the session first. A request that then meets a conflict is made again, and does
        not find what it took out of the session, such as the reason of a refusal to show once.

        Odoo runs the method of GET for it. Programs that check a link ask with HEAD, and it
        promises to change nothing (RFC 9110, 9.3.2).

        :raise BadRequest: a text holds the one character that the database cannot keep
        """
        if any("\0" in value for value in request.params.values() if isinstance(value, str)):
            raise BadRequest()
        if request.httprequest.method != "HEAD":
            response = super()._dispatch(endpoint)
            request.env.cr.flush()
            return response
        request.session.can_save = False
        response = super()._dispatch(endpoint)
        request.env.cr.rollback()
        return response


def _of_a_record(converter):
    """Return a converter that refuses what is no record."""
    class RecordConverter(converter):
        def to_python(self, value):
            """:raise ValidationError: no row can have this id"""
            record = super().to_python(value)
            if not record or record.id > MAX_ID:
                raise ValidationError()
            return record

    return RecordConverter


def _of_a_row(converter):
    """Return a converter that refuses numbers too large for the database."""
    class RowConverter(converter):
        def to_python(self, value):
            """:raise ValidationError: it is too large"""
            number = super().to_python(value)
            if abs(number) > MAX_ID:
                raise ValidationError()
            return number

    return RowConverter
