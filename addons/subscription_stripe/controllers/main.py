import logging

from werkzeug.exceptions import BadRequest

from odoo import http
from odoo.http import request

from odoo.addons.payment_stripe.controllers.main import StripeController

from .. import const
from ..exceptions import SignatureRefused

_logger = logging.getLogger(__name__)


class StripeInbox(StripeController):

    @http.route(max_content_length=const.MAX_BODY, save_session=False)
    def stripe_webhook(self):
        """Keep what Stripe tells, answer at once, then act upon it.

        Odoo's own address is kept, so that an endpoint registered before this addon came goes on
        working, "Generate your webhook" stays the one place to make it, and no event can arrive
        by a second door. What is behind it is replaced: Odoo acts before it answers, and forgets
        an event that meets a conflict.

        :return: 200 once the event is stored, also when it was stored before
        :raise BadRequest: the signature is missing, wrong, too old, or no event was signed
        :raise RequestEntityTooLarge: more than 1 MB
        """
        body = request.httprequest.get_data()
        # sudo: the signature is checked before anything is stored
        events = request.env["stripe.event"].sudo()
        try:
            event = events._receive(body, request.httprequest.headers.get("Stripe-Signature"))
        except SignatureRefused as error:
            _logger.warning(
                "Stripe notification from %s refused: %s", request.httprequest.remote_addr, error)
            raise BadRequest(str(error)) from error
        response = request.make_json_response("")
        if event:
            response.call_on_close(event._work_after_answer())
        return response
