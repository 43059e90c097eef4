"""Setup intents: a card is saved for later (https://docs.stripe.com/api/setup_intents)."""

from . import payment_methods
from .errors import declined, unexpected_state
from .objects import kept, merged_metadata, page, with_secret
from .payment_methods import behaviour
from .routes import route

FIELDS = (
    "automatic_payment_methods", "description", "payment_method_options", "payment_method_types",
    "usage")
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


@route("POST", "/v1/setup_intents", "setup_intent_create")
def create(account, params):
    """Create a setup intent, and confirm it if asked to."""
    customer = params.get("customer") or None
    if customer:
        account.get("customer", customer, "customer")
    method = _method(account, params, customer)
    intent = with_secret(account.new(
        "setup_intent", customer=customer, payment_method=method and method["id"],
        status="requires_confirmation" if method else "requires_payment_method",
        **kept(params, *FIELDS)))
    intent["metadata"] = merged_metadata(intent, params.get("metadata"))
    if params.get("allowed_payment_method_types"):
        intent["payment_method_types"] = params["allowed_payment_method_types"]
    account.emit("setup_intent.created", intent)
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
    intent = _open(account, id, "update")
    values = kept(params, "description", "payment_method_types")
    if params.get("customer"):
        values["customer"] = account.get("customer", params["customer"], "customer")["id"]
    if "metadata" in params:
        values["metadata"] = merged_metadata(intent, params["metadata"])
    method = _method(account, params, values.get("customer") or intent["customer"])
    if method:
        values.update(payment_method=method["id"], status="requires_confirmation")
    return account.change(intent, **values)


@route("POST", "/v1/setup_intents/{id}/confirm", "setup_intent_confirm", public=True)
def confirm(account, params, id):
    """Confirm a setup intent: save its payment method."""
    intent = _open(account, id, "confirm")
    method = _method(account, params, intent["customer"])
    if method:
        intent["payment_method"] = method["id"]
    _confirm(account, intent)
    return intent


@route("POST", "/v1/setup_intents/{id}/cancel", "setup_intent_cancel")
def cancel(account, params, id):
    """Cancel a setup intent."""
    intent = _open(account, id, "cancel")
    intent.update(
        status="canceled", next_action=None,
        cancellation_reason=params.get("cancellation_reason"))
    account.emit("setup_intent.canceled", intent)
    return intent


@route("POST", "/v1/setup_intents/{id}/_authenticate", None, public=True)
def authenticate(account, params, id):
    """Answer the bank's question as the holder, in the browser (3D Secure).

    Not an endpoint of Stripe's: there the bank's page and Stripe's own scripts do it.
    """
    intent = account.get("setup_intent", id, "intent")
    if intent["status"] != "requires_action":
        raise unexpected_state("setup_intent", intent, "There is nothing to authenticate.")
    intent["next_action"] = None
    method = account.get("payment_method", intent["payment_method"])
    if params["success"] == "true":
        _save(account, intent, method, authenticated=True)
    else:
        _failed(account, intent, method, {
            "code": "setup_intent_authentication_failure",
            "message": "We are unable to authenticate your payment method. Please choose a "
                       "different payment method and try again."})
    return intent


def _open(account, intent_id, verb):
    intent = account.get("setup_intent", intent_id, "intent")
    if intent["status"] not in OPEN:
        raise unexpected_state(
            "setup_intent", intent, f"You cannot {verb} this SetupIntent because it has a status "
            f"of {intent['status']}.")
    return intent


def _method(account, params, customer):
    if params.get("payment_method_data"):
        return payment_methods.made_of(account, params["payment_method_data"])
    if not params.get("payment_method"):
        return None
    method = payment_methods.find(account, params["payment_method"], "payment_method")
    payment_methods.check_usable(account, method, customer)
    return method


def _confirm(account, intent):
    """Save the card, or ask its holder first."""
    if not intent["payment_method"]:
        raise unexpected_state(
            "setup_intent", intent, "You cannot confirm this SetupIntent because it's missing a "
            "payment method.")
    method = account.get("payment_method", intent["payment_method"])
    card = behaviour(account, method).card
    if card.authentication:
        intent.update(status="requires_action", next_action={
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": ""}})
        account.emit("setup_intent.requires_action", intent)
        return
    _save(account, intent, method)


def _save(account, intent, method, authenticated=False):
    """:raise ApiError: 402 when the bank refuses the card"""
    attempt = account.new(
        "setup_attempt", customer=intent["customer"], setup_intent=intent["id"],
        payment_method=method["id"], usage=intent["usage"], status="succeeded")
    intent["latest_attempt"] = attempt["id"]
    refusal = behaviour(account, method).refusal()
    if refusal:
        attempt["status"] = "failed"
        _failed(account, intent, method, {**refusal.fields(), "message": refusal.message})
        raise declined(refusal, setup_intent=intent, payment_method=method)
    if intent["customer"]:
        payment_methods.attach_to(
            account, method, account.get("customer", intent["customer"]))
    behaviour(account, method).set_up = authenticated
    intent.update(status="succeeded", last_setup_error=None, next_action=None)
    account.emit("setup_intent.succeeded", intent)


def _failed(account, intent, method, details):
    intent.update(
        status="requires_payment_method", payment_method=None, next_action=None,
        last_setup_error={"type": "card_error", "payment_method": dict(method), **details})
    account.emit("setup_intent.setup_failed", intent)
