import functools
import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date, timedelta

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import fields, http
from odoo.http import request
from odoo.tools import LazyTranslate

from .. import engine
from ..kept_cursor import kept_cursor
from ..models.quota_api_key import split_token
from ..problem import (
    PROBLEMS,
    Problem,
    caller_language,
    json_response,
    limit_reached,
    service_off,
)
from ..rate import RateLimit
from .quota_openapi import document

_lt = LazyTranslate(__name__)

MAX_BODY = 64 * 1024
MAX_ITEMS = 100
HISTORY_PAGE = 100
HISTORY_DAYS = 31  # by default
YEARS = range(1970, 2200)  # that a history is asked for
NOTE_USE_EVERY = timedelta(minutes=1)
CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
REFERENCE = re.compile(r"[\x21-\x7e]{1,64}")
REQUEST_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")
RATE_PARAMETER, RATE_DEFAULT = "subscription_quota.api_requests_per_minute", 30_000
MAX_KNOWN = 10_000
rate = RateLimit()
known = {}  # id of each key that was shown; whether it still lives, the database says each time


def api(path, method, scope):
    """Declare a route of the API: no session, no ORM, and every refusal is a problem.

    Methods are checked here: Odoo's router would answer with a page of HTML.
    """
    def decorate(handler):
        def route(self, **params):
            try:
                _check_method(method)
                call = Call(method, scope)
                with kept_cursor(request.env.cr) as call.cr:
                    return call.answer(functools.partial(handler, self))
            except Problem as problem:
                return problem.response()
        route.__name__, route.__doc__ = handler.__name__, handler.__doc__
        return http.route(
            f"/quota/v1/{path}", type="http", auth="none", csrf=False, readonly=False,
            save_session=False, max_content_length=MAX_BODY)(route)
    return decorate


def _check_method(method):
    if request.httprequest.method not in (method, "HEAD" if method == "GET" else method):
        raise Problem("method_not_allowed", headers={"Allow": method})


