"""The quota API over HTTP, with retries that count once."""

import logging
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import anyio
import httpx

from .answers import Answer, Entitlements
from .caller import Caller
from .errors import Misconfigured, Mistake, Refused, Unavailable
from .metrics import Metrics, NoMetrics
from .problem import Problem

logger = logging.getLogger(__name__)

PATH = "/quota/v1/"
BACKOFF = 0.05  # seconds before the first retry, then twice as long each time
# The same key is being worked on, or the server is away for a moment.
RETRIED = frozenset({409, 500, 502, 503, 504})
MISTAKES = frozenset({400, 405, 413, 415, 422})
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
NOBODY = Caller()


class QuotaClient:
    """Asynchronous client of the quota API of one Odoo.

    Every call that counts bears an ``Idempotency-Key`` of its own, the same at each retry: a
    request that went unanswered does not count twice.

    :param url: of the Odoo, ``https://odoo.example.com``
    :param key: the service key of the application (``qk_…``); None when each caller's own key
        is forwarded
    :param timeout: seconds for one attempt
    :param deadline: seconds for a call with all its attempts
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 2.0,
                 deadline: float = 5.0, retries: int = 3, metrics: Metrics | None = None,
                 limits: httpx.Limits | None = None) -> None:
        self.url = url.rstrip("/")
        self.deadline = deadline
        self.retries = retries
        self.metrics = metrics or NoMetrics()
        self._key = key
        self._timeout = timeout
        self._limits = limits or httpx.Limits(max_connections=100, max_keepalive_connections=20)
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.aclose()

    async def consume(self, items: str | Mapping[str, int], quantity: int = 1, *,
                      caller: Caller = NOBODY, idempotency_key: str | None = None) -> Answer:
        """Count units: all of `items`, or none.

        :param items: the code of a metric, or a quantity for each of several
        :param idempotency_key: to undo the call by, and to repeat it safely for 24 hours
        :raise Refused: a limit is reached, the subscription is suspended, the key is not good
        :raise Unavailable: no answer in time
        """
        return await self._send_units("consume", _body(items, quantity), caller, idempotency_key)

    async def release(self, items: str | Mapping[str, int], quantity: int = 1, *,
                      caller: Caller = NOBODY, idempotency_key: str | None = None) -> Answer:
        """Give held units back: an account was closed."""
        return await self._send_units("release", _body(items, quantity), caller, idempotency_key)

    async def undo(self, idempotency_key: str, *, caller: Caller = NOBODY) -> Answer:
        """Take back a consumption, whatever its metrics; once, however often it is asked for.

        A consumption that never reached the server is kept from counting later.
        """
        return await self._send_units(
            "undo", {"undo": idempotency_key}, caller, None)

    async def check(self, items: str | Mapping[str, int], quantity: int = 1, *,
                    caller: Caller = NOBODY) -> Answer:
        """Tell whether :meth:`consume` would be allowed now; counts nothing.

        :raise Refused: it would be refused
        """
        return await self._send_units("check", _body(items, quantity), caller, None)

    async def entitlements(self, *, caller: Caller = NOBODY,
                           known: Entitlements | None = None) -> Entitlements:
        """Fetch all that the subscription may use.

        :param known: an earlier answer; the server sends nothing when it still holds
        """
        params = {"subscription": caller.subscription} if caller.subscription else {}
        headers = {"If-None-Match": known.etag} if known and known.etag else {}
        read_at = time.monotonic()
        response = await self._call(
            "entitlements", caller, "GET", "entitlements", params=params, headers=headers)
        if response.status_code == 304 and known is not None:
            known.read_at = read_at
            return known
        return Entitlements.read(response.json(), response.headers.get("etag"), read_at)

    async def _send_units(self, operation: str, body: dict[str, Any], caller: Caller,
                          idempotency_key: str | None) -> Answer:
        """Count, give back, undo or check units."""
        if caller.subscription:
            body["subscription"] = caller.subscription
        headers = {}
        if operation in ("consume", "release"):
            headers["Idempotency-Key"] = idempotency_key or uuid.uuid4().hex
        path = "release" if operation == "undo" else operation
        response = await self._call(operation, caller, "POST", path, json=body, headers=headers)
        return Answer.read(response.json(), "idempotent-replayed" in response.headers)

    async def _call(self, operation: str, caller: Caller, method: str, path: str,
                    **options: Any) -> httpx.Response:
        """Make one call with its retries, and tell the metrics."""
        started = time.perf_counter()
        outcome = "unavailable"
        try:
            response = await self._attempts(caller, method, path, **options)
            self._understood(response, caller)
            outcome = "allowed"
            return response
        except (Refused, Mistake):
            outcome = "refused"
            raise
        finally:
            self.metrics.observe(operation, outcome, time.perf_counter() - started)

    async def _attempts(self, caller: Caller, method: str, path: str, **options: Any,
                        ) -> httpx.Response:
        """Ask until there is an answer.

        :raise Unavailable: when the attempts or the time are over
        """
        options["headers"] |= self._headers(caller)
        sent = False
        reason = f"no answer within {self.deadline:g} s"
        wait = 1.0
        with anyio.move_on_after(self.deadline) as scope:
            for attempt in range(self.retries + 1):
                wait = BACKOFF * 2 ** attempt
                try:
                    response = await self._connection().request(
                        method, f"{self.url}{PATH}{path}", **options)
                except httpx.TransportError as error:
                    sent = sent or not isinstance(error, NEVER_SENT)
                    reason = f"{type(error).__name__} {error}".strip()
                else:
                    if response.status_code not in RETRIED:
                        return response
                    sent = True
                    reason = f"status {response.status_code}"
                    wait = _retry_after(response) or wait
                if attempt < self.retries:
                    await anyio.sleep(wait)
        raise Unavailable(f"{self.url}{PATH}{path}: {reason}", retry_after=wait,
                          sent=sent or scope.cancelled_caught)

    def _connection(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=self._timeout, limits=self._limits)
        return self._http

    def _headers(self, caller: Caller) -> dict[str, str]:
        key = caller.api_key or self._key
        if not key:
            raise Mistake("No key: give the client a service key, or the caller its own")
        headers = {"Authorization": f"Bearer {key}"}
        if caller.language:
            headers["Accept-Language"] = caller.language
        return headers

    def _understood(self, response: httpx.Response, caller: Caller) -> None:
        """Check that the answer is one of the API's, and no refusal.

        :raise Refused: the caller is told; the other errors are the application's.
        """
        if response.is_success or response.status_code == 304:
            self._allowed(response, caller)
            return
        problem = Problem.of(response)
        told = f"{response.request.url.path}: {problem.status} {problem.detail}"
        if problem.status in (401, 403) and caller.api_key is None:
            logger.error("The service key of the quota API is not good: %s", told)
            raise Misconfigured(told, retry_after=60)
        if problem.status in MISTAKES or not response.is_client_error:
            raise Mistake(told)
        raise Refused(problem)

    def _allowed(self, response: httpx.Response, caller: Caller) -> None:
        """Check that a check was answered with yes.

        :raise Refused: the answer to a check is no, which the server does not word
        """
        data = response.json() if response.content else {}
        for item in data.get("items", ()):
            if item.get("allowed", True):
                continue
            if item["limit"] in (0, None):
                raise Refused(Problem.own(
                    403, "not_in_plan", caller.language, url=self.url, metric=item["metric"]))
            raise Refused(Problem.own(
                429, "limit_reached", caller.language, url=self.url, metric=item["metric"],
                used=item["used"], limit=item["limit"], left=item["left"]))


def _body(items: str | Mapping[str, int], quantity: int) -> dict[str, Any]:
    if isinstance(items, str):
        return {"metric": items, "quantity": quantity}
    return {"items": [{"metric": metric, "quantity": number}
                      for metric, number in items.items()]}


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds to wait; the other form, a date, is not sent by our server."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None
