"""Payment intents (https://docs.stripe.com/payments/paymentintents/lifecycle)."""

import time

from . import charges, disputes, intents, payment_methods
from .cards import Decline
from .errors import declined, invalid, unexpected_state
from .intents import OPEN
from .objects import kept, page
from .payment_methods import behaviour
from .routes import route

FIELDS = (
    "automatic_payment_methods", "capture_method", "confirmation_method", "description",
    "payment_method_options", "payment_method_types", "receipt_email", "setup_future_usage",
    "shipping", "statement_descriptor", "statement_descriptor_suffix", "transfer_group")
MINIMUM = 50  # minor units (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)


@route("POST", "/v1/payment_intents", "payment_intent_create")
def create(account, params):
    """Create a payment intent, and confirm it if asked to."""
    _check_amount(params["amount"])
    if not params.get("confirm") and "off_session" in params:
        raise invalid(
            "off_session may only be passed when confirm is true.", None, "off_session")
    intent = intents.create(
        account, "payment_intent", params, FIELDS, amount=params["amount"],
        currency=_currency(params))
    if params.get("confirm"):
        _confirm(account, intent, params)
    return intent


@route("GET", "/v1/payment_intents", "payment_intent_list")
def index(account, params):
    """List payment intents."""
    found = account.all("payment_intent", customer=params.get("customer"))
    return page(found, params, "/v1/payment_intents")


@route("GET", "/v1/payment_intents/{id}", "payment_intent_retrieve", public=True)
def retrieve(account, params, id):
    """Return a payment intent."""
    return account.get("payment_intent", id, "intent")


@route("POST", "/v1/payment_intents/{id}", "payment_intent_update")
def update(account, params, id):
    """Change a payment intent that is open."""
    intent = account.get("payment_intent", id, "intent")
    values = kept(params, *FIELDS)
    if intent["status"] not in OPEN and params.keys() - {"metadata", "description", "expand"}:
        raise unexpected_state(
            "payment_intent", intent, "This PaymentIntent could not be updated because it has a "
            f"status of {intent['status']}.")
    if "amount" in params:
        _check_amount(params["amount"])
        values["amount"] = params["amount"]
    return intents.update(account, intent, params, values)


@route("POST", "/v1/payment_intents/{id}/confirm", "payment_intent_confirm", public=True)
def confirm(account, params, id):
    """Confirm a payment intent: charge its payment method."""
    intent = account.get("payment_intent", id, "intent")
    if intent["status"] not in OPEN:
        raise unexpected_state(
            "payment_intent", intent, "You cannot confirm this PaymentIntent because it has a "
            f"status of {intent['status']}.")
    method = intents.find_method(account, params, intent["customer"])
    if method:
        intent.update(payment_method=method["id"])
    intent.update(kept(params, "setup_future_usage", "receipt_email", "shipping"))
    _confirm(account, intent, params)
    return intent


@route("POST", "/v1/payment_intents/{id}/cancel", "payment_intent_cancel")
def cancel(account, params, id):
    """Cancel a payment intent."""
    intent = account.get("payment_intent", id, "intent")
    if intent["status"] not in (*OPEN, "requires_capture"):
        raise unexpected_state(
            "payment_intent", intent, "You cannot cancel this PaymentIntent because it has a "
            f"status of {intent['status']}.")
    intent.update(
        status="canceled", canceled_at=int(time.time()), amount_capturable=0, next_action=None,
        cancellation_reason=params.get("cancellation_reason"))
    account.emit("payment_intent.canceled", intent)
    return intent


@route("POST", "/v1/payment_intents/{id}/capture", "payment_intent_capture")
def capture(account, params, id):
    """Capture what a payment intent has authorized."""
    intent = account.get("payment_intent", id, "intent")
    if intent["status"] != "requires_capture":
        raise unexpected_state(
            "payment_intent", intent, "This PaymentIntent could not be captured because it has a "
            f"status of {intent['status']}.")
    amount = params.get("amount_to_capture", intent["amount"])
    if not 0 < amount <= intent["amount"]:
        raise invalid(
            "The requested capture amount is greater than the amount you can capture for this "
            "charge.", "amount_too_large", "amount_to_capture")
    charges.capture(account, account.get("charge", intent["latest_charge"]), amount)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    account.emit("payment_intent.succeeded", intent)
    return intent