class Call:
    """One request of a program: who asks, for which subscription, and what.

    The statement that carries out the request also finds out who asks. A request that is refused
    before that statement looks its key up first, because strangers must not learn why it is
    refused.

    :raise Problem: the request may not be answered, and why
    """

    def __init__(self, method, scope):
        self.scope = scope
        self.moment = fields.Datetime.now()
        # Read first: what follows is a transaction of its own.
        self.per_minute = self._requests_per_minute()
        self.token = self._read_token()
        self.key = None  # until it is found
        body, self.error = (None, None) if method == "GET" else self._parse_body()
        self.body = body or {}
        self.reference = self._reference(method)

    def answer(self, handler):
        """Answer the request within the rate limit of its key.

        :raise Problem: the caller may not ask this, not now, or not so
        """
        if seconds := rate.wait(self._key_id(), self.per_minute):
            raise Problem("rate_limited", _lt(
                "This key may ask %(count)s times a minute.", count=self.per_minute),
                headers={"Retry-After": str(seconds)})
        try:
            if self.error:
                raise self.error
            response = handler(self)
        except Problem as problem:
            if not self.key and problem.slug != "unauthenticated":
                self._find_key()
            raise
        self._finish()
        return response

    def move(self, units):
        """Count these units.

        :return: the Outcome, metrics by code
        """
        key, outcome = engine.move_by_key(
            self.cr, self.token, self.reference, units, self.moment, self.request_key())
        self._authenticate(key)
        return self.subscription_id and outcome

    def state(self, codes):
        """Read what the subscription may use.

        :return: list of dicts, see ``quota_state``
        """
        key, rows = engine.state_by_key(
            self.cr, self.token, self.reference, self.moment, codes)
        self._authenticate(key)
        return self.subscription_id and rows

    def _requests_per_minute(self):
        # sudo: a setting of the server, of which the caller sees the effect only
        value = request.env["ir.config_parameter"].sudo().get_param(RATE_PARAMETER)
        return int(value) if value and value.isdecimal() else RATE_DEFAULT

    def _parse_body(self):
        """Parse the body.

        :return: (the object sent, None) or (None, the problem with it)
        """
        if request.httprequest.mimetype != "application/json":
            return None, Problem("media_type")
        try:
            body = json.loads(request.httprequest.get_data())
        except RequestEntityTooLarge:
            return None, Problem("too_large")
        except (ValueError, RecursionError):
            return None, Problem("malformed", _lt("The body is not JSON."))
        if not isinstance(body, dict):
            return None, Problem("invalid", _lt("The body is not a JSON object."))
        return body, None

    def _reference(self, method):
        """Read the name of the subscription, or None; an impossible name becomes an empty one."""
        given = (request.httprequest.args if method == "GET" else self.body).get("subscription")
        if given is None:
            return None
        return given if isinstance(given, str) and REFERENCE.fullmatch(given) else ""

    def _read_token(self):
        """Read the key from the request.

        :return: (start, hash) of the key; a pair that matches no key when it is not one of ours
        """
        scheme, _space, token = request.httprequest.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and split_token(token.strip()) or ("", "")

    def _key_id(self):
        where = request.db, self.token
        key_id = known.get(where)  # once: another thread may clear them
        if key_id is None:
            self._find_key()
            if len(known) >= MAX_KNOWN:
                known.clear()
            key_id = known[where] = self.key["key_id"]
        return key_id

    def _find_key(self):
        self._authenticate(engine.find_key(self.cr, self.token, self.reference))

    def _authenticate(self, key):
        if not key:
            raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
        self.key = key
        if not key[f"can_{self.scope}"]:
            raise Problem("forbidden", _lt(
                "The key lacks the right “%(scope)s”.", scope=self.scope))

    @functools.cached_property
    def subscription_id(self):
        """Look up the subscription that the request is about.

        :raise Problem: the request names none, or none of this key
        """
        if not self.key:
            self._find_key()
        if self.reference is None and self.key["is_service"]:
            raise Problem("invalid", _lt(
                "A service key names the subscription: add “subscription”."))
        if not self.key["subscription_id"]:
            raise Problem("not_found", _lt("No such subscription for this key."))
        if self.key["is_ambiguous"]:
            raise Problem("invalid", _lt(
                "This customer has several subscriptions: name one with “subscription”."))
        return self.key["subscription_id"]

    def units(self, sign=1):
        """Sum the units asked for by code: several items of one metric count together."""
        units = {}
        for code, quantity in self.items:
            units[code] = units.get(code, 0) + sign * quantity
        if max(map(abs, units.values())) > engine.MAX_QUANTITY:
            raise _invalid_quantity()
        return units

    @functools.cached_property
    def items(self):
        """Read what is asked for.

        :return: list of (code, quantity)
        """
        extra = self.body.keys() - {"subscription", "items", "metric", "quantity"}
        if extra or ("items" in self.body) == ("metric" in self.body) or (
                "items" in self.body and "quantity" in self.body):
            raise Problem("invalid", _lt(
                "Send “metric” and “quantity”, or “items”: a list of them. Nothing else but "
                "“subscription”."))
        items = self.body.get("items", [self.body])
        if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
            raise Problem("invalid", _lt("“items” is a list of 1 to %(most)s.", most=MAX_ITEMS))
        return [_validate_item(item, "items" in self.body) for item in items]

    def request_key(self):
        """Read the header ``Idempotency-Key``, or None.

        :raise Problem: it is not 1 to 255 printable ASCII characters
        """
        key = request.httprequest.headers.get("Idempotency-Key")
        if key is not None and not REQUEST_KEY.fullmatch(key):
            raise Problem("malformed", _lt(
                "“Idempotency-Key” is 1 to 255 printable ASCII characters."))
        return key

    def undone_key(self):
        """Read the key of the consumption that shall be taken back.

        :raise Problem: it is no key, or something else goes with it
        """
        key = self.body["undo"]
        if self.body.keys() - {"subscription", "undo"} \
                or not isinstance(key, str) or not REQUEST_KEY.fullmatch(key):
            raise Problem("invalid", _lt(
                "“undo” is the “Idempotency-Key” of what was consumed; nothing else goes with it "
                "but “subscription”."))
        return key

    def _finish(self):
        """Commit, so that others go on, then note that the key was used."""
        self.cr.commit()  # pylint: disable=invalid-commit
        last = self.key["last_used_at"]
        if last is None or last < self.moment - NOTE_USE_EVERY:
            engine.note_use(self.cr, self.key["key_id"], self.moment)

    def refuse(self, metrics):
        """Refuse the request if the engine refused one of its metrics.

        :param dict metrics: by code, as the engine left them
        :raise Problem: why they were not counted
        """
        asked = [(code, metrics.get(code)) for code, _quantity in self.items]
        for code, metric in asked:
            if not metric:
                raise Problem("not_found", _lt(
                    "There is no metric “%(code)s”.", code=code), {"metric": code})
        refused = {engine.refusal(metric): (code, metric) for code, metric in reversed(asked)}
        if "invalid" in refused:
            code, metric = refused["invalid"]
            raise Problem("invalid", _invalid_detail(code, metric), {"metric": code})
        if "suspended" in refused:
            raise service_off(self.subscription_id, refused["suspended"][1]["state"])
        if "limit" in refused:
            code, metric = refused["limit"]
            raise limit_reached(
                self.subscription_id, code, metric, engine.seconds_to_reset(metric, self.moment))


