import hmac as std_hmac
import secrets
import time
import uuid
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.misc import hmac

from ..exceptions import LinkReplaced
from ..tools import fill_lms_url, placeholders

SCOPE = "lms_link"


class EventRegistration(models.Model):
    _inherit = "event.registration"

    lms_nonce = fields.Char(
        string="Secret of the link", engine=True,
        copy=False, groups="base.group_system", default=lambda self: secrets.token_hex(8))
    lms_visits = fields.Integer(string="Visits to the course", readonly=True, engine=True,
        copy=False)
    lms_first_access = fields.Datetime(string="First visit", readonly=True, engine=True, copy=False)

    def _get_join_url(self):
        """Return the attendee's personal link, when the session has a course on the LMS."""
        self.ensure_one()
        # sudo: attendees may not read the address; they get a link of their own
        if not self.sudo().event_id.lms_url:
            return super()._get_join_url()
        return f"{self.get_base_url()}/lms/go/{self._lms_token()}"

    def _lms_token(self):
        """Return ``<registration id>-<nonce>-<signature>``, signed with the database's secret."""
        self.ensure_one()
        registration = self.sudo()  # sudo: the nonce is kept from everyone but the system
        if not registration.lms_nonce:
            registration.lms_nonce = secrets.token_hex(8)
        payload = f"{self.id}-{registration.lms_nonce}"
        return f"{payload}-{hmac(self.env(su=True), SCOPE, payload)}"

    @api.model
    def _lms_from_token(self, token):
        """Return the registration that a token was signed for, or an empty recordset.

        sudo: the link is the credential; whoever holds it is admitted, as with any link in a mail.

        :raise LinkReplaced: the token was valid until the mail was sent again
        """
        registrations = self.sudo()
        payload, _dash, signature = token.rpartition("-")
        expected = hmac(self.env(su=True), SCOPE, payload)
        if not std_hmac.compare_digest(signature.encode(), expected.encode()):
            return registrations.browse()
        registration_id, _dash, nonce = payload.partition("-")
        registration = registrations.browse(int(registration_id)).exists()
        if registration and registration.lms_nonce != nonce:
            raise LinkReplaced(self.env._(
                "This link was replaced by a newer one: open the one in your latest mail, or "
                "“My trainings”."))
        return registration

    def _prepare_resend(self):
        """Replace the link: an attendee who asks for the mail again may not have the first one.

        sudo: only the system may read the nonce.
        """
        for registration in self.sudo().filtered("event_id.lms_url"):
            registration.lms_nonce = secrets.token_hex(8)
        return super()._prepare_resend()

    def _lms_redirect_url(self, partner):
        """Return where the partner is redirected after booking, or an empty text.

        A manager who books for an employee is not redirected: the visit would count as the
        employee's.
        """
        self.ensure_one()
        event = self.event_id
        if (not event.event_type_id.lms_redirect or not event.lms_url
                or self.partner_id != partner or not self._takes_a_seat()
                or not event._lms_is_open()):
            return ""
        return self._get_join_url()

    def _lms_target(self):
        """Return the course's address, with its placeholders filled in for this attendee.

        :raise ValidationError: the address is no longer allowed
        """
        self.ensure_one()
        event = self.event_id
        company = event.company_id or self.env.company
        # Checked again: hosts may have been struck off the list since the address was saved.
        company._check_lms_url(event.lms_url)
        code = event.lms_session_code or str(event.id)
        values = {"email": self.email, "name": self.name, "session_code": code}
        if "jwt" in placeholders(event.lms_url):
            values["jwt"] = company._lms_sign(self._prepare_lms_claims(code))
        return fill_lms_url(event.lms_url, values)

    def _prepare_lms_claims(self, code):
        """Prepare the claims of the token: attendee, session, LMS; ``jti`` makes it single-use."""
        now = int(time.time())
        return {
            "iss": self.get_base_url(), "aud": urlsplit(self.event_id.lms_url).hostname,
            "sub": str(self.partner_id.id or self.email or self.id),
            "email": self.email or "", "name": self.name or "", "session_code": code,
            "registration": self.id, "iat": now, "nbf": now, "jti": uuid.uuid4().hex,
        }

    def _check_lms_open(self):
        """Refuse to open the course when this registration has no access to it now.

        :raise UserError: cancelled, outside the time window, or without a course
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

    def _lms_visit(self):
        """Count the visit and return the course's address.

        :raise UserError: cancelled, outside the time window, or without a (safe) course
        """
        self._check_lms_open()
        target = self._lms_target()
        now = fields.Datetime.now()
        self.env.cr.execute(SQL(
            "UPDATE event_registration SET lms_visits = COALESCE(lms_visits, 0) + 1, "
            "lms_first_access = COALESCE(lms_first_access, %s) WHERE id = %s", now, self.id))
        self.invalidate_recordset(["lms_visits", "lms_first_access"])
        return target
