"""The log of events, and the addresses they are sent to.

https://docs.stripe.com/api/events, https://docs.stripe.com/api/webhook_endpoints
"""

import secrets

from .deliveries import matches
from .errors import invalid
from .objects import kept, merged_metadata, page
from .routes import route


@route("GET", "/v1/events", "event_list")
def index(account, params):
    """List events."""
    if params.get("type") and params.get("types"):
        raise invalid("You may only specify one of these parameters: type, types.", None, "types")
    wanted = params.get("types") or [params.get("type") or "*"]
    found = [event for event in account.all("event") if matches(event["type"], wanted)]
    if "delivery_success" in params:
        found = [event for event in found
                 if (event["pending_webhooks"] == 0) == params["delivery_success"]]
    return page(found, params, "/v1/events")


@route("GET", "/v1/events/{id}", "event_retrieve")
def retrieve(account, params, id):
    """Return an event."""
    return account.get("event", id)


@route("POST", "/v1/webhook_endpoints", "webhook_endpoint_create")
def create(account, params):
    """Create an endpoint, in the only answer that shows its signing secret."""
    endpoint = register(account, **{
        name: params[name] for name in ("url", "enabled_events", "api_version", "description")
        if params.get(name)})
    endpoint["metadata"] = merged_metadata({"metadata": {}}, params.get("metadata"))
    return {**endpoint, "secret": account.hidden[endpoint["id"]][0]}


def register(account, url, enabled_events=("*",), secret=None, **values):
    """Register an address; a test may choose its secret, so as to configure the receiver first."""
    if not url.startswith(("http://", "https://")):
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.",
                      "url_invalid", "url")
    endpoint = account.new(
        "webhook_endpoint", url=url, enabled_events=list(enabled_events), status="enabled",
        **{"description": None, "metadata": {}, **values})
    account.hidden[endpoint["id"]] = [secret or new_secret()]
    return endpoint


def new_secret():
    """Return a new signing secret."""
    return f"whsec_{secrets.token_urlsafe(24)}"


def roll(account, endpoint, keep_old=True, secret=None):
    """Give the endpoint another secret; for a time the old one signs as well.

    https://docs.stripe.com/webhooks#roll-endpoint-secrets
    """
    known = account.hidden[endpoint["id"]]
    account.hidden[endpoint["id"]] = [secret or new_secret(), *(known[:1] if keep_old else ())]
    return account.hidden[endpoint["id"]][0]


@route("GET", "/v1/webhook_endpoints", "webhook_endpoint_list")
def endpoints(account, params):
    """List webhook endpoints."""
    return page(account.all("webhook_endpoint"), params, "/v1/webhook_endpoints")


@route("GET", "/v1/webhook_endpoints/{id}", "webhook_endpoint_retrieve")
def endpoint(account, params, id):
    """Return a webhook endpoint."""
    return account.get("webhook_endpoint", id)


@route("POST", "/v1/webhook_endpoints/{id}", "webhook_endpoint_update")
def update(account, params, id):
    """Change a webhook endpoint."""
    found = account.get("webhook_endpoint", id)
    found.update(kept(params, "description", "enabled_events", "url"))
    if "disabled" in params:
        found["status"] = "disabled" if params["disabled"] else "enabled"
    return found


@route("DELETE", "/v1/webhook_endpoints/{id}", "webhook_endpoint_delete")
def delete(account, params, id):
    """Delete a webhook endpoint."""
    account.get("webhook_endpoint", id)["status"] = "deleted"
    account.put({"id": id, "object": "webhook_endpoint", "deleted": True})
    return account.objects[id]