def _validate_item(item, strict):
    """Validate an item.

    :return: (code, quantity)
    """
    if not isinstance(item, dict) or (strict and item.keys() - {"metric", "quantity"}):
        raise Problem("invalid", _lt("An item has a “metric” and a “quantity”."))
    code, quantity = item.get("metric"), item.get("quantity", 1)
    if isinstance(quantity, float) and quantity.is_integer():
        quantity = int(quantity)  # 1.0 is an integer in JSON
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise Problem("invalid", _lt(
            "A metric is named by small letters, digits and “_”."))
    if isinstance(quantity, bool) or not isinstance(quantity, int) \
            or not 1 <= quantity <= engine.MAX_QUANTITY:
        raise _invalid_quantity()
    return code, quantity


def _invalid_quantity():
    return Problem("invalid", _lt(
        "A quantity is a whole number from 1 to %(most)s.", most=engine.MAX_QUANTITY))


def _invalid_detail(code, metric):
    if metric["kind"] == "feature":
        return _lt("“%(metric)s” is on or off: it is not counted.", metric=code)
    if metric["kind"] == "period":
        return _lt("“%(metric)s” is counted per period: it is not given back.", metric=code)
    return _lt("“%(metric)s”: %(used)s are held, no more can be given back.", metric=code,
               used=metric["used"])


def _check_key(outcome):
    """Check what became of the request's idempotency key.

    :raise Problem: the key is in use, or was used for something else
    """
    if outcome.name == "in_progress":
        raise Problem("in_progress", headers={"Retry-After": "1"})
    if outcome.name == "other_body":
        raise Problem("invalid", _lt(
            "This “Idempotency-Key” was used for another request."))


def _replayed(outcome):
    return {"Idempotent-Replayed": "true"} if outcome.name == "replayed" else None


def _item_answer(code, metric):
    limit, used = metric["limit"], metric["used"]
    return {
        "metric": code, "used": used, "limit": limit,
        "left": None if limit is None else max(limit - used, 0),
        "resets_on": metric["resets_on"], "mode": metric["mode"], "overage": metric["overage"],
    }


