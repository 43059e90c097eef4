"""Cards saved or used once (https://docs.stripe.com/api/payment_methods)."""

import hashlib
import time

from . import cards
from .cards import Behaviour
from .errors import declined, invalid
from .objects import kept, merged_metadata, page
from .routes import route


@route("POST", "/v1/payment_methods", "payment_method_create", public=True)
def create(account, params):
    """Create a payment method from a card."""
    if params.get("type") != "card":
        raise invalid("This account accepts cards only.", "parameter_invalid", "type")
    return made_of(account, params)


@route("GET", "/v1/payment_methods", "payment_method_list")
def index(account, params):
    """List the payment methods of a customer."""
    if not params.get("customer"):
        raise invalid("Missing required param: customer.", "parameter_missing", "customer")
    account.get("customer", params["customer"], "customer")
    found = account.all(
        "payment_method", customer=params["customer"], type=params.get("type"))
    return page(found, params, "/v1/payment_methods")


@route("GET", "/v1/payment_methods/{id}", "payment_method_retrieve")
def retrieve(account, params, id):
    """Return a payment method."""
    return find(account, id)


@route("POST", "/v1/payment_methods/{id}", "payment_method_update")
def update(account, params, id):
    """Change a payment method."""
    method = account.get("payment_method", id)
    values = kept(params, "allow_redisplay", "billing_details")
    if "metadata" in params:
        values["metadata"] = merged_metadata(method, params["metadata"])
    if "card" in params:
        values["card"] = {**method["card"], **kept(params["card"], "exp_month", "exp_year")}
    return account.change(method, "payment_method.updated", **values)


@route("POST", "/v1/payment_methods/{id}/attach", "payment_method_attach")
def attach(account, params, id):
    """Attach a payment method to a customer."""
    method = find(account, id, "payment_method")
    customer = account.get("customer", params.get("customer"), "customer")
    return attach_to(account, method, customer)


@route("POST", "/v1/payment_methods/{id}/detach", "payment_method_detach")
def detach(account, params, id):
    """Detach a payment method from its customer."""
    method = account.get("payment_method", id)
    if not method["customer"]:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible.")
    return detach_from(account, method)


def find(account, method_id, param="id"):
    """Find the payment method; a test token such as ``pm_card_visa`` gives a new one each time."""
    card = cards.by_token(method_id)
    return new(account, card) if card else account.get("payment_method", method_id, param)


def made_of(account, params):
    """Create a payment method from a card's number, as a browser sends it."""
    given = params.get("card") or {}
    card = cards.NUMBERS.get(given.get("number"))
    if not card:
        raise invalid(
            "Your card number is incorrect.", "incorrect_number", "card[number]", status=402)
    method = new(account, card, **kept(params, "allow_redisplay", "metadata"))
    method["card"].update(kept(given, "exp_month", "exp_year"))
    billing = params.get("billing_details") or {}
    address = {**method["billing_details"]["address"], **(billing.get("address") or {})}
    method["billing_details"].update({**billing, "address": address})
    return method


def new(account, card, **values):
    """Create the payment method of a card."""
    method = account.new("payment_method", **values)
    method["billing_details"] = {
        "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
        "email": None, "name": None, "phone": None, "tax_id": None}
    method["card"].update(
        brand=card.brand, display_brand=card.brand, country=card.country, last4=card.number[-4:],
        fingerprint=hashlib.sha256(f"{account.name}{card.number}".encode()).hexdigest()[:16],
        networks={"available": [card.brand], "preferred": None}, generated_from=None,
        wallet=None, exp_month=12, exp_year=time.gmtime().tm_year + 4)
    account.hidden[method["id"]] = Behaviour(card)
    return method


def behaviour(account, method):
    """Return what the bank knows of the card; no answer shows it."""
    return account.hidden[method["id"]]


def attach_to(account, method, customer):
    """Save it for the customer (https://docs.stripe.com/api/payment_methods/attach).

    :raise ApiError: 402 when the bank refuses the card, 400 when it belongs to somebody
    """
    if method["customer"] == customer["id"]:
        return method
    if method["customer"]:
        raise invalid("The payment method you provided has already been attached to a customer.")
    check_fresh(account, method)
    refusal = behaviour(account, method).refusal()
    if refusal:
        raise declined(refusal)
    method["customer"] = customer["id"]
    account.emit("payment_method.attached", method)
    return method


def detach_from(account, method):
    """Detach a payment method, which cannot be used again."""
    previous = {"customer": method["customer"]}
    method["customer"] = None
    behaviour(account, method).spent = True
    account.emit("payment_method.detached", method, previous)
    return method


def check_fresh(account, method):
    """Check that the payment method may still be used.

    :raise ApiError: 400, it was used up or detached
    """
    if behaviour(account, method).spent:
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, shared with a connected account without Customer attachment, or was "
            "detached from a Customer. It may not be used again. To use a PaymentMethod multiple "
            "times, you must attach it to a Customer first.")


def check_usable(account, method, customer_id):
    """Check whose card it is: somebody else's may not be charged.

    :raise ApiError: 400
    """
    if method["customer"] and not customer_id:
        raise invalid(
            f"The provided PaymentMethod {method['id']} is attached to a Customer, so for "
            "security purposes you must provide the Customer in the request.",
            param="customer")
    if method["customer"] and method["customer"] != customer_id:
        raise invalid(
            f"The customer does not have a payment method with the ID {method['id']}. The payment "
            "method must be attached to the customer.", "resource_missing", "payment_method")
    check_fresh(account, method)
