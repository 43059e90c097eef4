"""Refusals of the quota API as RFC 9457 describes them: ``application/problem+json``."""

import json

from odoo.http import Response, request
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

BASE = "/quota/v1/problems/"

# slug: status, title, and what the page of the problem advises
PROBLEMS = {
    "malformed": (400, _lt("Malformed request"), _lt(
        "The body is not JSON, or a header or parameter is not as the documentation says. Mend "
        "the program.")),
    "unauthenticated": (401, _lt("API key needed"), _lt(
        "The key is missing, mistyped or revoked. Send it as “Authorization: Bearer qk_…”.")),
    "suspended": (402, _lt("Service off"), _lt(
        "The subscription is suspended, paused or over. Once it is paid, resumed or renewed, "
        "requests are answered again at once.")),
    "forbidden": (403, _lt("Not allowed to this key"), _lt(
        "The key exists, but was not given this right. Ask whoever made it.")),
    "not_found": (404, _lt("Not found"), _lt(
        "There is no such metric or subscription, or it is not one of this key.")),
    "method_not_allowed": (405, _lt("Method not allowed"), _lt(
        "The address exists, but not for this HTTP method.")),
    "in_progress": (409, _lt("Already being answered"), _lt(
        "The same request is being answered at this moment. Send it again in a second.")),
    "too_large": (413, _lt("Request too large"), _lt("Send fewer items at a time.")),
    "media_type": (415, _lt("JSON needed"), _lt(
        "Send the body as “Content-Type: application/json”.")),
    "invalid": (422, _lt("Invalid request"), _lt(
        "The request was understood and cannot be carried out as it is: the detail says why.")),
    "limit_reached": (429, _lt("Limit reached"), _lt(
        "The plan's limit is reached. Wait for the reset, buy more, or change the plan.")),
    "rate_limited": (429, _lt("Too many requests"), _lt(
        "The key asks more often than it may. Wait for the time the answer says.")),
    "unavailable": (503, _lt("Not available"), _lt(
        "The service cannot answer at this moment. Nothing was counted; try again.")),
    "error": (500, _lt("Server error"), _lt(
        "Something went wrong on our side. It was logged.")),
}


def json_response(body, status=200, headers=None, content_type="application/json"):
    """Answer with JSON that no cache keeps, unless `headers` say otherwise."""
    return Response(
        json.dumps(body, default=str, ensure_ascii=False), status=status,
        content_type=content_type, headers={"Cache-Control": "no-store", **(headers or {})})


def caller_language():
    """Choose French or English, as the caller prefers; French by default, if it is installed."""
    best = request.httprequest.accept_languages.best_match(["fr", "en"])
    installed = request.env["res.lang"]._get_data(code="fr_FR")
    return "fr_FR" if installed and best != "en" else "en_US"


class Problem(Exception):
    """A request that is refused.

    :param str slug: one of PROBLEMS
    :param detail: lazy translation of what is the matter this time, or None for the title
    :param dict members: what programs read besides; a value of None is left out
    :param dict headers: of the answer
    """

    def __init__(self, slug, detail=None, members=None, headers=None):
        super().__init__(slug)
        self.slug = slug
        self.detail = detail
        self.members = {name: value for name, value in (members or {}).items()
                        if value is not None}
        self.headers = headers or {}

    @property
    def status(self):
        """Return the HTTP status of the answer."""
        return PROBLEMS[self.slug][0]

    def response(self):
        """Answer the present request."""
        env = request.env(context={"lang": caller_language()})
        return json_response(
            self.body(env, request.httprequest.path), self.status,
            {**self.headers, "Content-Language": env.context["lang"][:2]},
            "application/problem+json")

    def body(self, env, instance):
        """Build the body in the language of `env`.

        :param str instance: path of the request
        :return: dict, to be sent as JSON
        """
        status, title, advice = PROBLEMS[self.slug]
        detail = advice if self.detail is None else self.detail
        return {
            "type": BASE + self.slug, "title": env._(title), "status": status,
            "detail": env._(detail), "instance": instance, **self.members,
        }


def service_off(subscription_id, state):
    """Make the problem of a service that is off, with the page where the customer pays."""
    return Problem("suspended", members={
        "state": state, "pay_url": _subscription_url(subscription_id)})


def limit_reached(subscription_id, code, metric, seconds):
    """Make the problem of a limit that would be passed, with the page to change the plan.

    :param dict metric: as the engine left it
    :param seconds: until the count starts anew, or None
    """
    return Problem(
        "limit_reached", _lt(
            "“%(metric)s”: %(used)s of %(limit)s are used, %(units)s more were asked for.",
            metric=code, used=metric["used"], limit=metric["limit"], units=metric["units"]),
        {"metric": code, "used": metric["used"], "limit": metric["limit"],
         "resets_on": metric["resets_on"], "upgrade_url": _subscription_url(subscription_id)},
        {"Retry-After": str(seconds)} if seconds else {})


def _subscription_url(subscription_id):
    # sudo: the address of the server
    base = request.env["ir.config_parameter"].sudo().get_param("web.base.url")
    return f"{base}/my/subscriptions/{subscription_id}"