class QuotaApi(http.Controller):
    """The quota API that programs count by; see ``GET /quota/v1/openapi.json``."""

    @api("consume", "POST", "consume")
    def consume(self, call):
        """Count units up to the limit: all items or none."""
        return self._count_items(call, 1)

    @api("release", "POST", "consume")
    def release(self, call):
        """Give held units back, or undo a consumption."""
        return self._undo_consumption(call) if "undo" in call.body else self._count_items(call, -1)

    def _count_items(self, call, sign):
        """Count all the items or none."""
        outcome = call.move(call.units(sign))
        _check_key(outcome)
        if not outcome.is_done:
            call.refuse(outcome.metrics)
        return json_response(
            {"allowed": True, "items": [
                _item_answer(code, outcome.metrics[code]) for code, _quantity in call.items]},
            headers=_replayed(outcome))

    def _undo_consumption(self, call):
        """Take back, once, what was consumed for a service that then failed."""
        call.request_key()  # not needed: what is undone is undone once
        outcome = engine.undo(
            call.cr, call.subscription_id, call.moment, call.key["key_id"], call.undone_key())
        _check_key(outcome)
        return json_response(
            {"allowed": True, "items": [
                _item_answer(code, metric) for code, metric in outcome.metrics.items()]},
            headers=_replayed(outcome))

    @api("check", "POST", "check")
    def check(self, call):
        """Tell whether units could be consumed now; a feature is allowed when it is on."""
        units = call.units()
        metrics = {row["code"]: {**row, "limit": row["limit_value"], "units": units[row["code"]]}
                   for row in call.state(list(units))}
        counted = {code: {**metric, "kind": "period", "used": 0, "mode": "hard"}
                   if metric["kind"] == "feature" else metric
                   for code, metric in metrics.items()}
        if set(units) - set(metrics) or not all(row["served"] for row in metrics.values()):
            call.refuse(counted)
        items = [{**_item_answer(code, metrics[code]),
                  "allowed": engine.refusal(counted[code]) is None}
                 for code, _quantity in call.items]
        return json_response({"allowed": all(item["allowed"] for item in items), "items": items})

    @api("entitlements", "GET", "check")
    def entitlements(self, call):
        """List what the plan includes and what is left of it."""
        rows = engine.entitlements(
            call.cr, call.subscription_id, call.moment, caller_language())
        body = {
            "subscription": call.key["subscription_name"], "plan": rows[0]["plan"],
            "state": _engine_state(rows[0]), "items": [
                {**_item_answer(row["code"], {**row, "limit": row["limit_value"]}),
                 "kind": row["kind"], "unit": row["unit"], "name": row["name"],
                 "enabled": row["served"] and row["limit_value"] != 0,
                 "grace_until": row["grace_until"]}
                for row in rows if row["code"]]}
        return self._answer_with_etag(body)

    def _answer_with_etag(self, body):
        """Answer with an ETag, or 304 when the caller already has this answer.

        A suspension may go unseen for one second; a client that keeps the answer longer does so by
        its own choice.
        """
        tag = hashlib.sha256(
            json.dumps(body, default=str, sort_keys=True).encode()).hexdigest()[:32]
        headers = {"Cache-Control": "private, max-age=1", "ETag": f'"{tag}"',
                   "Vary": "Authorization, Accept-Language"}
        if request.httprequest.if_none_match.contains_weak(tag):
            return http.Response(status=304, headers=headers)
        return json_response(body, headers=headers)

    @api("usage", "GET", "history")
    def usage(self, call):
        """List what was consumed and given back, a row a day and metric, the latest first."""
        first, last, code, after = _history_query(call.moment.date())
        rows = engine.history(
            call.cr, call.subscription_id, first, last, code, after, HISTORY_PAGE)
        more = len(rows) > HISTORY_PAGE
        rows = rows[:HISTORY_PAGE]
        return json_response({
            "subscription": call.key["subscription_name"], "from": first, "to": last,
            "items": [{name: row[name] for name in ("day", "metric", "consumed", "released")}
                      for row in rows],
            "next_cursor": _encode_cursor(rows[-1]) if more else None})

    @http.route("/quota/v1/openapi.json", type="http", auth="none", save_session=False,
                csrf=False)
    def openapi(self, **params):
        """Serve the OpenAPI document."""
        if request.httprequest.method not in ("GET", "HEAD"):
            return Problem("method_not_allowed", headers={"Allow": "GET"}).response()
        return json_response(document(), headers={"Cache-Control": "public, max-age=3600"})

    @http.route("/quota/v1/problems/<string:slug>", type="http", auth="public", website=True,
                methods=["GET"], sitemap=False)
    def problem_page(self, slug, **params):
        """Explain a problem to whoever follows its address."""
        if slug not in PROBLEMS:
            raise request.not_found()
        status, title, advice = PROBLEMS[slug]
        return request.render("subscription_quota.quota_problem", {
            "status": status, "title": request.env._(title), "advice": request.env._(advice)})

    @http.route("/quota/v1/<path:rest>", type="http", auth="none", save_session=False, csrf=False)
    def nothing(self, rest, **params):
        """Answer 404 as a problem wherever the API has no route."""
        return Problem("not_found", _lt("No such address.")).response()


def _engine_state(row):
    """Return the state as the engine takes it: a subscription whose last day is over has ended."""
    state = row["subscription_state"]
    return "ended" if row["served"] is False and state in ("trial", "active", "past_due") else state


def _history_query(today):
    """Read the filters of the history.

    :return: (first day, last day, code or None, cursor or None)
    """
    given = request.httprequest.args
    last = _parse_day(given.get("to"), today + timedelta(days=1))  # it may be tomorrow there
    first = _parse_day(given.get("from"), last - timedelta(days=HISTORY_DAYS))
    code = given.get("metric")
    if code is not None and not CODE.fullmatch(code):
        raise Problem("invalid", _lt("A metric is named by small letters, digits and “_”."))
    if first > last:
        raise Problem("invalid", _lt("“from” comes after “to”."))
    return first, last, code, _read_cursor(given.get("cursor"))


def _parse_day(text, default):
    if text is None:
        return default
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError(text)
        return _known_day(text)
    except ValueError as error:
        raise Problem("invalid", _lt("A day is written 2027-01-31.")) from error


def _known_day(text):
    """:raise ValueError: it is no day, or so far away that one cannot count on from it"""
    day = date.fromisoformat(text)
    if day.year not in YEARS:
        raise ValueError(text)
    return day


def _encode_cursor(row):
    return urlsafe_b64encode(f"{row['day']} {row['metric_id']}".encode()).decode()


def _read_cursor(text):
    if text is None:
        return None
    try:
        day, metric_id = urlsafe_b64decode(text.encode()).decode().split(" ")
        return _known_day(day), min(int(metric_id), 2**31 - 1)
    except ValueError as error:  # bad base64 and bad UTF-8, too
        raise Problem("invalid", _lt("“cursor” is none that this API gave.")) from error
