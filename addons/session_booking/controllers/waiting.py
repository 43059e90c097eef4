from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.credit_wallet.tools import take_turn

from .calendar import TrainingCalendar


class TrainingWaiting(TrainingCalendar):
    """Joining the line of a full session, and answering the offer of a seat."""

    @http.route(
        '/trainings/<model("event.event"):event>/wait', type="http", auth="public",
        methods=["POST"], website=True, sitemap=False)
    def wait(self, event, **kw):
        """Join the end of the line; once in it, one keeps one's place."""
        if request.env.user._is_public():
            return self._refuse(event, request.env._(
                "Sign in or create an account to join the waiting list."), 401)
        partner = request.env.user.partner_id
        try:
            take_turn(request.env, event)
            with request.env.cr.savepoint():
                # sudo: customers have no right to write; they join for themselves
                request.env["session.waiting"].sudo()._join(event.sudo(), partner)
        except UserError as error:
            return self._refuse(event, str(error), 409)
        return request.redirect(f"{self._session_url(event)}#booking", code=303)

    @http.route(
        "/trainings/waiting/<int:waiting_id>/<string:token>", type="http", auth="public",
        methods=["GET"], website=True, sitemap=False)
    def waiting_page(self, waiting_id, token, **kw):
        """What was offered, and two buttons: a mail scanner that opens the link accepts nothing."""
        return self._show_waiting(self._own_place(waiting_id, token))

    @http.route(
        "/trainings/waiting/<int:waiting_id>/<string:token>/<any(accept,leave):answer>",
        type="http", auth="public", methods=["POST"], website=True, sitemap=False)
    def answer_offer(self, waiting_id, token, answer, **kw):
        """Accept the seat, which spends the credits, or leave the line; twice is once."""
        waiting = self._own_place(waiting_id, token)
        accepts = answer == "accept"
        try:
            wallets = waiting._wallet() if accepts else request.env["credit.wallet"]
            take_turn(request.env, wallets, waiting.event_id)
            with request.env.cr.savepoint():
                if accepts:
                    waiting._accept()
                else:
                    waiting._leave()
        except UserError as error:
            request.env.cr.rollback()
            return self._show_waiting(waiting, str(error), 409)
        return request.redirect(waiting._get_link(), code=303)

    def _own_place(self, waiting_id, token):
        """:raise NotFound: altered link, or one sent to another customer than who is signed in
        """
        waiting = request.env["session.waiting"]._from_token(waiting_id, token)
        user = request.env.user
        if not waiting or not (user._is_public() or user.partner_id == waiting.partner_id):
            raise request.not_found()
        return waiting

    def _show_waiting(self, waiting, error=None, status=200):
        response = request.render("session_booking.waiting_page", {
            "waiting": waiting, "event": waiting.event_id, "error": error})
        response.status_code = status
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
