import uuid

from odoo import fields, http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.concurrency_base.tools import take_turn
from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

from .calendar import MAX_TOKEN


class TrainingPortal(CustomerPortal):
    _trainings_per_page = 20

    @http.route(
        ["/my/trainings", "/my/trainings/page/<int:page>"],
        type="http", auth="user", website=True, readonly=True)
    def portal_my_trainings(self, page=1, filterby="coming", **kw):
        """Show « Mes formations »: coming, past and cancelled."""
        now = fields.Datetime.now()
        live = Domain("state", "in", ["open", "done"])
        domains = {
            "coming": live & Domain("event_id.date_end", ">=", now),
            "past": live & Domain("event_id.date_end", "<", now),
            "cancelled": Domain("state", "=", "cancel"),
        }
        labels = {
            "coming": request.env._("Coming"),
            "past": request.env._("Past"),
            "cancelled": request.env._("Cancelled"),
        }
        filters = {key: {"label": labels[key], "domain": domains[key]} for key in domains}
        filterby = filterby if filterby in filters else "coming"
        registrations = request.env["event.registration"]
        domain = Domain("event_id.is_training", "=", True) & domains[filterby]
        pager = portal_pager(
            url="/my/trainings", total=registrations.search_count(domain), page=page,
            step=self._trainings_per_page, url_args={"filterby": filterby})
        values = self._prepare_portal_layout_values()
        values.update({
            "booked": kw.get("booked"),
            # sudo: links of one's own, and of the employees one put in line
            "line": request.env["session.waiting"].search([
                "|", ("partner_id", "=", request.env.user.partner_id.id),
                ("wallet_id.manager_ids", "in", request.env.user.partner_id.ids),
                ("state", "in", ("waiting", "offered"))]).sudo(),
            "page_name": "trainings",
            "default_url": "/my/trainings",
            "registrations": registrations.search(
                domain, limit=self._trainings_per_page, offset=pager["offset"]).sorted(
                    lambda registration: registration.event_id.date_begin,
                    reverse=filterby != "coming"),
            "pager": pager, "searchbar_filters": filters, "filterby": filterby,
        })
        return request.render("session_booking.portal_my_trainings", values)

    def _own_registration(self, registration_id):
        """Return the customer's registration.

        :raise NotFound: it does not exist, or belongs to another customer
        """
        registration = request.env["event.registration"].browse(registration_id)
        try:
            registration.check_access("read")
            registration.exists().ensure_one()
        except (AccessError, MissingError, ValueError) as error:
            raise request.not_found() from error
        return registration

    @http.route(
        "/my/trainings/<int:registration_id>", type="http", auth="user", website=True)
    def portal_my_training(self, registration_id, booked=None, error=None, **kw):
        """Show one seat, and how it can be cancelled or exchanged."""
        registration = self._own_registration(registration_id)
        values = self._prepare_portal_layout_values()
        values.update({
            "page_name": "training", "registration": registration,
            "event": registration.event_id.sudo(),  # sudo: an unpublished past session
            "booked": booked, "error": error,
            # sudo: sessions on sale, and whether this attendee has a seat in them
            "swap_sessions": registration.sudo()._swap_sessions(),
            "swap_token": uuid.uuid4().hex,
            "google_url": registration.sudo().event_id._get_event_resource_urls()["google_url"],
            # sudo: the invoice of the user's own seat; its link carries its own token
            "booking_invoice": registration.sudo().credit_entry_id.move_ids[:1],
        })
        return request.render("session_booking.portal_my_training", values)

    @http.route(
        "/my/trainings/<int:registration_id>/cancel", type="http", auth="user",
        methods=["POST"], website=True)
    def portal_cancel_training(self, registration_id, **kw):
        """Cancel the seat until the deadline; the credits go back to their lots."""
        registration = self._own_registration(registration_id)
        try:
            with request.env.cr.savepoint():
                # sudo: customers have no write access; the registration is theirs
                registration.sudo()._cancel_by_customer()
        except UserError as error:
            return self.portal_my_training(registration_id, error=str(error))
        return request.redirect(f"/my/trainings/{registration_id}", code=303)

    @http.route(
        "/my/trainings/<int:registration_id>/swap", type="http", auth="user",
        methods=["POST"], website=True)
    def portal_swap_training(self, registration_id, session="", token="", **kw):
        """Exchange the seat for one in another session of the same training.

        A second call with the same token of the page is ignored.
        """
        registration = self._own_registration(registration_id)
        target = request.env["event.event"].search(
            [("id", "=", int(session) if session.isdecimal() and len(session) < 10 else 0)])
        if not target or not token or len(token) > MAX_TOKEN:
            return self.portal_my_training(registration_id, error=request.env._(
                "Choose the session to change to, and confirm again."))
        # sudo: customers have no write access; the seat is theirs, the session is on sale
        seat = registration.sudo()
        try:
            take_turn(
                request.env, seat.credit_entry_id.wallet_id, (seat.event_id | target).sudo())
            with request.env.cr.savepoint():
                swapped = seat._swap_to(target.sudo(), f"swap:{seat.id}:{token}")
        except UserError as error:
            return self.portal_my_training(registration_id, error=str(error))
        return request.redirect(f"/my/trainings/{swapped.id}?booked=1", code=303)

    @http.route(
        "/my/trainings/calendar.ics", type="http", auth="user", methods=["GET"], readonly=True)
    def portal_trainings_ics(self):
        """Download the customer's coming seats for a calendar application."""
        return self._answer_ics(request.env["event.registration"].search([
            ("partner_id", "=", request.env.user.partner_id.id),
            ("state", "=", "open"), ("event_id.is_training", "=", True),
            ("event_id.date_end", ">=", fields.Datetime.now())]))

    @http.route(
        "/my/trainings/<int:registration_id>/calendar.ics", type="http", auth="user",
        methods=["GET"], readonly=True)
    def portal_training_ics(self, registration_id):
        """Download one seat for a calendar application."""
        return self._answer_ics(self._own_registration(registration_id))

    def _answer_ics(self, registrations):
        # sudo: sessions of one's own seats, unpublished ones too
        return request.make_response(registrations.sudo()._get_ics(), headers=[
            ("Content-Type", "text/calendar; charset=utf-8"),
            ("Content-Disposition", 'attachment; filename="trainings.ics"')])
