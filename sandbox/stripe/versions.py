"""The same object in several versions of the API (https://docs.stripe.com/upgrades).

Odoo's payment_stripe asks for 2019-05-16, where intents carry their charges and charges their
refunds; the official library asks for the latest, where they do not.
"""

import copy

from .errors import invalid

LATEST = "2026-10-28.endive"
BUNDLED = "2019-05-16"
UNBUNDLED_SINCE = "2022-11-15"


def shapes(account, obj):
    """Return both shapes of an object as it is now, for an event that will show it later."""
    return {False: snapshot(account, obj, LATEST), True: snapshot(account, obj, BUNDLED)}


def snapshot(account, obj, version):
    """Copy the object, in the shape that this version of the API gives it."""
    if isinstance(obj, list):
        return [snapshot(account, each, version) for each in obj]
    if not isinstance(obj, dict):
        return obj
    if obj.get("object") == "event" and obj["id"] in account.hidden:
        return event_as_of(account, obj, version)
    shaped = {name: snapshot(account, value, version) for name, value in obj.items()}
    bundled = version < UNBUNDLED_SINCE
    if obj.get("object") == "charge":
        shaped.pop("refunds", None)
        if bundled:
            shaped["refunds"] = _bundle(
                account, "refund", "charge", obj, f"/v1/charges/{obj['id']}/refunds", version)
    if obj.get("object") == "payment_intent" and bundled:
        shaped["charges"] = _bundle(
            account, "charge", "payment_intent", obj,
            f"/v1/charges?payment_intent={obj['id']}", version)
    return shaped


def event_as_of(account, event, version):
    """Show the event's object as it was then, in the version of who reads or receives it."""
    shaped = copy.deepcopy(account.hidden[event["id"]][version < UNBUNDLED_SINCE])
    return {**event, "api_version": version, "data": {"object": shaped, **event["data"]}}


def _bundle(account, kind, field, obj, url, version):
    found = account.all(kind, **{field: obj["id"]})
    return {
        "object": "list", "url": url, "has_more": len(found) > 10, "total_count": len(found),
        "data": snapshot(account, found[:10], version)}


def expanded(account, answer, paths, version):
    """Replace ids in the answer by their objects (https://docs.stripe.com/api/expanding_objects).

    :param list paths: such as ``payment_method`` or ``data.latest_charge``
    """
    for path in paths:
        _expand(account, answer, path.split("."), version)
    return answer


def _expand(account, node, path, version):
    if isinstance(node, list):
        for each in node:
            _expand(account, each, path, version)
        return
    if not isinstance(node, dict) or path[0] not in node:
        raise invalid(f"This property cannot be expanded ({'.'.join(path)}).", None, "expand")
    value = node[path[0]]
    if isinstance(value, str):
        if value not in account.objects:
            raise invalid(f"This property cannot be expanded ({path[0]}).", None, "expand")
        value = node[path[0]] = snapshot(account, account.objects[value], version)
    if len(path) > 1 and value is not None:
        _expand(account, value, path[1:], version)
