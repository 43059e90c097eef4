"""Refunds, whole or in part (https://docs.stripe.com/refunds)."""

from . import balance
from .errors import invalid
from .objects import kept, merged_metadata, page
from .routes import route


@route("POST", "/v1/refunds", "refund_create")
def create(account, params):
    """Refund a charge, all that is left of it or a part."""
    charge = _charge(account, params)
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"]:
        raise invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            "charge_disputed")
    if not left:
        raise invalid(
            f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    amount = params.get("amount", left)
    if amount < 1:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", "amount")
    if amount > left:
        raise invalid(
            f"Refund amount ({_shown(amount, charge)}) is greater than unrefunded amount on "
            f"charge ({_shown(left, charge)})", None, "amount")
    return _refund(account, charge, amount, params)


@route("GET", "/v1/refunds", "refund_list")
def index(account, params):
    """List refunds."""
    found = account.all(
        "refund", charge=params.get("charge"), payment_intent=params.get("payment_intent"))
    return page(found, params, "/v1/refunds")


@route("GET", "/v1/refunds/{id}", "refund_retrieve")
def retrieve(account, params, id):
    """Return a refund."""
    return account.get("refund", id)


@route("POST", "/v1/refunds/{id}", "refund_update")
def update(account, params, id):
    """Change a refund's metadata."""
    refund = account.get("refund", id)
    previous = {"metadata": refund["metadata"]}
    refund["metadata"] = merged_metadata(refund, params.get("metadata"))
    _tell(account, refund, previous)
    return refund


def fail(account, refund, reason="expired_or_canceled_card"):
    """Fail a refund days later: the card could not take the money, which returns to the balance.

    https://docs.stripe.com/refunds#failed-refunds
    """
    charge = account.get("charge", refund["charge"])
    transaction = balance.move(account, refund, "refund_failure", refund["amount"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    previous = {"status": refund["status"]}
    refund.update(
        status="failed", failure_reason=reason, failure_balance_transaction=transaction["id"])
    _tell(account, refund, previous)
    account.emit("refund.failed", refund)
    return refund


def _tell(account, refund, previous):
    account.emit("charge.refund.updated", refund, previous)
    account.emit("refund.updated", refund, previous)


def _charge(account, params):
    """Return the charge to give back, named by itself or by its intent.

    :raise ApiError: 400 without one, or when nothing was paid
    """
    if params.get("charge"):
        charge = account.get("charge", params["charge"], "charge")
        if charge["status"] != "succeeded":
            raise invalid(
                f"Charge {charge['id']} failed; cannot issue a refund.", None, "charge")
        return charge
    if not params.get("payment_intent"):
        raise invalid(
            "One of the following params should be provided for this request: payment_intent or "
            "charge.", "parameter_missing")
    intent = account.get("payment_intent", params["payment_intent"], "payment_intent")
    for charge in account.all("charge", payment_intent=intent["id"], status="succeeded"):
        if charge["captured"]:
            return charge
    raise invalid(
        f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
        None, "payment_intent")


def _refund(account, charge, amount, params):
    refund = account.new(
        "refund", amount=amount, charge=charge["id"], currency=charge["currency"],
        payment_intent=charge["payment_intent"], **kept(params, "reason"))
    refund["metadata"] = merged_metadata(refund, params.get("metadata"))
    transaction = balance.move(account, refund, "refund", -amount)
    refund["balance_transaction"] = transaction["id"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    account.emit("charge.refunded", charge)
    account.emit("refund.created", refund)
    return refund


def _shown(amount, charge):
    symbol = {"eur": "€", "usd": "$", "gbp": "£"}.get(charge["currency"], "")
    return f"{symbol}{amount / 100:,.2f}"