@route("POST", "/v1/payment_intents/{id}/_authenticate", None, public=True)
def authenticate(account, params, id):
    """Answer the bank's question as the holder; see :func:`intents.answer_bank`."""
    return intents.answer_bank(account, "payment_intent", id, params, _pay, _refuse)


def _check_amount(amount):
    if amount < 1:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", "amount")
    if amount < MINIMUM:
        raise invalid(
            "Amount must be at least €0.50.", "amount_too_small", "amount")
    if amount > 99_999_999:
        raise invalid(
            "Amount must be no more than €999,999.99.", "amount_too_large", "amount")


def _currency(params):
    currency = params["currency"].lower()
    if len(currency) != 3 or not currency.isalpha():
        raise invalid(f"Invalid currency: {currency}.", None, "currency")
    return currency


def _off_session(params):
    return str(params.get("off_session", "false")).lower() in ("true", "one_off", "recurring")


def _confirm(account, intent, params):
    """Charge it, or ask the holder first.

    Off session there is nobody to ask: the charge fails with ``authentication_required``
    (https://docs.stripe.com/error-codes#authentication-required).
    """
    if not intent["payment_method"]:
        raise unexpected_state(
            "payment_intent", intent, "You cannot confirm this PaymentIntent because it's missing "
            "a payment method. To confirm the PaymentIntent with a customer, specify a payment "
            "method attached to this customer along with the customer ID.")
    method = account.get("payment_method", intent["payment_method"])
    off_session = _off_session(params)
    if not behaviour(account, method).needs_authentication(off_session):
        return _pay(account, intent, method)
    if off_session:
        return _pay(account, intent, method, Decline("authentication_required"))
    if params.get("error_on_requires_action"):
        raise invalid(
            "This payment required an authentication action to complete.",
            "payment_intent_action_required", status=402, payment_intent=intent)
    intents.ask_holder(account, "payment_intent", intent)


def _pay(account, intent, method, decline=None, authenticated=False):
    """Charge the payment method.

    :raise ApiError: 402 when the bank refuses; the intent keeps the trace
    """
    charge, refusal = charges.attempt(account, intent, method, decline)
    intent["latest_charge"] = charge["id"]
    if refusal:
        details = {**refusal.fields(), "charge": charge["id"], "message": refusal.message}
        _refuse(account, intent, method, details)
        raise declined(
            refusal, charge=charge["id"], payment_intent=intent, payment_method=method)
    intent.update(last_payment_error=None, next_action=None)
    if charge["captured"]:
        intent.update(status="succeeded", amount_received=intent["amount"])
    else:
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
    _keep_or_spend(account, intent, method, authenticated)
    account.emit(
        "payment_intent.succeeded" if charge["captured"]
        else "payment_intent.amount_capturable_updated", intent)
    reason = behaviour(account, method).card.dispute
    if reason and charge["captured"]:
        disputes.begin(account, charge, reason)


def _refuse(account, intent, method, details):
    intent.update(
        status="requires_payment_method", payment_method=None, next_action=None,
        last_payment_error={"type": "card_error", "payment_method": dict(method), **details})
    account.emit("payment_intent.payment_failed", intent)


def _keep_or_spend(account, intent, method, authenticated):
    """Save a card used with ``setup_future_usage``; use up one that nobody saves."""
    if method["customer"]:
        return
    if intent["setup_future_usage"] and intent["customer"]:
        payment_methods.attach_to(
            account, method, account.get("customer", intent["customer"]))
        behaviour(account, method).set_up = authenticated
    else:
        behaviour(account, method).spent = True
