"""The merchant's balance: each movement, its fee and what is left (balance transactions).

https://docs.stripe.com/reports/balance-transaction-types gives the types and categories; the fees
are the account's prices, and are kept when the payment is refunded.
"""

from .errors import invalid
from .objects import kept, page
from .routes import route


def payment_fee(account, amount):
    """Return the fee of a payment in minor units, rounded half up as an invoice would be."""
    return (amount * account.prices["per_mille"] + 500) // 1000 + account.prices["fixed"]


def move(account, source, type, amount, fee=0, category=None, description=None):
    """Create a balance transaction of the object `source`.

    :param int amount: minor units of the object's currency, negative when money leaves
    """
    fees = [{
        "amount": fee, "application": None, "currency": source["currency"],
        "description": "Dispute fee" if category == "dispute" else "Stripe processing fees",
        "type": "stripe_fee"}] if fee else []
    transaction = account.new(
        "balance_transaction", type=type, reporting_category=category or type, amount=amount,
        fee=fee, fee_details=fees, net=amount - fee, currency=source["currency"],
        source=source["id"], description=description or source.get("description"))
    transaction["available_on"] = transaction["created"]
    return transaction


@route("GET", "/v1/balance_transactions", "balance_transaction_list")
def index(account, params):
    """List balance transactions."""
    found = account.all("balance_transaction", **{
        name: params.get(name) for name in ("currency", "source", "type")})
    if params.get("payout"):
        found = [each for each in found
                 if account.hidden.get(each["id"]) == params["payout"]]
    return page(found, params, "/v1/balance_transactions")


@route("GET", "/v1/balance_transactions/{id}", "balance_transaction_retrieve")
def retrieve(account, params, id):
    """Return a balance transaction."""
    return account.get("balance_transaction", id)


@route("GET", "/v1/balance", "balance_retrieve")
def balance(account, params):
    """Return the balance: all of it is available, nothing pending."""
    available = [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sorted(totals(account).items())]
    return {"object": "balance", "livemode": False, "available": available, "pending": []}


def totals(account):
    """Return what the account holds, by currency."""
    held = {}
    for transaction in account.all("balance_transaction"):
        currency = transaction["currency"]
        held[currency] = held.get(currency, 0) + transaction["net"]
    return held


@route("POST", "/v1/payouts", "payout_create")
def pay_out(account, params):
    """Send money to the merchant's bank; a payout takes along all that no earlier one took."""
    amount, currency = params["amount"], params["currency"].lower()
    if amount > totals(account).get(currency, 0):
        raise invalid(
            "You have insufficient funds in your Stripe account for this transfer.",
            "balance_insufficient", "amount")
    payout = account.new(
        "payout", amount=amount, currency=currency, status="paid", automatic=False,
        **kept(params, "description", "metadata", "statement_descriptor"))
    for transaction in account.all("balance_transaction", currency=currency):
        account.hidden.setdefault(transaction["id"], payout["id"])
    transaction = move(account, payout, "payout", -amount)
    account.hidden[transaction["id"]] = payout["id"]
    payout.update(balance_transaction=transaction["id"], arrival_date=payout["created"])
    account.emit("payout.created", payout)
    account.emit("payout.paid", payout)
    return payout


@route("GET", "/v1/payouts", "payout_list")
def payouts(account, params):
    """List payouts."""
    return page(account.all("payout", status=params.get("status")), params, "/v1/payouts")


@route("GET", "/v1/payouts/{id}", "payout_retrieve")
def payout(account, params, id):
    """Return a payout."""
    return account.get("payout", id)
