import calendar
import logging
from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, float_round

from odoo.addons.concurrency_base.tools import tell_once, work_isolated
from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_stripe import const as stripe_const

from .. import const
from ..exceptions import AnswerMissing, EventRefused, StripeRefused, StripeUnknown
from .decline_words import DECLINE_WORDS

_logger = logging.getLogger(__name__)

SIGNED_ENDPOINTS = ("payment_intents", "setup_intents", "refunds")
TOKEN_OPERATIONS = ("offline", "online_token")
FRESH = timedelta(minutes=1)  # an older transaction was asked for before, by a killed worker


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    stripe_decline_code = fields.Char(
        string="Decline Code", readonly=True, engine=True,
        help="Why the bank refused, as Stripe names it.")

    _stripe_refund_once = models.UniqueIndex(
        "(provider_reference) WHERE operation = 'refund' AND left(provider_reference, 3) = 're_'",
        "This refund of Stripe is already recorded.")

    @api.model
    def _get_specific_create_values(self, provider_code, values):
        """Round the amount to what Stripe takes in the currency: never more than is due, but for
        orders, which are confirmed when all of them is paid; the rest is in the buyer's favour."""
        result = super()._get_specific_create_values(provider_code, values)
        if provider_code != "stripe" or not values.get("amount"):
            return result
        provider = self.env["payment.provider"].browse(values["provider_id"])
        currency = self.env["res.currency"].browse(values["currency_id"])
        amount = float_round(
            values["amount"], precision_rounding=provider._amount_step(currency),
            rounding_method="UP" if values.get("sale_order_ids") else "DOWN")
        if currency.compare_amounts(amount, values["amount"]):
            result["amount"] = amount
        return result

    # Requests -------------------------------------------------------------------------------------

    def _send_api_request(
            self, method, endpoint, *, params=None, data=None, json=None, **kwargs):
        """Tell Stripe whose request it is, and make sending it twice harmless.

        Odoo repeats a whole request after a serialization conflict: the reference is then the
        same, hence the key, and Stripe gives its first answer again
        (https://docs.stripe.com/api/idempotent_requests).

        :raise AnswerMissing: a card may have been charged
        """
        if self.provider_code == "stripe" and method == "POST" and endpoint in SIGNED_ENDPOINTS:
            data = {**data, **self._stripe_metadata()}
            if endpoint == "refunds":  # Odoo gives payment intents their key
                kwargs["idempotency_key"] = payment_utils.generate_idempotency_key(
                    self, scope=endpoint)
        try:
            return super()._send_api_request(
                method, endpoint, params=params, data=data, json=json, **kwargs)
        except StripeRefused as refusal:
            if method == "POST" and endpoint == "payment_intents" and refusal.intent:
                return refusal.intent  # carries state and reason; kept like any other answer
            if refusal.error.get("type") == "idempotency_error":
                self._raise_unanswered(endpoint, refusal)  # asked before, with another address
            raise
        except StripeUnknown as error:
            self._raise_unanswered(endpoint, error)
            raise

    def _raise_unanswered(self, endpoint, error):
        """Raise the error for a charge without an answer, when the request was a charge.

        :raise AnswerMissing: the request was to charge a saved card
        """
        if endpoint == "payment_intents" and self.operation in TOKEN_OPERATIONS:
            raise AnswerMissing(str(error)) from error

    def _stripe_metadata(self):
        """Name the payment and the database: several may share an account, and number their
        orders alike."""
        # sudo: the database's name for itself, no setting
        database = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return {
            "metadata[odoo_reference]": self.reference, "metadata[odoo_database]": database}

    def _stripe_is_ours(self, stripe_object):
        """Tell whether an object of Stripe was made for this transaction."""
        self.ensure_one()
        ours = self._stripe_metadata()
        metadata = stripe_object.get("metadata") or {}
        return all(metadata.get(name) == ours[f"metadata[{name}]"]
                   for name in ("odoo_reference", "odoo_database"))

    def _send_payment_request(self):
        """Charge the card once, whatever becomes of the answer.

        A transaction that an earlier worker may have sent is looked for first: Stripe forgets
        idempotency keys after a day. When no answer comes, it is looked for again; what cannot be
        found yet stays pending, for :meth:`_cron_ask_unanswered`.
        """
        if self.provider_code != "stripe":
            return super()._send_payment_request()
        try:
            if self._stripe_maybe_sent() and (intent := self._stripe_find_intent()):
                return self._stripe_apply_intent(intent)
            self._stripe_check_contested()
            return super()._send_payment_request()
        except (AnswerMissing, StripeUnknown) as error:
            _logger.warning("Stripe has not answered %s: %s", self.reference, error)
            return self._stripe_recover()

    def _stripe_check_contested(self):
        """Check that no payment with the card is contested.

        :raise UserError: the card's holder contests a payment with it
        """
        if self.token_id._is_contested():
            raise UserError(self.env._(
                "The holder of %(card)s contests a payment at the bank: the card is not charged. "
                "Use another one.", card=self.token_id.display_name))

    def _stripe_maybe_sent(self):
        """Tell whether an earlier worker may have sent the charge already."""
        return self.operation == "offline" and self.create_date < fields.Datetime.now() - FRESH

    def _stripe_recover(self):
        """Take what Stripe has made of a charge it has not answered, or keep it pending."""
        try:
            intent = self._stripe_find_intent()
        except ValidationError:
            intent = None
        if intent:
            return self._stripe_apply_intent(intent)
        return self._set_pending(state_message=self.env._(
            "Stripe has not answered. Odoo asks again in a few minutes; nothing is charged "
            "twice."))

    def _stripe_find_intent(self):
        """Find the payment intent made for this transaction.

        Lists of Stripe hold an object as soon as it exists; its search does not
        (https://docs.stripe.com/search#data-freshness).

        :raise StripeUnknown: Stripe does not answer
        """
        since = calendar.timegm(self.create_date.timetuple()) - 3600  # clocks differ
        intents = self.provider_id._stripe_list("payment_intents", **{
            "customer": self.token_id.provider_ref, "created[gte]": since,
            "expand[]": "data.payment_method"})
        return next(filter(self._stripe_is_ours, intents), None)

    def _stripe_apply_intent(self, intent):
        """Let Odoo act upon the present state of the payment.

        Whoever hears of a charge first, its worker or its webhook, takes it off the queue: the
        other then meets a conflict, and must not find the period still to be charged.
        """
        waited = self.state == "draft"
        self._process("stripe", {
            "reference": self.reference, "payment_intent": intent,
            "payment_method": intent.get("payment_method")})
        if waited and self.state != "draft":
            self.subscription_period_id.charge_at = False

    def _stripe_create_intent(self):
        """Keep the number of the payment intent, so that it can be looked up and cancelled while
        the customer has not confirmed it."""
        intent = super()._stripe_create_intent()
        if intent and self.operation == "online_direct":
            self.provider_reference = intent["id"]
        return intent

    def _give_up_attempt(self):
        """Cancel attempts at Stripe first, so that nobody can confirm them any more; what was
        charged meanwhile is recorded instead."""
        stripes = self.filtered(lambda transaction: transaction.provider_code == "stripe")
        withdrawn = stripes.filtered(lambda transaction: transaction._stripe_withdraw())
        return super(PaymentTransaction, self - stripes + withdrawn)._give_up_attempt()

    def _stripe_withdraw(self):
        """Cancel the payment intent of an attempt that is open.

        :return: whether nothing can be charged under it any more. Otherwise the attempt has the
            state of its charge, or is too young: its request may not have reached Stripe yet.
        :raise StripeUnknown: Stripe does not answer
        """
        self._stripe_lock()
        if self.state != "draft":
            return False
        intent = self._stripe_present_intent()
        if not intent:
            return self.operation != "offline" or self._stripe_maybe_sent()
        if intent["status"] in const.CANCELLABLE_INTENTS:
            try:
                intent = self._send_api_request("POST", f"payment_intents/{intent['id']}/cancel")
            except StripeRefused:  # confirmed at this very moment
                intent = self._stripe_present_intent()
        if intent["status"] == "canceled":
            return True
        self._stripe_apply_intent(intent)
        if self.state == "done" and not self.is_post_processed:
            self._post_process()
        return False

    def _stripe_present_intent(self):
        """Return the payment intent of the transaction as it is now, or None."""
        if self.provider_reference:
            return self._send_api_request(
                "GET", f"payment_intents/{self.provider_reference}",
                params={"expand[]": "payment_method"})
        return self._stripe_find_intent() if self.token_id else None

    def _refund(self, amount_to_refund=None):
        """Lock the payment first: Stripe tells of the refund before our own transaction is
        there, and has to wait."""
        if self.provider_code == "stripe":
            self._stripe_lock()
        return super()._refund(amount_to_refund=amount_to_refund)

    # States ---------------------------------------------------------------------------------------

    def _stripe_lock(self):
        """Make whoever else works on this payment wait, and then look again.

        A write, not ``FOR UPDATE``: the other's snapshot is older than its wait, so only a
        serialization error, which is retried, makes it see what was done here.
        """
        self.flush_recordset()
        self.env.cr.execute(SQL(
            "UPDATE payment_transaction SET id = id WHERE id = ANY(%s)", self.ids))
        self.invalidate_recordset()

    def _post_process(self):
        """Make the second of two that post-process one payment wait, and then see it done."""
        if stripes := self.filtered(lambda transaction: transaction.provider_code == "stripe"):
            stripes._stripe_lock()
        return super()._post_process()

    def _apply_updates(self, payment_data):
        """Keep the reason of a refusal, and say it in the customer's language."""
        if self.provider_code == "stripe" and self.operation != "refund":
            intent = payment_data.get("payment_intent") or payment_data.get("setup_intent") or {}
            if error := intent.get("last_payment_error"):
                payment_data = self._stripe_explain_refusal(payment_data, intent, error)
            if self.operation == "offline" and intent.get("status") == "requires_action":
                payment_data = self._stripe_explain_refusal(payment_data, {
                    **intent, "status": "requires_payment_method",
                }, {"code": "authentication_required"})
        return super()._apply_updates(payment_data)

    def _stripe_explain_refusal(self, payment_data, intent, error):
        """Put the reason of a refusal into our own words.

        :return: the payment data, with a sentence of ours as the reason
        """
        self.stripe_decline_code = error.get("decline_code") or error.get("code")
        if error.get("advice_code") in const.HARD_ADVICE and self._decline_kind() == "soft":
            self.stripe_decline_code = error["advice_code"]
        sentence = self._stripe_refusal_sentence() or error.get("message")
        return {**payment_data, "payment_intent": {
            **intent, "last_payment_error": {**error, "message": sentence}}}

    def _stripe_refusal_sentence(self):
        """Say why the card was refused, as the customer may read it: a stolen or suspect card is
        not called so (https://docs.stripe.com/declines/codes)."""
        env = self.with_context(lang=self.partner_lang or self.env.lang).env
        code, kind = self.stripe_decline_code, self._decline_kind()
        if kind == "authentication":
            return env._("Your bank asks you to confirm this payment.")
        if code == "insufficient_funds":
            return env._("The card's account does not hold enough money.")
        if code == "expired_card":
            return env._("The card has expired.")
        if kind == "hard":
            return env._("Your bank refuses this card. Please pay with another one.")
        return env._("Your bank refused the payment.")

    def _refusal_for_staff(self):
        """Put Stripe's decline code into words, and whether another try makes sense."""
        code = self.stripe_decline_code
        if self.provider_code != "stripe" or not code:
            return super()._refusal_for_staff()
        words = DECLINE_WORDS.get(code)
        said = self.env._(words) if words else self.env._(
            "The bank refused: %(code)s.", code=code)
        if self.decline_kind == "hard":
            said = self.env._("%(reason)s This card is not tried again.", reason=said)
        return said

    def _decline_kind(self):
        """Classify the refusal by Stripe's decline code and the bank's advice."""
        if self.provider_code != "stripe":
            return super()._decline_kind()
        if self.stripe_decline_code in const.AUTHENTICATION_CODES:
            return "authentication"
        if self.stripe_decline_code in const.HARD_CODES | const.HARD_ADVICE:
            return "hard"
        return "soft"

    def _stripe_check_amount(self, intent):
        """Check that Stripe took the amount that was asked for.

        :raise EventRefused: Stripe took another amount than we asked for; Odoo would call that a
            refused card and chase a customer who has paid
        """
        theirs = f"{intent['amount']} {intent['currency'].upper()}"
        ours = f"{self._stripe_minor_amount()} {self.currency_id.name}"
        if theirs != ours:
            raise EventRefused(self.env._(
                "Stripe has %(theirs)s for %(reference)s, where Odoo has %(ours)s, both in the "
                "smallest unit. Compare the two, then refund or correct by hand.",
                theirs=theirs, ours=ours, reference=self.reference))

    def _stripe_minor_amount(self):
        """Return the amount as Stripe counts it, in cents for a euro; always positive."""
        return payment_utils.to_minor_currency_units(
            abs(self.amount), self.currency_id, arbitrary_decimal_number=
            stripe_const.CURRENCY_DECIMALS.get(self.currency_id.name))

    # Refunds --------------------------------------------------------------------------------------

    def _stripe_take_refund(self, refund):
        """Record the present state of a refund of this payment, made here or at Stripe.

        :return: the refund's transaction
        """
        self.ensure_one()
        child = self.child_transaction_ids.filtered(
            lambda each: each.operation == "refund" and (
                each.provider_reference == refund["id"] or each._stripe_is_ours(refund)))[:1]
        if not child:
            amount = payment_utils.to_major_currency_units(
                refund["amount"], self.currency_id, arbitrary_decimal_number=
                stripe_const.CURRENCY_DECIMALS.get(self.currency_id.name))
            child = self._create_child_transaction(amount, is_refund=True)
        child._process("stripe", {"refund": refund})
        return child

    # Cards and disputes ---------------------------------------------------------------------------

    def _extract_token_values(self, payment_data):
        """Keep when the card expires, so that its customer is told ahead."""
        values = super()._extract_token_values(payment_data)
        if self.provider_code == "stripe" and values:
            values["card_expiry"] = self.env["payment.token"]._stripe_expiry(
                payment_data["payment_method"])
        return values

    def _dispute_subscriptions(self):
        """Find the subscriptions that the payment was for."""
        self.ensure_one()
        return (self.subscription_period_id.subscription_id
                | self.invoice_ids._subscription_periods().subscription_id
                | self.sale_order_ids.order_line.subscription_ids)

    # Missing answers ------------------------------------------------------------------------------

    def _cron_ask_unanswered(self, limit=50):
        """Find out about charges that Stripe has not answered; every five minutes."""
        domain = [
            ("provider_id.code", "=", "stripe"), ("state", "=", "pending"),
            ("provider_reference", "=", False), ("operation", "in", TOKEN_OPERATIONS),
            ("create_date", "<", fields.Datetime.now() - FRESH)]
        last_id, time_left = 0, True
        while time_left and (unanswered := self.search(
                [*domain, ("id", ">", last_id)], order="id", limit=limit)):
            last_id = unanswered[-1].id
            for transaction in unanswered:
                transaction._stripe_resolve_isolated()
                time_left = self.env["ir.cron"]._commit_progress(1)
                if not time_left:
                    break

    def _stripe_resolve_isolated(self):
        """Settle one charge, see :meth:`_stripe_resolve_unanswered`; whatever goes wrong, the
        others go on."""
        try:
            self._stripe_resolve_unanswered()
            self.env.flush_all()  # a conflict shows here, not at the commit
        except StripeUnknown as error:
            self.env.cr.rollback()
            _logger.warning("Still no word of %s: %s", self.reference, error)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()  # another transaction settles it; the next run looks again
        except Exception as error:
            self.env.cr.rollback()
            _logger.exception("Stripe could not be asked about %s", self.reference)
            work_isolated(self, partial(type(self)._stripe_tell_not_asked, error=error))

    def _stripe_tell_not_asked(self, error):
        """Tell an accountant, once, that nobody knows what became of a charge."""
        user = self.env["stripe.health"]._find_accountant(self.company_id)
        tell_once(self.partner_id, user, lambda env: env._(
            "Unknown at Stripe: %(reference)s", reference=self.reference), error)

    def _stripe_resolve_unanswered(self):
        """Settle one charge that Stripe has not answered: it is found, sent again, or counts as
        never made.
        """
        self.ensure_one()
        self._stripe_lock()
        if self.state != "pending":
            return
        if intent := self._stripe_find_intent():
            self._stripe_apply_intent(intent)
        elif self.create_date < fields.Datetime.now() - const.GIVE_UP_UNANSWERED:
            self._set_error(self.env._("Stripe knows nothing of this payment."))
        elif self._stripe_still_due():
            self._send_payment_request()
        if not self.is_post_processed and self.state != "pending":
            self._post_process()

    def _stripe_still_due(self):
        """Tell whether to send it again: nobody waits for it on a page, nor has paid
        otherwise."""
        period = self.subscription_period_id
        return period.state == "invoiced" and not self.currency_id.compare_amounts(
            period.invoice_id.amount_residual, self.amount)
