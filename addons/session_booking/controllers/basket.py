import uuid

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.concurrency_base.tools import take_turn
from odoo.addons.credit_wallet.exceptions import InsufficientCredits

from .calendar import MAX_TOKEN

MAX_SESSIONS = 20


class TrainingBasket(http.Controller):
    """The routes to book several sessions with one click, all or nothing."""

    @http.route("/trainings/basket", type="http", auth="user", methods=["GET"], website=True,
                sitemap=False)
    def basket(self, **kw):
        """Show the sessions chosen, their total price, and the balance before and after."""
        return self._render_basket(self._sessions())

    @http.route("/trainings/basket/book", type="http", auth="user", methods=["POST"],
                website=True, sitemap=False)
    def book_basket(self, token="", price="", **kw):
        """Book the sessions, once for each token of the page, at the price that was shown.

        The page's token is the idempotency key.
        """
        sessions = self._sessions()
        partner = request.env.user.partner_id
        # sudo: as for one session: their own wallet pays for sessions they can read
        wallet = sessions.sudo()._wallet_to_pay(partner, partner)
        if not sessions or not wallet or not token or len(token) > MAX_TOKEN or price != str(
                sum(sessions.mapped("credit_price"))):
            return self._render_basket(sessions, request.env._(
                "The price or the page changed meanwhile. Check the price and confirm again."), 409)
        try:
            take_turn(request.env, wallet, sessions)
            with request.env.cr.savepoint():
                sessions.sudo()._book_all(wallet, partner, f"basket:{partner.id}:{token}")
        except InsufficientCredits as error:
            return self._render_basket(sessions, str(error), 402)
        except UserError as error:
            return self._render_basket(sessions, str(error), 409)
        return request.redirect("/my/trainings?booked=1", code=303)

    def _sessions(self):
        """Return the sessions whose ids were sent, of those the visitor can see."""
        sent = request.httprequest.values.getlist("session")[:MAX_SESSIONS]
        return request.env["event.event"].search([
            ("id", "in", [int(id_) for id_ in sent if id_.isdecimal() and len(id_) < 10]),
            ("is_training", "=", True)], order="date_begin, id")

    def _render_basket(self, sessions, error=None, status=200):
        if error:
            request.env.cr.rollback()
        partner = request.env.user.partner_id
        price = sum(sessions.mapped("credit_price"))
        wallet = sessions.sudo()._wallet_to_pay(partner, partner)  # sudo: see above
        response = request.render("session_booking.basket_page", {
            "sessions": sessions, "price": price, "wallet": wallet, "error": error,
            "missing": max(price - wallet.spendable, 0), "token": uuid.uuid4().hex,
            "overlaps": {
                session: session.sudo()._overlapping(partner) for session in sessions},
            "back": "/trainings/basket?" + "&".join(f"session={id_}" for id_ in sessions.ids),
        })
        response.status_code = status
        return response
