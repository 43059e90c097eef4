"""Refusals of the quota API as RFC 9457 tells them: ``application/problem+json``."""

import json

from odoo.http import Response, request
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

BASE = "/quota/v1/problems/"

# slug: status, title, and what the page of the problem advises
PROBLEMS = {
    "malformed": (400, _lt("Malformed request"), _lt(
        "The body is not JSON, or a header is not as the documentation says. Mend the program.")),
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
    return Response(
        json.dumps(body, default=str, ensure_ascii=False), status=status,
        content_type=content_type, headers={"Cache-Control": "no-store", **(headers or {})})


def caller_language():
    """French or English, as the caller prefers; French by default, if it is installed."""
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
        return PROBLEMS[self.slug][0]

    def response(self):
        """The answer to the present request."""
        env = request.env(context={"lang": caller_language()})
        return json_response(
            self.body(env, request.httprequest.path), self.status,
            {**self.headers, "Content-Language": env.context["lang"][:2]},
            "application/problem+json")

    def body(self, env, instance):
        """:return: the dict that is sent, in the language of `env`"""
        status, title, advice = PROBLEMS[self.slug]
        detail = advice if self.detail is None else self.detail
        return {
            "type": BASE + self.slug, "title": env._(title), "status": status,
            "detail": env._(detail), "instance": instance, **self.members,
        }
