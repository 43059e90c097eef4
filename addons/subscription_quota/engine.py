"""Counting without the ORM: a cursor in, plain values out. The rules are in the database
(``sql/quota_engine.sql``), so every door counts by the same statement."""

import hashlib
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime

import psycopg2

from odoo.addons.subscription_billing.tools import civil

from .kept_cursor import KeptCursor

_logger = logging.getLogger(__name__)

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
        """Tell whether the units are counted, now or by the same request before."""
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
    cr.execute(
        "SELECT quota_move(%s, %s::varchar[], %s::integer[], %s, %s, %s, %s)",
        (subscription_id, *_codes_and_units(units), moment, api_key_id, key,
         key and _digest(units)))
    return _outcome(cr.fetchone()[0])


def move_by_key(cr, token, reference, units, moment, key=None):
    """Count as :func:`move` does for whoever shows an API key that may consume, in one query.

    :param tuple token: start and hash, see :func:`find_key`
    :param str reference: of the subscription, see :func:`find_key`
    :return: (row of ``quota_key`` or None, :class:`Outcome`); nothing is counted for a key that
        may not consume or does not tell which subscription
    """
    cr.execute(
        "SELECT k.*, CASE WHEN k.can_consume AND k.subscription_id > 0 AND NOT k.is_ambiguous"
        " THEN quota_move(k.subscription_id, %s::varchar[], %s::integer[], %s, k.key_id, %s, %s)"
        " END AS result FROM quota_key(%s, %s, %s) k",
        (*_codes_and_units(units), moment, key, key and _digest(units), *token, reference))
    found = _row_as_dict(cr)
    return found, _outcome(found and found["result"])


def state_by_key(cr, token, reference, moment, codes):
    """Answer as :func:`state` does for whoever shows an API key that may check, in one query.

    :return: (row of ``quota_key`` or None, list of dicts of ``quota_state``)
    """
    cr.execute(
        "SELECT * FROM quota_key(%s, %s, %s) k LEFT JOIN LATERAL"
        " quota_state(k.subscription_id, %s, %s::varchar[]) q"
        " ON k.can_check AND NOT k.is_ambiguous", (*token, reference, moment, codes))
    rows = _rows_as_dicts(cr)
    return rows[0] if rows else None, [row for row in rows if row["metric_id"]]


def _codes_and_units(units):
    return list(units), list(units.values())


def _digest(units):
    return hashlib.sha256(json.dumps(sorted(units.items())).encode()).hexdigest()


def _outcome(result):
    return Outcome(result["outcome"], result.get("metrics", {})) if result else None


def undo(cr, subscription_id, moment, api_key_id, key):
    """Take back, once, what the request with this key of the API key consumed; or, when it has
    not come yet, keep it from counting.

    :return: the :class:`Outcome`; other_body: no consumption of this subscription
    """
    cr.execute("SELECT quota_undo(%s, %s, %s, %s)", (subscription_id, moment, api_key_id, key))
    return _outcome(cr.fetchone()[0])


def state(cr, subscription_id, moment, codes=None):
    """Read what a subscription may use and has used; see ``quota_state``.

    :return: list of dicts, a metric each; empty when there is no such subscription
    """
    cr.execute("SELECT * FROM quota_state(%s, %s, %s::varchar[])",
               (subscription_id, moment, codes))
    return _rows_as_dicts(cr)


def refusal(metric):
    """Tell why a metric, as :func:`move` or :func:`check` left it, was not counted.

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
    """Count the seconds until the period ends where the customer lives; None: it never does."""
    resets_on = metric["resets_on"]
    if not resets_on:
        return None
    day = datetime.fromisoformat(resets_on).date() if isinstance(resets_on, str) else resets_on
    return max(1, round((civil.utc_midnight(day, metric["tz"]) - moment).total_seconds()))


def begin(cr):
    """Start a short transaction of READ COMMITTED, in which whoever waits for a row then sees it
    as it has become. Inside another transaction (tests) that one goes on."""
    cr.rollback()
    if cr.connection.status == psycopg2.extensions.STATUS_READY:
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def find_key(cr, token, reference):
    """Find a live API key, and the subscription it speaks of.

    :param tuple token: start of the key and hash of its secret
    :param str reference: of a subscription, or None for the only one of the customer
    :return: dict of a row of ``quota_key``, or None
    """
    cr.execute("SELECT * FROM quota_key(%s, %s, %s)", (*token, reference))
    return _row_as_dict(cr)


def note_use(cr, api_key_id, moment):
    """Write when a key was last used, a minute apart; nobody waits for it, nor fails by it."""
    try:
        if not isinstance(cr, KeptCursor):
            begin(cr)
        cr.execute(
            "UPDATE quota_api_key SET last_used_at = %s WHERE id = (SELECT id FROM quota_api_key"
            " WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED)", (moment, api_key_id))
        cr.commit()  # pylint: disable=invalid-commit
    except psycopg2.Error:  # what was counted stands, and must not be counted again
        _logger.info("Last use of API key %s not written", api_key_id, exc_info=True)
        cr.rollback()


def entitlements(cr, subscription_id, moment, lang):
    """Read the rows of :func:`state` of what the plan includes, with names in a language.

    :return: list of dicts, one at least: of a plan without limits, its name and the state
    """
    cr.execute(
        "SELECT q.*, COALESCE(m.name ->> %(lang)s, m.name ->> 'en_US') AS name,"
        " COALESCE(m.unit ->> %(lang)s, m.unit ->> 'en_US', '') AS unit,"
        " COALESCE(t.name ->> %(lang)s, t.name ->> 'en_US') AS plan,"
        " s.state AS subscription_state FROM subscription_subscription s"
        " JOIN subscription_plan p ON p.id = COALESCE(s.served_plan_id, s.plan_id)"
        " JOIN product_template t ON t.id = p.product_tmpl_id"
        " LEFT JOIN quota_state(s.id, %(moment)s) q ON q.offered"
        " LEFT JOIN quota_metric m ON m.id = q.metric_id"
        " WHERE s.id = %(id)s ORDER BY m.sequence, m.id",
        {"lang": lang, "moment": moment, "id": subscription_id})
    return _rows_as_dicts(cr)


def history(cr, subscription_id, first, last, code=None, after=None, limit=100):
    """List the totals of each day, the latest first.

    :param after: (day, metric id) of the last row already read
    :return: list of dicts of day, metric_id, metric, consumed, released; perhaps one too many
    """
    cr.execute(
        "SELECT d.day, d.metric_id, m.code AS metric, d.consumed, d.released"
        " FROM quota_usage_day d JOIN quota_metric m ON m.id = d.metric_id"
        " WHERE d.subscription_id = %(id)s AND d.day BETWEEN %(first)s AND %(last)s"
        " AND (%(code)s IS NULL OR m.code = %(code)s)"
        " AND (%(day)s::date IS NULL OR (d.day, d.metric_id) < (%(day)s::date, %(metric)s))"
        " ORDER BY d.day DESC, d.metric_id DESC LIMIT %(limit)s",
        {"id": subscription_id, "first": first, "last": last, "code": code, "limit": limit + 1,
         "day": after and after[0], "metric": after and after[1]})
    return _rows_as_dicts(cr)


def _rows_as_dicts(cr):
    names = [column.name for column in cr.description]
    return [dict(zip(names, row, strict=True)) for row in cr.fetchall()]


def _row_as_dict(cr):
    rows = _rows_as_dicts(cr)
    return rows[0] if rows else None
