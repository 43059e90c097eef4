"""One request of the application and what it has consumed."""

import inspect
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar

from starlette.requests import Request
from starlette.types import Scope

from .answers import Answer, Entitlements, Item
from .caller import Caller
from .errors import QuotaError, Refused, Unavailable
from .guard import Guard
from .problem import Problem

logger = logging.getLogger(__name__)

SubscriptionOf = Callable[[Request], "str | None | Awaitable[str | None]"]
_current: ContextVar["Gate"] = ContextVar("quota_gate")


def current_gate() -> "Gate":
    """Return the gate of the request being answered.

    :raise RuntimeError: the middleware is not installed
    """
    try:
        return _current.get()
    except LookupError:
        raise RuntimeError(
            "No quota gate here: app.add_middleware(QuotaMiddleware, client=…)") from None


class Gate:
    """The consumption of one request's caller, which is given back when the handler failed."""

    def __init__(self, guard: Guard, scope: Scope, subscription_of: SubscriptionOf | None) -> None:
        self.guard = guard
        self._scope = scope
        self._subscription_of = subscription_of
        self._caller: Caller | None = None
        self._consumed: list[str] = []  # idempotency keys

    async def caller(self) -> Caller:
        """Find out whose quota the request uses.

        :raise Refused: the request does not say whose quota it uses
        """
        if self._caller is None:
            request = Request(self._scope)
            language = request.headers.get("accept-language")
            if self._subscription_of is None:
                self._caller = Caller(api_key=_key_of(request), language=language)
            else:
                found = self._subscription_of(request)
                subscription = await found if inspect.isawaitable(found) else found
                if not subscription:
                    raise Refused(Problem.own(403, "no_subscription", language))
                self._caller = Caller(subscription, language=language)
        return self._caller

    async def consume(self, metric: str, quantity: int = 1) -> Item | None:
        """Count units; they are given back when the handler fails.

        :return: the metric as it stands; None when the server was away and the call goes on
        :raise Refused: answered by the middleware with the server's own words
        :raise Unavailable: answered 503 by the middleware
        """
        answer = await self.consume_all({metric: quantity})
        return answer.items[0] if answer else None

    async def consume_all(self, items: Mapping[str, int]) -> Answer | None:
        """Count several metrics: all, or none."""
        caller, key = await self.caller(), uuid.uuid4().hex
        try:
            answer = await self.guard.consume(caller, items, key)
        except Unavailable as error:
            if error.sent:  # it may have been counted, though unanswered
                self._consumed.append(key)
            raise
        self._consumed.append(key)
        return answer

    async def release(self, metric: str, quantity: int = 1) -> Item:
        """Give held units back, for good."""
        answer = await self.guard.release(
            await self.caller(), {metric: quantity}, uuid.uuid4().hex)
        return answer.items[0]

    async def require(self, metric: str, quantity: int = 1) -> None:
        """Refuse unless the plan has this feature, or so many units are left; count nothing."""
        await self.guard.require(await self.caller(), metric, quantity)

    async def entitlements(self) -> Entitlements:
        """Return what the caller may use, for a page that shows it."""
        return await self.guard.entitlements(await self.caller())

    async def give_back(self) -> None:
        """Undo what this request has consumed; a failure to is logged, never raised."""
        keys, self._consumed = self._consumed, []
        for key in keys:
            try:
                await self.guard.undo(await self.caller(), key)
            except QuotaError as error:
                logger.error("Not given back: the consumption %s: %s", key, error)


def _key_of(request: Request) -> str:
    scheme, _space, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Refused(Problem.own(
            401, "no_key", request.headers.get("accept-language"),
            headers={"www-authenticate": "Bearer"}))
    return key.strip()
