import io
import ipaddress
import re
import time
from urllib.parse import urlsplit

import pytz
import stripe

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from odoo.addons.payment.const import CURRENCY_MINOR_UNITS
from odoo.addons.payment_stripe import const as stripe_const
from odoo.addons.payment_stripe import utils as stripe_utils

from .. import const
from ..exceptions import SignatureRefused, StripeRefused, StripeUnknown


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    stripe_former_secret = fields.Char(
        string="Former Signing Secret", copy=False, groups="base.group_system",
        help="Still accepted for a day after the secret was replaced, as Stripe does.")
    stripe_former_secret_until = fields.Datetime(
        string="Accepted Until", copy=False, groups="base.group_system")

    stripe_is_account_booked = fields.Boolean(
        string="Books Payouts and Fees of the Account", default=True, copy=False,
        help="Off where another company, or another database, has the same account at Stripe and "
        "books what is of the account as a whole.")

    def write(self, vals):
        """Keep a replaced signing secret valid for the deliveries that are under way."""
        replaced = self.browse()
        if "stripe_webhook_secret" in vals and "stripe_former_secret" not in vals:
            replaced = self.filtered(
                lambda provider: provider.stripe_webhook_secret
                and provider.stripe_webhook_secret != vals["stripe_webhook_secret"])
        for provider in replaced:
            super(PaymentProvider, provider).write({
                "stripe_former_secret": provider.stripe_webhook_secret,
                "stripe_former_secret_until": fields.Datetime.now() + const.SECRET_OVERLAP})
        return super().write(vals)

    # Address of Stripe ----------------------------------------------------------------------------

    def _stripe_api_base(self):
        """Return the address of the payment server of tests, or nothing: then it is Stripe's."""
        # sudo: where requests go is no secret, but parameters are for administrators
        return self.env["ir.config_parameter"].sudo().get_param(const.API_BASE_PARAMETER)

    @api.constrains("code", "state", "stripe_secret_key")
    def _check_stripe_api_base(self):
        for provider in self.filtered(lambda provider: provider.state != "disabled"):
            if reason := provider._stripe_wrong_api_base():
                raise ValidationError(reason)

    def _stripe_wrong_api_base(self):
        """Say why requests must not go where the parameter leads; None when they may."""
        self.ensure_one()
        base = self.code == "stripe" and self._stripe_api_base()
        if base and not _is_loopback(base):
            return self.env._(
                "%(parameter)s must be an address of this machine such as "
                "http://127.0.0.1:8420, not %(base)s. Remove it to talk to Stripe.",
                parameter=const.API_BASE_PARAMETER, base=base)
        if base and (self.state == "enabled" or not self._stripe_has_test_key()):
            return self.env._(
                "%(parameter)s leads to a payment server for tests. %(provider)s takes real "
                "payments: remove the parameter, or put the provider in test mode with a test "
                "key.", parameter=const.API_BASE_PARAMETER, provider=self.name)
        return None

    def _stripe_has_test_key(self):
        """Tell whether the secret key is one for tests."""
        self.ensure_one()
        return (self.sudo().stripe_secret_key or "").startswith(const.TEST_KEYS)  # sudo: yes or no

    def _build_request_url(self, endpoint, *, is_proxy_request=False, **kwargs):
        """Reach the tests' payment server when a parameter says so, else Stripe.

        :raise UserError: the parameter is set where it must not; nothing was asked of anybody
        """
        base = self.code == "stripe" and not is_proxy_request and self._stripe_api_base()
        if not base:
            return super()._build_request_url(
                endpoint, is_proxy_request=is_proxy_request, **kwargs)
        if reason := self._stripe_wrong_api_base():
            raise UserError(reason)  # no ValidationError: Odoo takes those for a refused card
        return f"{base.rstrip('/')}/v1/{endpoint}"

    # Answers of Stripe ----------------------------------------------------------------------------

    def _parse_response_error(self, response):
        """Raise what Stripe refused as an exception that keeps its code.

        :raise StripeRefused: Stripe said no, and why
        """
        message = super()._parse_response_error(response)
        if self.code == "stripe" and response.status_code not in (409, 429) \
                and response.status_code < 500:
            raise StripeRefused(
                self.env._("Stripe refused: %(reason)s", reason=message),
                response.json().get("error", {}))
        return message

    def _send_api_request(
            self, method, endpoint, *, params=None, data=None, json=None, reference=None,
            **kwargs):
        """Send a request to Stripe, and tell a refusal from an answer that did not come.

        :raise StripeRefused: Stripe said no
        :raise StripeUnknown: the request may have had its effect, or not
        """
        if self.code != "stripe":
            return super()._send_api_request(
                method, endpoint, params=params, data=data, json=json, reference=reference,
                **kwargs)
        try:
            return super()._send_api_request(
                method, endpoint, params=params, data=data, json=json, reference=reference,
                **kwargs)
        except StripeRefused:
            raise
        except ValidationError as error:
            raise StripeUnknown(str(error)) from error

    def _stripe_list(self, endpoint, **params):
        """Yield all objects of a list, page by page, newest first."""
        params["limit"] = 100
        while True:
            page = self._send_api_request("GET", endpoint, params=params)
            yield from page["data"]
            if not page["has_more"] or not page["data"]:
                return
            params["starting_after"] = page["data"][-1]["id"]

    def _stripe_upload(self, name, content, purpose, key):
        """Give Stripe a file (https://docs.stripe.com/file-upload), by the official library: files
        have an address of their own, and are sent in a form that Odoo's requests do not know.

        :param bytes content: of the file
        :param str key: of idempotency
        :return: its id at Stripe
        :raise UserError: Stripe refused it, or did not answer
        """
        self.ensure_one()
        if reason := self._stripe_wrong_api_base():
            raise UserError(reason)
        base = self._stripe_api_base()
        client = stripe.StripeClient(
            stripe_utils.get_secret_key(self),
            base_addresses={"files": base.rstrip("/")} if base else {}, max_network_retries=0)
        file = io.BytesIO(content)
        file.name = name
        try:
            return client.v1.files.create(
                {"purpose": purpose, "file": file}, {"idempotency_key": key}).id
        except stripe.StripeError as error:
            raise UserError(self.env._(
                "Stripe did not take the file %(name)s: %(reason)s", name=name,
                reason=error.user_message or str(error))) from error

    # Amounts --------------------------------------------------------------------------------------

    def _minimum_amount(self, currency):
        """Return Stripe's own minimum; where the amount is converted into the currency of the
        company's account, at least the equivalent of that one's."""
        if self.code != "stripe":
            return super()._minimum_amount(currency)
        company, today = self.company_id, self.company_id._civil_today()
        own = company.currency_id
        settled = own._convert(
            const.MINIMUM_AMOUNTS.get(own.name, 0.0), currency, company, today, round=False)
        return max(const.MINIMUM_AMOUNTS.get(currency.name, 0.0), settled)

    def _amount_step(self, currency):
        """Return what amounts of a currency are multiples of; see ``const.AMOUNT_STEPS``."""
        if self.code != "stripe":
            return super()._amount_step(currency)
        return const.AMOUNT_STEPS.get(currency.name) or 10.0 ** -_decimals(currency)

    # On the books ---------------------------------------------------------------------------------

    def _stripe_account(self):
        """Return the account that holds what is at Stripe: that of the provider's payment method.

        An account of its own (517 or 5115 in France) shows Stripe's balance; one that is shared
        with other means of payment shows their items, too.
        """
        self.ensure_one()
        provider = self.sudo()  # sudo: which account it is; no key is read
        line = provider.journal_id.inbound_payment_method_line_ids.filtered(
            lambda line: line.payment_provider_id == provider)
        payment = self.env["account.payment"].sudo().with_company(provider.company_id)
        return line.payment_account_id.sudo(self.env.su) or payment.new(
            {"company_id": provider.company_id.id})._get_outstanding_account("inbound")

    def _stripe_books_account(self):
        """Tell whether payouts and fees of the account are on the books of this provider's
        company: of those that share the account in this database, the first that is meant to."""
        self.ensure_one()
        provider = self.sudo()  # sudo: whether keys are equal; none is shown
        if not provider.stripe_is_account_booked:
            return False
        sharing = provider.search([
            ("code", "=", "stripe"), ("state", "!=", "disabled"),
            ("stripe_is_account_booked", "=", True),
            ("stripe_secret_key", "=", provider.stripe_secret_key)], order="id")
        return not sharing or sharing[0] == provider

    def _stripe_tz(self):
        """Return the timezone of the company."""
        # sudo: which company it is
        return pytz.timezone(self.sudo().company_id._civil_tz())

    def _stripe_day(self, moment):
        """Return the civil day of a moment (UTC) where the company is."""
        return pytz.utc.localize(moment).astimezone(self._stripe_tz()).date()

    # Notifications of Stripe ----------------------------------------------------------------------

    def action_stripe_create_webhook(self):
        """Register Odoo's address for the kinds of events that are acted upon here."""
        self.ensure_one()
        if self.stripe_webhook_secret or not self.stripe_secret_key:
            return super().action_stripe_create_webhook()
        webhook = self._send_api_request("POST", "webhook_endpoints", data={
            "url": self._get_stripe_webhook_url(),
            "enabled_events[]": const.SUBSCRIBED_EVENTS,
            "api_version": stripe_const.API_VERSION,
        })
        self.stripe_webhook_secret = webhook["secret"]
        return {
            "type": "ir.actions.client", "tag": "display_notification",
            "params": {
                "type": "info",
                "message": self.env._("Stripe will tell Odoo of every payment."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _stripe_secrets(self):
        """List the signing secrets that are valid now, the current one first."""
        self.ensure_one()
        secrets = [self.stripe_webhook_secret]
        until = self.stripe_former_secret_until
        if until and until > fields.Datetime.now():
            secrets.append(self.stripe_former_secret)
        return [secret for secret in secrets if secret]

    @api.model
    def _stripe_verify(self, body, header):
        """Find whom a notification is for; the part of ``stripe.Webhook.construct_event`` that is
        made for events kept first and read later.

        :param bytes body: as received
        :param str header: ``Stripe-Signature``
        :return: the Stripe providers with whose secret it is signed
        :raise SignatureRefused: there is none, or the signature is not of now
        """
        reason = self.env._("no signing secret is set on a Stripe provider")
        signed = self.browse()
        for provider in self.search([("code", "=", "stripe")]):
            for secret in provider._stripe_secrets():
                try:
                    stripe.WebhookSignature.verify_header(
                        body, header, secret, tolerance=const.SIGNATURE_TOLERANCE)
                except (stripe.SignatureVerificationError, ValueError, TypeError) as error:
                    reason = str(error)
                else:
                    signed |= provider
        if not signed:
            raise SignatureRefused(reason)
        _check_not_ahead(header)
        return signed


def _decimals(currency):
    """Return how many decimals Stripe counts in."""
    return stripe_const.CURRENCY_DECIMALS.get(
        currency.name, CURRENCY_MINOR_UNITS.get(currency.name, currency.decimal_places))


def _check_not_ahead(header):
    """Refuse signatures of the future, which the official library lets pass: they would be valid
    for long."""
    signed_at = int(re.search(r"(?:^|,)\s*t=(\d+)", header)[1])
    if signed_at > time.time() + const.SIGNATURE_TOLERANCE:
        raise SignatureRefused(f"signed in the future ({signed_at})")


def _is_loopback(url):
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
