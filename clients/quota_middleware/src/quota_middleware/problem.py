"""Problems as of RFC 9457, from the server to the caller."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import httpx
from starlette.responses import Response

from .words import language_of, words

MEDIA_TYPE = "application/problem+json"
PASSED_HEADERS = ("retry-after", "www-authenticate", "content-language")
# Members that lead to a page of the server, which the caller reaches by another address.
LINKS = ("type", "upgrade_url", "pay_url")


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal: why, what to do about it, and when to try again."""

    status: int
    members: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, response: httpx.Response) -> "Problem":
        """Read a refusal; one that is not a problem document becomes one."""
        try:
            members = response.json()
        except ValueError:
            members = None
        if not isinstance(members, dict):
            members = {"type": "about:blank", "title": response.reason_phrase}
        for name in LINKS:
            if isinstance(members.get(name), str) and members[name] != "about:blank":
                members[name] = urljoin(str(response.request.url), members[name])
        headers = {name: response.headers[name] for name in PASSED_HEADERS
                   if name in response.headers}
        return cls(response.status_code, members, headers)

    @classmethod
    def own(cls, status: int, name: str, language: str | None, *,
            headers: Mapping[str, str] | None = None, url: str | None = None,
            **members: Any) -> "Problem":
        """Make a refusal of the middleware itself.

        :param name: of its words
        :param url: of the Odoo on which to upgrade
        """
        title, detail = words(name, language, **members)
        members |= {"type": "about:blank", "title": title, "detail": detail}
        if url:
            members["upgrade_url"] = f"{url}/my/subscriptions"
        return cls(status, members,
                   {"content-language": language_of(language), **(headers or {})})

    @property
    def slug(self) -> str:
        """Return the last part of its type: ``limit_reached``, ``suspended``, …"""
        return str(self.members.get("type", "")).rpartition("/")[2]

    @property
    def detail(self) -> str:
        """Return the sentence that explains the problem."""
        return str(self.members.get("detail") or self.members.get("title") or "")

    @property
    def metric(self) -> str | None:
        """Return the code of the metric that it is about, or None."""
        metric = self.members.get("metric")
        return metric if isinstance(metric, str) else None

    def response(self, path: str) -> Response:
        """Build the answer to the caller.

        :param path: of the caller's request, the problem's ``instance``
        """
        members = {**self.members, "status": self.status, "instance": path}
        return Response(
            json.dumps(members, ensure_ascii=False), self.status,
            {**self.headers, "cache-control": "no-store"}, MEDIA_TYPE)
