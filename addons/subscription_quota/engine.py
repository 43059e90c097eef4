"""Counting without the ORM: a cursor in, plain values out. The rules are in the database
(``sql/quota_engine.sql``), so every door counts by the same statement."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime

from .tools import civil

MAX_QUANTITY = 1_000_000


@dataclass
class Outcome:
    """What became of a request to count.

    :param str name: moved, replayed, refused, in_progress, other_body
    :param dict metrics: what each metric is at by then, by code
    """

    name: str
    metrics: dict = field(default_factory=dict)

    @property
    def is_done(self):
        return self.name in ("moved", "replayed")


def move(cr, subscription_id, units, moment, api_key_id=None, key=None):
    """Count for a subscription: all the metrics or none.

    In a transaction of READ COMMITTED it waits its turn and never conflicts; in one of Odoo's
    own it may end with a serialization error, which Odoo tries again.

    :param dict units: by code of metric; below zero gives held units back
    :param datetime moment: naive UTC: decides the period
    :param str key: the same key with the same units counts once
    :return: the :class:`Outcome`
    """
    body = hashlib.sha256(
        json.dumps([subscription_id, sorted(units.items())]).encode()).hexdigest()
    cr.execute(
        "SELECT quota_move(%s, %s::varchar[], %s::integer[], %s, %s, %s, %s)",
        (subscription_id, list(units), list(units.values()), moment, api_key_id, key,
         body if key else None))
    result = cr.fetchone()[0]
    return Outcome(result["outcome"], result.get("metrics", {}))


def state(cr, subscription_id, moment, codes=None):
    """What a subscription may use and has used; see ``quota_state``.

    :return: list of dicts, a metric each; empty when there is no such subscription
    """
    cr.execute("SELECT * FROM quota_state(%s, %s, %s::varchar[])",
               (subscription_id, moment, codes))
    names = [column.name for column in cr.description]
    return [dict(zip(names, row, strict=True)) for row in cr.fetchall()]


def refusal(metric):
    """Why a metric, as :func:`move` or :func:`check` left it, was not counted.

    :return: suspended, invalid (nothing of the kind is counted), limit, or None
    """
    units = metric["units"]
    if metric["kind"] == "feature" or (units < 0 and metric["kind"] != "held"):
        return "invalid"
    if units < 0:
        return "invalid" if metric["used"] + units < 0 else None
    if not metric["served"]:
        return "suspended"
    after = metric["used"] + units
    if after > 2**31 - 1 or (
            metric["mode"] == "hard" and metric["limit"] is not None and after > metric["limit"]):
        return "limit"
    return None


def seconds_to_reset(metric, moment):
    """Until the period ends where the customer lives; None for what does not reset."""
    resets_on = metric["resets_on"]
    if not resets_on:
        return None
    day = datetime.fromisoformat(resets_on).date() if isinstance(resets_on, str) else resets_on
    return max(1, round((civil.utc_midnight(day, metric["tz"]) - moment).total_seconds()))
