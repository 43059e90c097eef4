from werkzeug.exceptions import BadRequest, HTTPException

from odoo.http import request, route

from odoo.addons.web.controllers.report import ReportController


class PaperReportController(ReportController):

    @route()
    def report_barcode(self, barcode_type=None, value=None, **kwargs):
        """Answer what cannot be a barcode with 400 and a sentence, never with an error of ours.

        :raise BadRequest: there is no value, it is longer than the code can hold, or the size
            is not a number
        """
        try:
            if barcode_type and value:
                return super().report_barcode(barcode_type, value, **kwargs)
        except HTTPException as error:
            if error.code:
                raise
        raise BadRequest(request.env._(
            "This cannot be a barcode: the text is missing, too long, or of other characters than "
            "this kind of code can hold."))
