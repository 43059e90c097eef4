"""What an account holds: objects on Stripe's fixtures, found by id, listed newest first."""

import copy
import json
import secrets
import string
import time
from collections import defaultdict
from pathlib import Path

from .deliveries import Deliveries
from .errors import invalid, missing
from .faults import Faults
from .versions import shapes

FIXTURES = json.loads((Path(__file__).parent / "fixtures.json").read_text())["resources"]

PREFIXES = {
    "account": "acct", "balance_transaction": "txn", "charge": "ch", "customer": "cus",
    "dispute": "du", "event": "evt", "file": "file", "payment_intent": "pi", "payment_method": "pm",
    "payout": "po", "refund": "re", "setup_attempt": "setatt", "setup_intent": "seti",
    "webhook_endpoint": "we",
}

# Of Stripe's French price list, for European cards: 1.5 % + 0.25 € a payment, 20 € a dispute.
PRICES = {"per_mille": 15, "fixed": 25, "dispute": 2000}

# The fixtures show every field filled once; these are empty on an ordinary new object.
EMPTY = {
    "charge": dict.fromkeys((
        "balance_transaction", "shipping", "source", "transfer_data"), None) | {"refunds": {}},
    "customer": {"currency": None, "discount": None, "shipping": None},
    "payment_intent": dict.fromkeys((
        "automatic_payment_methods", "canceled_at", "last_payment_error", "managed_payments",
        "next_action", "payment_method_configuration_details", "processing", "shipping", "source",
        "transfer_data"), None),
    "payment_method": {"metadata": {}},
    "setup_attempt": {"setup_error": None},
    "setup_intent": dict.fromkeys((
        "automatic_payment_methods", "last_setup_error", "next_action",
        "payment_method_configuration_details"), None),
}


class Account:
    """The objects of one merchant, and what was asked on its behalf.

    :param str name: what follows ``sk_test_`` in its keys
    """

    def __init__(self, name):
        self.name = name
        self.deliveries = Deliveries(self)
        self.forget()

    def forget(self):
        """Begin anew."""
        self.objects = {}  # by id
        self.kinds = defaultdict(dict)  # the same by kind, oldest first
        self.hidden = {}  # what Stripe knows of an object and does not show, by id
        self.replies = {}  # idempotency keys and the answers they got
        self.request = {"id": None, "idempotency_key": None}  # the one being answered
        self.calls = []  # every request: what was asked and how it was answered
        self.refused = []  # requests with unknown or mistyped parameters
        self.faults = Faults()
        self.prices = dict(PRICES)
        self.deliveries.forget()

    def new(self, kind, **values):
        """Create an object of the kind: the fixture's fields, emptied, then these values."""
        made = {
            **copy.deepcopy(FIXTURES[kind]), **copy.deepcopy(EMPTY.get(kind, {})),
            "id": new_id(PREFIXES[kind]), "created": int(time.time()), **values}
        self.put(made)
        return made

    def put(self, obj):
        """Keep an object under its id."""
        self.objects[obj["id"]] = self.kinds[obj["object"]][obj["id"]] = obj

    def get(self, kind, object_id, param="id"):
        """Return the object of this kind and id.

        :param str param: the parameter that named it, for the error
        :raise ApiError: 404
        """
        found = self.objects.get(object_id)
        if not found or found["object"] != kind or found.get("deleted"):
            raise missing(kind, object_id, param)
        return found

    def all(self, kind, **values):
        """List the objects of the kind whose fields have these values (None: any), newest first."""
        return [
            found for found in reversed(self.kinds[kind].values())
            if not found.get("deleted") and all(
                value is None or found.get(name) == value for name, value in values.items())]

    def emit(self, type, obj, previous=None):
        """Create an event about the object as it is now (https://docs.stripe.com/api/events).

        :param dict previous: fields before the change, for ``*.updated``
        """
        data = {"previous_attributes": previous} if previous else {}
        event = self.new("event", type=type, data=data, request=dict(self.request))
        self.hidden[event["id"]] = shapes(self, obj)
        self.deliveries.send(event)
        return event

    def change(self, obj, type=None, **values):
        """Set fields, and tell of it as ``type`` when they differ."""
        previous = {
            name: copy.deepcopy(obj.get(name)) for name, value in values.items()
            if obj.get(name) != value}
        obj.update(values)
        if type and previous:
            self.emit(type, obj, previous)
        return obj


def new_id(prefix):
    """Return a random id with the prefix of its kind."""
    letters = string.ascii_letters + string.digits
    return f"{prefix}_" + "".join(secrets.choice(letters) for _letter in range(24))


def with_secret(obj):
    """Give an intent the secret by which a browser may act on it."""
    obj["client_secret"] = f"{obj['id']}_secret_{secrets.token_hex(12)}"
    return obj


def merged_metadata(obj, given):
    """Merge keys one by one; an empty value removes one, an empty string all.

    https://docs.stripe.com/api/metadata
    """
    if given == "":
        return {}
    return {name: value for name, value in {**obj["metadata"], **(given or {})}.items() if value}


def kept(params, *names):
    """Return those of the parameters that are stored as they came; an empty string removes one."""
    return {
        name: None if params[name] == "" else params[name] for name in names if name in params}


def page(found, params, url):
    """Return a page of a list (https://docs.stripe.com/api/pagination).

    :param list found: all there is, newest first
    """
    limit = params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("Limit must be between 1 and 100.", "parameter_invalid_integer", "limit")
    found = [obj for obj in found if _within(obj["created"], params.get("created"))]
    start, end = 0, len(found)
    ids = [obj["id"] for obj in found]
    for bound in ("starting_after", "ending_before"):
        if params.get(bound) and params[bound] not in ids:
            raise invalid(f"No such object: '{params[bound]}'", "resource_missing", bound)
    if params.get("starting_after"):
        start = ids.index(params["starting_after"]) + 1
    if params.get("ending_before"):
        end = ids.index(params["ending_before"])
        start = max(start, end - limit)
        return _list(found[start:end], url, has_more=start > 0)
    return _list(found[start:start + limit], url, has_more=start + limit < end)


def _list(found, url, has_more):
    return {"object": "list", "url": url, "has_more": has_more, "data": found}


def _within(created, bounds):
    """Filter `created`: a second, or gt, gte, lt, lte."""
    if bounds is None:
        return True
    if isinstance(bounds, int):
        return created == bounds
    return (
        created > bounds.get("gt", created - 1) and created >= bounds.get("gte", created)
        and created < bounds.get("lt", created + 1) and created <= bounds.get("lte", created))
