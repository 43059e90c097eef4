"""Charges: one attempt at a card each (https://docs.stripe.com/api/charges)."""

from . import balance
from .objects import kept, merged_metadata, page
from .payment_methods import behaviour
from .routes import route


def attempt(account, intent, method, decline=None):
    """Ask the bank for the intent's amount.

    :param decline: the bank's refusal when it is known already, as for missing authentication
    :return: the charge, whose status is ``succeeded`` or ``failed``, and the refusal or None
    """
    decline = decline or behaviour(account, method).charge_refusal()
    charge = account.new(
        "charge", amount=intent["amount"], currency=intent["currency"],
        customer=intent["customer"], description=intent["description"],
        metadata=dict(intent["metadata"]), payment_intent=intent["id"],
        payment_method=method["id"], billing_details=method["billing_details"],
        receipt_email=intent["receipt_email"], shipping=intent["shipping"])
    charge["payment_method_details"]["card"].update({
        name: method["card"][name]
        for name in ("brand", "country", "exp_month", "exp_year", "fingerprint", "last4")},
        network=method["card"]["brand"], wallet=None, installments=None, three_d_secure=None,
        network_token=None)
    if decline:
        _fail(account, charge, decline)
    else:
        _succeed(account, charge, intent["capture_method"] != "manual")
    return charge, decline


def _fail(account, charge, decline):
    charge.update(
        status="failed", paid=False, failure_code=decline.code, failure_message=decline.message)
    charge["outcome"].update(
        network_status="declined_by_network", reason=decline.reason, type="issuer_declined",
        advice_code=decline.fields().get("advice_code"),
        seller_message="The bank did not return any further details with this decline.")
    account.emit("charge.failed", charge)


def _succeed(account, charge, capture):
    charge.update(status="succeeded", paid=True)
    charge["outcome"].update(
        network_status="approved_by_network", type="authorized",
        seller_message="Payment complete.")
    if capture:
        _take(account, charge, charge["amount"])
    account.emit("charge.succeeded", charge)


def _take(account, charge, amount):
    transaction = balance.move(
        account, charge, "charge", amount, balance.payment_fee(account, amount))
    charge.update(
        captured=True, amount_captured=amount, balance_transaction=transaction["id"])


def capture(account, charge, amount):
    """Take an amount that was authorized before; what is left of it goes back to the holder."""
    _take(account, charge, amount)
    charge["amount_refunded"] = charge["amount"] - amount
    account.emit("charge.captured", charge)


@route("GET", "/v1/charges", "charge_list")
def index(account, params):
    """List charges."""
    found = account.all(
        "charge", customer=params.get("customer"), payment_intent=params.get("payment_intent"))
    return page(found, params, "/v1/charges")


@route("GET", "/v1/charges/{id}", "charge_retrieve")
def retrieve(account, params, id):
    """Return a charge."""
    return account.get("charge", id)


@route("POST", "/v1/charges/{id}", "charge_update")
def update(account, params, id):
    """Change a charge's description or metadata."""
    charge = account.get("charge", id)
    values = kept(params, "description", "fraud_details", "receipt_email")
    if "metadata" in params:
        values["metadata"] = merged_metadata(charge, params["metadata"])
    return account.change(charge, "charge.updated", **values)
