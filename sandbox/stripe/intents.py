"""What payment intents and setup intents have in common."""

from . import payment_methods
from .errors import unexpected_state
from .objects import kept, merged_metadata, with_secret

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(account, kind, params, fields, **values):
    """Create an intent, with the payment method that may come with it.

    :param str kind: ``payment_intent`` or ``setup_intent``
    :param tuple fields: names of the parameters it keeps as they are
    """
    customer = params.get("customer") or None
    if customer:
        account.get("customer", customer, "customer")
    method = find_method(account, params, customer)
    intent = with_secret(account.new(
        kind, customer=customer, payment_method=method and method["id"],
        status="requires_confirmation" if method else "requires_payment_method",
        **values, **kept(params, *fields)))
    intent["metadata"] = merged_metadata(intent, params.get("metadata"))
    if params.get("allowed_payment_method_types"):
        intent["payment_method_types"] = params["allowed_payment_method_types"]
    account.emit(f"{kind}.created", intent)
    return intent


def update(account, intent, params, values):
    """Change an intent: these values, and the customer, metadata and payment method given."""
    if params.get("customer"):
        values["customer"] = account.get("customer", params["customer"], "customer")["id"]
    if "metadata" in params:
        values["metadata"] = merged_metadata(intent, params["metadata"])
    method = find_method(account, params, values.get("customer") or intent["customer"])
    if method:
        values.update(payment_method=method["id"], status="requires_confirmation")
    return account.change(intent, **values)


def find_method(account, params, customer):
    """Return the payment method that a request names or describes; None when it does neither."""
    if params.get("payment_method_data"):
        return payment_methods.made_of(account, params["payment_method_data"])
    if not params.get("payment_method"):
        return None
    method = payment_methods.find(account, params["payment_method"], "payment_method")
    payment_methods.check_usable(account, method, customer)
    return method


def ask_holder(account, kind, intent):
    """Have the bank ask the holder of the card first (3D Secure)."""
    intent.update(status="requires_action", next_action={
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": ""}})
    account.emit(f"{kind}.requires_action", intent)


def answer_bank(account, kind, intent_id, params, accept, refuse):
    """Answer the bank's question as the holder, in the browser.

    Not an endpoint of Stripe's: there the bank's page and Stripe's own scripts do it.

    :param accept: goes on with account, intent and payment method
    :param refuse: records the refusal: account, intent, payment method, details of the error
    """
    intent = account.get(kind, intent_id, "intent")
    if intent["status"] != "requires_action":
        raise unexpected_state(kind, intent, "There is nothing to authenticate.")
    intent["next_action"] = None
    method = account.get("payment_method", intent["payment_method"])
    if params["success"] == "true":
        accept(account, intent, method, authenticated=True)
    else:
        refuse(account, intent, method, {
            "code": f"{kind}_authentication_failure",
            "message": "We are unable to authenticate your payment method. Please choose a "
                       "different payment method and try again."})
    return intent
