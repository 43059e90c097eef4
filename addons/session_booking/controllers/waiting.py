from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.concurrency_base.tools import take_turn

from .calendar import TrainingCalendar


class TrainingWaiting(TrainingCalendar):
    """The routes to join the line of a full session, and to answer the offer of a seat."""

    @http.route(
        '/trainings/<model("event.event"):event>/wait', type="http", auth="public",
        methods=["POST"], website=True, sitemap=False)
    def wait(self, event, attendee=None, **kw):
        """Join the end of the line, or put an employee there; nobody in it loses their place."""
        if request.env.user._is_public():
            return self._render_refusal(event, request.env._(
                "Sign in or create an account to join the waiting list."), 401)
        # sudo: customers have no right to write; they join for themselves, or for the team of
        # the company whose credits they manage
        session = event.sudo()
        booker = request.env.user.partner_id
        person = self._choose_attendee(session._attendees(booker), attendee)
        if attendee and str(person.id) != attendee:
            return self._render_refusal(event, self._not_of_the_team(), 403)
        wallet = session._managed_wallet(booker) if person != booker else None
        try:
            take_turn(request.env, event)
            with request.env.cr.savepoint():
                request.env["session.waiting"].sudo()._join(session, person, wallet)
        except UserError as error:
            return self._render_refusal(event, str(error), 409, attendee=attendee)
        return request.redirect(
            f"{self._session_url(event)}?attendee={person.id}#booking", code=303)

    @http.route(
        "/trainings/waiting/<int:waiting_id>/<string:token>", type="http", auth="public",
        methods=["GET"], website=True, sitemap=False)
    def waiting_page(self, waiting_id, token, **kw):
        """Show the offer with two buttons: a mail scanner that opens the link accepts nothing."""
        return self._show_waiting(self._own_place(waiting_id, token))

    @http.route(
        "/trainings/waiting/<int:waiting_id>/<string:token>/<any(accept,leave):answer>",
        type="http", auth="public", methods=["POST"], website=True, sitemap=False)
    def answer_offer(self, waiting_id, token, answer, **kw):
        """Accept the seat, which spends the credits, or leave the line; a repeat is ignored."""
        waiting = self._own_place(waiting_id, token)
        accepts = answer == "accept"
        try:
            wallet = request.env["credit.wallet"]
            if accepts:
                wallet = waiting._get_paying_wallet(self._who_answers(waiting))
            take_turn(request.env, wallet, waiting.event_id)
            with request.env.cr.savepoint():
                if accepts:
                    waiting._accept(wallet)
                else:
                    waiting._leave()
        except UserError as error:
            request.env.cr.rollback()
            return self._show_waiting(waiting, str(error), 409)
        return request.redirect(waiting._get_link(), code=303)

    def _own_place(self, waiting_id, token):
        """Return the place in line that the link was made for.

        :raise NotFound: the link was altered, or the user signed in is neither its customer nor
            the manager of their team
        """
        waiting = request.env["session.waiting"]._from_token(waiting_id, token)
        if not waiting or waiting.partner_id not in waiting.event_id._attendees(
                self._who_answers(waiting)):
            raise request.not_found()
        return waiting

    def _who_answers(self, waiting):
        """Return who answers: the user signed in, else the person in line, who got the link."""
        user = request.env.user
        return waiting.partner_id if user._is_public() else user.partner_id

    def _show_waiting(self, waiting, error=None, status=200):
        booker = self._who_answers(waiting)
        response = request.render("session_booking.waiting_page", {
            "waiting": waiting, "event": waiting.event_id, "error": error,
            "for_oneself": booker == waiting.partner_id,
            "may_spend": bool(waiting.event_id._wallet_to_pay(booker, waiting.partner_id))})
        response.status_code = status
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
