import hmac as std_hmac
import secrets

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.misc import hmac

SCOPE = "lms_link"


class EventRegistration(models.Model):
    _inherit = "event.registration"

    lms_nonce = fields.Char(
        string="Secret of the link",
        copy=False, groups="base.group_system", default=lambda self: secrets.token_hex(8))
    lms_visits = fields.Integer(string="Visits to the course", readonly=True, copy=False)
    lms_first_access = fields.Datetime(string="First visit", readonly=True, copy=False)

    def _get_join_url(self):
        """The attendee's personal link, when the session has a course on the LMS."""
        self.ensure_one()
        if not self.event_id.lms_url:
            return super()._get_join_url()
        return f"{self.get_base_url()}/lms/go/{self._lms_token()}"

    def _lms_token(self):
        """``<registration id>-<nonce>-<signature>``, signed with the database's secret."""
        self.ensure_one()
        registration = self.sudo()  # sudo: the nonce is kept from everyone but the system
        if not registration.lms_nonce:
            registration.lms_nonce = secrets.token_hex(8)
        payload = f"{self.id}-{registration.lms_nonce}"
        return f"{payload}-{hmac(self.env(su=True), SCOPE, payload)}"

    @api.model
    def _lms_from_token(self, token):
        """The registration a token was signed for, or an empty recordset.

        sudo: the link is the credential; whoever holds it is let in, as in a mail.
        """
        registrations = self.sudo()
        payload, _dash, signature = token.rpartition("-")
        expected = hmac(self.env(su=True), SCOPE, payload)
        if not std_hmac.compare_digest(signature.encode(), expected.encode()):
            return registrations.browse()
        registration_id, _dash, nonce = payload.partition("-")
        registration = registrations.browse(int(registration_id)).exists()
        return registration if registration.lms_nonce == nonce else registrations.browse()

    def _lms_visit(self):
        """Count the visit and return the course's address.

        :raise UserError: cancelled, outside the time window, or without a (safe) course
        """
        self.ensure_one()
        event = self.event_id
        if not self._takes_a_seat():
            raise UserError(self.env._(
                "This booking is cancelled: its link no longer opens the course."))
        opens, closes = event._lms_window()
        now = fields.Datetime.now()
        if opens and now < opens:
            raise UserError(self.env._(
                "The course opens on %(date)s. Come back then with the same link.",
                date=event._format_moment(opens)))
        if closes and now > closes:
            raise UserError(self.env._(
                "The course closed on %(date)s. Contact us if you still need it.",
                date=event._format_moment(closes)))
        if not event.lms_url:
            raise UserError(self.env._("This session has no course online. Contact us."))
        # Checked again: hosts may have been struck off the list since the address was saved.
        (event.company_id or self.env.company)._check_lms_url(event.lms_url)
        self.env.cr.execute(SQL(
            "UPDATE event_registration SET lms_visits = COALESCE(lms_visits, 0) + 1, "
            "lms_first_access = COALESCE(lms_first_access, %s) WHERE id = %s", now, self.id))
        self.invalidate_recordset(["lms_visits", "lms_first_access"])
        return event.lms_url
