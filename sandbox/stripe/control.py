"""What a test may order, and what it may see: ``/_control/...``, JSON in and out.

None of this exists at Stripe. All concerns the account of the key it is sent with.
"""

from aiohttp import web

from . import cards, disputes, events, refunds
from .errors import ApiError
from .payment_methods import behaviour
from .versions import LATEST, event_as_of

ORDERS = {}


def order(path):
    """Declare ``handler(account, values, **ids of the path)``."""
    def declare(handler):
        ORDERS[path] = handler
        return handler
    return declare


def add_controls(server, app):
    """Add the orders of tests to the application, below ``/_control``."""
    for path, handler in ORDERS.items():
        app.router.add_post(f"/_control/{path}", _answering(server, handler))
    app.router.add_get("/_control/state", _state(server))


def _answering(server, handler):
    async def answer(request):
        values = await request.json() if request.can_read_body else {}
        try:
            account = server.account(_key(request))
            result = handler(account, values, **request.match_info)
            if hasattr(result, "__await__"):
                result = await result
        except ApiError as error:
            return web.json_response({"error": error.body["message"]}, status=error.status)
        return web.json_response(result)
    return answer


def _state(server):
    async def answer(request):
        account = server.account(_key(request))
        return web.json_response({
            "calls": account.calls, "refused": account.refused,
            "deliveries": account.deliveries.log, "underway": account.deliveries.underway,
            "held": len(account.deliveries.waiting)})
    return answer


def _key(request):
    return request.headers.get("Authorization", "").partition(" ")[2]


@order("hold")
def hold(account, values):
    """Hold events from now on: made, but not sent."""
    account.deliveries.held = True


@order("release")
def release(account, values):
    """Send the events that were held."""
    account.deliveries.release()


@order("drop")
def drop(account, values):
    """Forget the events that were held."""
    account.deliveries.drop()


@order("deliver")
async def deliver(account, values):
    """Deliver events in the order given, one after the other, once each, sent before or not."""
    statuses = []
    for event_id in values["events"]:
        event = account.get("event", event_id)
        if values.get("url"):
            statuses.append(await account.deliveries.post(
                event, values["url"], [values["secret"]], values.get("api_version")))
            continue
        for endpoint in account.deliveries.receivers(event):
            statuses.append(await account.deliveries.post_to(endpoint, event))
    return statuses


@order("events")
def show_events(account, values):
    """List all events, oldest first, in the shape of a version of the API."""
    version = values.get("api_version") or LATEST
    return [
        event_as_of(account, event, version) for event in reversed(account.all("event"))
        if events.matches(event["type"], values.get("types") or ["*"])]


@order("webhook_endpoints")
def webhook(account, values):
    """Register an address with a secret of the test's choice."""
    endpoint = events.register(account, **values)
    return {**endpoint, "secret": account.hidden[endpoint["id"]][0]}


@order("webhook_endpoints/{id}/roll")
def roll(account, values, id):
    """Roll the signing secret of an endpoint."""
    return events.roll(account, account.get("webhook_endpoint", id), **values)


@order("faults")
def fault(account, values):
    """Add a fault."""
    return account.faults.add(**values)


@order("faults/{number}")
def show_fault(account, values, number):
    """Return a fault, with the number of its hits."""
    return account.faults.show(int(number))


@order("faults/{number}/remove")
def remove_fault(account, values, number):
    """Remove a fault."""
    return account.faults.remove(int(number))


@order("payment_methods/{id}/decline")
def decline(account, values, id):
    """Make the bank decline this saved card from now on, for a reason; or no longer (null)."""
    behaviour(account, account.get("payment_method", id)).decline = values["reason"]


@order("payment_methods/{id}/renew")
def renew(account, values, id):
    """Replace a card as its bank does, of which the network tells Stripe.

    https://docs.stripe.com/payments/cards/overview#automatic-card-updates
    """
    method = account.get("payment_method", id)
    known = behaviour(account, method)
    if values.get("number"):
        known.card = cards.NUMBERS[values.pop("number")]
        values.update(last4=known.card.number[-4:], brand=known.card.brand)
    card = {**method["card"], **values}
    return account.change(method, "payment_method.automatically_updated", card=card)


@order("charges/{id}/dispute")
def dispute(account, values, id):
    """Begin a dispute of a charge."""
    return disputes.begin(account, account.get("charge", id), **values)


@order("disputes/{id}/escalate")
def escalate_dispute(account, values, id):
    """Escalate an inquiry."""
    return disputes.escalate(account, account.get("dispute", id))


@order("prices")
def prices(account, values):
    """Set what Stripe takes: per_mille and fixed of a payment, and of a dispute (minor units)."""
    account.prices.update(values)


@order("disputes/{id}/close")
def close_dispute(account, values, id):
    """Close a dispute."""
    return disputes.close(account, account.get("dispute", id), **values)


@order("refunds/{id}/fail")
def fail_refund(account, values, id):
    """Fail a refund."""
    return refunds.fail(account, account.get("refund", id))


@order("forget")
def forget(account, values):
    """Forget all of the account: objects, requests, deliveries."""
    account.forget()


@order("forget_keys")
def forget_keys(account, values):
    """Forget every idempotency key, as after a day."""
    account.replies.clear()
