"""Setup intents: a card is saved for later (https://docs.stripe.com/api/setup_intents)."""

from . import intents, payment_methods
from .errors import declined, unexpected_state
from .intents import OPEN
from .objects import kept, page
from .payment_methods import behaviour
from .routes import route

FIELDS = (
    "automatic_payment_methods", "description", "payment_method_options", "payment_method_types",
    "usage")


@route("POST", "/v1/setup_intents", "setup_intent_create")
def create(account, params):
    """Create a setup intent, and confirm it if asked to."""
    intent = intents.create(account, "setup_intent", params, FIELDS)
    if params.get("confirm"):
        _confirm(account, intent)
    return intent


@route("GET", "/v1/setup_intents", "setup_intent_list")
def index(account, params):
    """List setup intents."""
    found = account.all(
        "setup_intent", customer=params.get("customer"),
        payment_method=params.get("payment_method"))
    return page(found, params, "/v1/setup_intents")


@route("GET", "/v1/setup_intents/{id}", "setup_intent_retrieve", public=True)
def retrieve(account, params, id):
    """Return a setup intent."""
    return account.get("setup_intent", id, "intent")


@route("POST", "/v1/setup_intents/{id}", "setup_intent_update")
def update(account, params, id):
    """Change a setup intent that is open."""
    intent = _find_open(account, id, "update")
    return intents.update(
        account, intent, params, kept(params, "description", "payment_method_types"))


@route("POST", "/v1/setup_intents/{id}/confirm", "setup_intent_confirm", public=True)
def confirm(account, params, id):
    """Confirm a setup intent: save its payment method."""
    intent = _find_open(account, id, "confirm")
    method = intents.find_method(account, params, intent["customer"])
    if method:
        intent["payment_method"] = method["id"]
    _confirm(account, intent)
    return intent


@route("POST", "/v1/setup_intents/{id}/cancel", "setup_intent_cancel")
def cancel(account, params, id):
    """Cancel a setup intent."""
    intent = _find_open(account, id, "cancel")
    intent.update(
        status="canceled", next_action=None,
        cancellation_reason=params.get("cancellation_reason"))
    account.emit("setup_intent.canceled", intent)
    return intent


@route("POST", "/v1/setup_intents/{id}/_authenticate", None, public=True)
def authenticate(account, params, id):
    """Answer the bank's question as the holder; see :func:`intents.answer_bank`."""
    return intents.answer_bank(account, "setup_intent", id, params, _save, _refuse)


def _find_open(account, intent_id, verb):
    """Return the intent, or refuse what cannot be done with it any more."""
    intent = account.get("setup_intent", intent_id, "intent")
    if intent["status"] not in OPEN:
        raise unexpected_state(
            "setup_intent", intent, f"You cannot {verb} this SetupIntent because it has a status "
            f"of {intent['status']}.")
    return intent


def _confirm(account, intent):
    """Save the card, or ask its holder first."""
    if not intent["payment_method"]:
        raise unexpected_state(
            "setup_intent", intent, "You cannot confirm this SetupIntent because it's missing a "
            "payment method.")
    method = account.get("payment_method", intent["payment_method"])
    card = behaviour(account, method).card
    if card.authentication:
        intents.ask_holder(account, "setup_intent", intent)
        return
    _save(account, intent, method)


def _save(account, intent, method, authenticated=False):
    """Save the card, unless the bank refuses it.

    :raise ApiError: 402 when the bank refuses the card
    """
    attempt = account.new(
        "setup_attempt", customer=intent["customer"], setup_intent=intent["id"],
        payment_method=method["id"], usage=intent["usage"], status="succeeded")
    intent["latest_attempt"] = attempt["id"]
    refusal = behaviour(account, method).refusal()
    if refusal:
        attempt["status"] = "failed"
        _refuse(account, intent, method, {**refusal.fields(), "message": refusal.message})
        raise declined(refusal, setup_intent=intent, payment_method=method)
    if intent["customer"]:
        payment_methods.attach_to(
            account, method, account.get("customer", intent["customer"]))
    behaviour(account, method).set_up = authenticated
    intent.update(status="succeeded", last_setup_error=None, next_action=None)
    account.emit("setup_intent.succeeded", intent)


def _refuse(account, intent, method, details):
    intent.update(
        status="requires_payment_method", payment_method=None, next_action=None,
        last_setup_error={"type": "card_error", "payment_method": dict(method), **details})
    account.emit("setup_intent.setup_failed", intent)
