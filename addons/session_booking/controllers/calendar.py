import calendar
import uuid
from datetime import date, datetime, time

import pytz
from dateutil.relativedelta import relativedelta

from odoo import fields, http
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.http import request
from odoo.tools import format_date
from odoo.tools.misc import get_lang

from odoo.addons.credit_wallet.exceptions import InsufficientCredits
from odoo.addons.credit_wallet.tools import take_turn


class TrainingCalendar(http.Controller):

    # Calendar -------------------------------------------------------------------------------

    @http.route("/trainings", type="http", auth="public", website=True, sitemap=True)
    def trainings(self, month=None, theme=None, place=None, **kw):
        """The month's sessions as a calendar, and as a list on phones."""
        first = self._parse_month(month)
        sessions = request.env["event.event"].search(
            self._session_domain(first, theme, place), order="date_begin, id")
        return request.render("session_booking.calendar", {
            "sessions": sessions,
            "weeks": self._weeks(first, sessions),
            "weekdays": self._weekdays(),
            "month": first,
            "month_label": format_date(
                request.env, first, date_format="MMMM yyyy").capitalize(),
            "previous": f"{first - relativedelta(months=1):%Y-%m}",
            "next": f"{first + relativedelta(months=1):%Y-%m}",
            "today": self._today(),
            "themes": self._themes(),
            "theme": int(theme) if theme and theme.isdigit() else None,
            "place": place if place in ("online", "onsite") else None,
            "next_session": not sessions and request.env["event.event"].search(
                self._filters(theme, place) & Domain("date_begin", ">", fields.Datetime.now()),
                order="date_begin", limit=1),
        })

    def _today(self):
        timezone = pytz.timezone(request.website.company_id.credit_tz or "UTC")
        return datetime.now(timezone).date()

    def _parse_month(self, month):
        try:
            return datetime.strptime(month or "", "%Y-%m").date()
        except ValueError:
            return self._today().replace(day=1)

    def _filters(self, theme, place):
        domain = Domain([("is_training", "=", True), ("kanban_state", "!=", "cancel")])
        domain &= Domain(request.website.website_domain())
        if theme and theme.isdigit():
            domain &= Domain("tag_ids", "in", [int(theme)])
        if place == "online":
            domain &= Domain("address_id", "=", False)
        elif place == "onsite":
            domain &= Domain("address_id", "!=", False)
        return domain

    def _session_domain(self, first, theme, place):
        """Sessions that begin in the month of the company's civil calendar."""
        timezone = pytz.timezone(request.website.company_id.credit_tz or "UTC")
        begin, end = (
            timezone.localize(datetime.combine(day, time.min)).astimezone(pytz.utc)
            .replace(tzinfo=None)
            for day in (first, first + relativedelta(months=1)))
        return self._filters(theme, place) & Domain(
            [("date_begin", ">=", begin), ("date_begin", "<", end)])

    def _weeks(self, first, sessions):
        """Rows of (day, sessions of the day), from the first weekday of the language."""
        by_day = sessions.grouped(lambda session: session._local_date())
        start = int(get_lang(request.env).week_start) - 1
        weeks = calendar.Calendar(start).monthdatescalendar(first.year, first.month)
        return [[(day, by_day.get(day, sessions.browse())) for day in week] for week in weeks]

    def _weekdays(self):
        start = int(get_lang(request.env).week_start) - 1
        monday = date(2024, 1, 1)
        return [
            format_date(request.env, monday + relativedelta(days=start + i), date_format="EEEE")
            for i in range(7)]

    def _themes(self):
        return request.env["event.tag"].search([
            ("id", "in", request.env["event.event"].sudo().search(
                # sudo: tags of sessions the visitor can see anyway
                Domain([("is_training", "=", True), ("is_published", "=", True)])).tag_ids.ids)])

    # Booking --------------------------------------------------------------------------------

    @http.route(
        '/trainings/<model("event.event"):event>', type="http", auth="public", website=True,
        sitemap=True)
    def session(self, event, **kw):
        """The session, its price in credits, and the balance before and after."""
        return request.render(
            "session_booking.session_page", self._session_values(event))

    def _session_values(self, event, error=None):
        values = {
            "event": event, "main_object": event, "error": error,
            "book_url": f"/trainings/{request.env['ir.http']._slug(event)}",
            "booking_token": uuid.uuid4().hex,
            "wallet": None, "signed_in": False, "registration": None, "unavailable": None,
        }
        try:
            event._check_bookable()
        except UserError as unavailable:
            values["unavailable"] = str(unavailable)
        if not request.env.user._is_public():
            partner = request.env.user.partner_id
            wallet = self._wallet(event)
            values.update({
                "wallet": wallet,
                "signed_in": True,
                "missing": max(event.credit_price - wallet.balance, 0),
                "registration": request.env["event.registration"].search([
                    ("event_id", "=", event.id), ("partner_id", "=", partner.id),
                    ("state", "in", ("open", "done"))], limit=1),
            })
        return values

    def _wallet(self, event):
        """The wallet that would pay; none when the user may spend from none."""
        company = event.sudo().company_id or request.website.company_id
        return request.env["credit.wallet"]._to_spend(
            request.env.user.partner_id, company, event.credit_price)

    @http.route(
        '/trainings/<model("event.event"):event>/book', type="http", auth="public",
        methods=["POST"], website=True, sitemap=False)
    def book(self, event, token="", price="", **kw):
        """One confirmed click books once: the page's token is the idempotency key."""
        if request.env.user._is_public():
            return self._refuse(event, request.env._(
                "Sign in or create an account to book: credits are kept in your wallet."), 401)
        partner = request.env.user.partner_id
        wallet = self._wallet(event)
        if not wallet:
            return self._refuse(event, request.env._(
                "Ask the training manager of your company to let you spend its credits."), 403)
        if not token or len(token) > 64 or price != str(event.credit_price):
            return self._refuse(event, request.env._(
                "The price or the page changed meanwhile. Check the price and confirm again."),
                409)
        key = f"{event.id}:{partner.id}:{token}"
        try:
            # Full or too dear is answered at once; only who has a chance waits in line.
            if not request.env["event.registration"].sudo().search_count(
                    [("booking_key", "=", key)], limit=1):
                event._check_bookable()
                if wallet.balance < event.credit_price:
                    raise wallet._insufficient_error(event.credit_price)
                take_turn(request.env, wallet, event)
            with request.env.cr.savepoint():
                # sudo: customers have no right on registrations, ledger and invoices; the
                # wallet is theirs (checked above) and the session is readable by them
                registration = event.sudo()._book(wallet, partner, key)
        except InsufficientCredits as error:
            return self._refuse(event, str(error), 402)
        except UserError as error:
            return self._refuse(event, str(error), 409)
        return request.redirect(f"/my/trainings/{registration.id}?booked=1", code=303)

    def _refuse(self, event, message, status):
        # Nothing was written: the next in line need not wait until this page is made.
        request.env.cr.rollback()
        response = request.render(
            "session_booking.session_page", self._session_values(event, error=message))
        response.status_code = status
        return response
