import uuid

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.concurrency_base.tools import take_turn
from odoo.addons.credit_wallet.exceptions import InsufficientCredits

MAX_TOKEN = 64


class TrainingCalendar(http.Controller):

    # Calendar -------------------------------------------------------------------------------

    @http.route(["/trainings", "/trainings/page/<int:page>"], type="http", auth="public",
                website=True, sitemap=True, readonly=True)
    def trainings(self, page=1, **params):
        """Show sessions by month, week or list, filtered."""
        return request.render(
            "session_booking.calendar", request.env["session.calendar"]._page_values(
                request.website, {**params, "page": str(page)}))

    @http.route("/trainings/training/<int:training_id>", type="http", auth="public",
                website=True, sitemap=False, readonly=True)
    def training(self, training_id, **kw):
        """Show a training and its next sessions, of which several can be booked at once."""
        sessions = request.env["session.calendar"]._next_sessions(request.website, training_id)
        # sudo: the name and themes of a training whose sessions are published
        training = request.env["event.type"].sudo().browse(training_id).exists()
        if not training.is_training or not (sessions or request.env.user._is_internal()):
            raise request.not_found()
        return request.render("session_booking.training_page", {
            "training": training, "sessions": sessions})

    # Booking --------------------------------------------------------------------------------

    @http.route(
        '/trainings/<model("event.event"):event>', type="http", auth="public", website=True,
        sitemap=True)
    def session(self, event, attendee=None, **kw):
        """Show the session, its price in credits, and the balance before and after."""
        return request.render(
            "session_booking.session_page", self._session_values(event, attendee))

    def _session_values(self, event, attendee=None, **values):
        """Return the values of the session's page, and what the visitor can do there."""
        values = {
            "event": event, "main_object": event, "error": None,
            "book_url": self._session_url(event), "booking_token": uuid.uuid4().hex,
            "wallet": None, "signed_in": False, "registration": None, "unavailable": None,
            "waiting": None, "can_wait": False, "offer": None, "attendees": None,
            "overlaps": None, **values,
        }
        if request.env.user._is_public():
            person = None
        else:
            # sudo: what the visitor's own wallet, team, seats and place in line allow
            session = event.sudo()
            attendees = session._attendees(request.env.user.partner_id)
            person = self._choose_attendee(attendees, attendee)
            values.update(self._attendee_values(session, attendees, person))
        try:
            event._check_bookable(person)
        except UserError as unavailable:
            values["unavailable"] = str(unavailable)
            values["can_wait"] = event._is_open()
        return values

    def _session_url(self, event):
        return f"/trainings/{request.env['ir.http']._slug(event)}"

    def _choose_attendee(self, attendees, attendee):
        """Return the one of these people whose id was sent; by default the visitor."""
        sent = str(attendee or "")
        wanted = int(sent) if sent.isdecimal() and len(sent) < 10 else None
        return attendees.filtered(lambda person: person.id == wanted) or attendees[:1]

    def _attendee_values(self, event, attendees, person):
        wallet = event._wallet_to_pay(request.env.user.partner_id, person)
        waiting = request.env["session.waiting"].sudo()._of(event, person)  # sudo: see above
        return {
            "signed_in": True, "wallet": wallet,
            "attendees": attendees, "attendee": person,
            "missing": max(event.credit_price - wallet.spendable, 0),
            "registration": event.registration_ids.search([
                ("event_id", "=", event.id), ("partner_id", "=", person.id),
                ("state", "in", ("open", "done"))], limit=1),
            "waiting": waiting, "offer": event._offer_to(person),
            "overlaps": event._overlapping(person),
        }

    @http.route(
        '/trainings/<model("event.event"):event>/book', type="http", auth="public",
        methods=["POST"], website=True, sitemap=False)
    def book(self, event, token="", price="", attendee=None, overlap="", **kw):
        """Book the session, once for each token of the page: it is the idempotency key."""
        if request.env.user._is_public():
            return self._render_refusal(event, request.env._(
                "Sign in or create an account to book: credits are kept in your wallet."), 401)
        # sudo: customers have no right on registrations, ledger and invoices; the session is
        # readable by them, the wallet theirs or their company's, the attendee of their team
        session = event.sudo()
        booker = request.env.user.partner_id
        person = self._choose_attendee(session._attendees(booker), attendee)
        wallet = session._wallet_to_pay(booker, person)
        refusal = self._refusal(session, wallet, person, token, price, attendee, overlap)
        if refusal:
            return self._render_refusal(event, *refusal, attendee=attendee)
        key = f"{event.id}:{person.id}:{token}"
        try:
            registration = self._book(session, wallet, person, key)
        except InsufficientCredits as error:
            return self._render_refusal(event, str(error), 402, attendee=attendee)
        except UserError as error:
            return self._render_refusal(event, str(error), 409, attendee=attendee)
        return request.redirect(f"/my/trainings/{registration.id}?booked=1", code=303)

    def _refusal(self, session, wallet, person, token, price, attendee, overlap):
        """Return why this form is not a booking yet: (message, status), or None."""
        if attendee and str(person.id) != attendee:
            return self._not_of_the_team(), 403
        if not wallet:
            return request.env._(
                "Ask the training manager of your company to let you spend its credits."), 403
        if not token or len(token) > MAX_TOKEN or price != str(session.credit_price):
            return request.env._(
                "The price or the page changed meanwhile. Check the price and confirm again."), 409
        if overlap != str(person.id) and session._overlapping(person):
            return request.env._(
                "%(name)s has another session at the same time. Confirm once more if that is "
                "what you want.", name=person.name), 409
        return None

    def _not_of_the_team(self):
        return request.env._(
            "You may book for yourself, and for the team whose training you manage.")

    def _book(self, session, wallet, person, key):
        """Book a seat; only customers who have a chance of getting one wait in line.

        A session that is full or too expensive is answered at once.
        """
        if not session.registration_ids.search_count([("booking_key", "=", key)], limit=1):
            session._check_bookable(person)
            if wallet.spendable < session.credit_price:
                raise wallet._insufficient_error(session.credit_price)
            take_turn(request.env, wallet, session)
        with request.env.cr.savepoint():
            return session._book(wallet, person, key)

    def _render_refusal(self, event, message, status, attendee=None):
        # Nothing was written: the next in line need not wait until this page is made.
        request.env.cr.rollback()
        response = request.render(
            "session_booking.session_page",
            self._session_values(event, attendee, error=message))
        response.status_code = status
        return response
