"""The middleware: a gate for each request, refusals as problem documents, giving back."""

import math
from collections.abc import Callable, Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .client import QuotaClient
from .errors import QuotaError, Refused, Unavailable
from .gate import Gate, SubscriptionOf, _current
from .guard import Guard
from .metrics import Metrics
from .problem import Problem
from .rules import Rule


def server_failed(status: int) -> bool:
    """Give back what was consumed when the handler failed and the caller got nothing: the usual
    rule.
    """
    return status >= 500


class QuotaMiddleware:
    """Pure ASGI middleware, for Starlette, FastAPI and whatever speaks ASGI.

    What a request consumes, by a :class:`Rule`, by :func:`quota` or by hand through
    :func:`current_gate`, is given back when its handler raises or answers 5xx, and when its answer
    breaks off in the middle; not when the caller hangs up, nor for what fails after the answer.
    Websockets pass through and are not counted.

    :param subscription_of: tells the subscription of a request (its reference in Odoo), for a
        client with a service key; None: each caller sends a key of its own (``qk_…``), which is
        forwarded
    :param rules: the first that matches a request is applied
    :param max_stale: seconds for which an answer of the server is believed; a suspension, a
        payment or an upgrade is seen at most so much later
    :param fail_open: when the server is away: True lets calls pass uncounted, False answers 503
    :param give_back: the statuses after which consumption is undone
    """

    def __init__(self, app: ASGIApp, client: QuotaClient, *,
                 subscription_of: SubscriptionOf | None = None, rules: Sequence[Rule] = (),
                 max_stale: float = 1.0, fail_open: bool = False,
                 give_back: Callable[[int], bool] = server_failed,
                 metrics: Metrics | None = None) -> None:
        self.app = app
        self.guard = Guard(client, max_stale=max_stale, fail_open=fail_open, metrics=metrics)
        self._subscription_of = subscription_of
        self._rules = tuple(rules)
        self._give_back = give_back

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; close the client's connections when the application shuts down."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, self._closing(send))
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate = Gate(self.guard, scope, self._subscription_of)
        watch = _Watch(send)
        token = _current.set(gate)
        try:
            for rule in self._rules:
                if rule.matches(scope):
                    await rule.apply(gate)
                    break
            await self.app(scope, receive, watch.send)
        except QuotaError as error:
            failed = self._failed(watch, raised=True)
            try:
                if watch.status is not None:
                    raise
                await _problem_of(error, scope).response(scope["path"])(scope, receive, send)
            finally:  # after the answer: nobody waits for a server that is away
                if failed:
                    await gate.give_back()
        except Exception:
            if self._failed(watch, raised=True):
                await gate.give_back()
            raise
        else:
            if self._failed(watch, raised=False):
                await gate.give_back()
        finally:
            _current.reset(token)

    def _failed(self, watch: "_Watch", *, raised: bool) -> bool:
        """Tell whether the caller got nothing, and through no doing of their own."""
        if watch.status is None or self._give_back(watch.status):
            return True
        return raised and not watch.is_over

    def _closing(self, send: Send) -> Send:
        """Close the client's connections when the application has shut down."""

        async def closing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                await self.guard.client.aclose()
            await send(message)

        return closing


class _Watch:
    """Passes the answer on and remembers its status.

    :ivar is_over: the whole answer was sent, or the caller hung up
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None
        self.is_over = False

    async def send(self, message: Message) -> None:
        """Pass the answer on, and note its status and whether anybody listens."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        try:
            await self._send(message)
        except OSError:  # so servers say that nobody listens any more
            self.is_over = True
            raise
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.is_over = True


def _problem_of(error: QuotaError, scope: Scope) -> Problem:
    """Return what the caller is told.

    :raise Mistake: the application's own error is no answer to a caller
    """
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, Unavailable):
        return Problem.own(
            503, "away", Headers(scope=scope).get("accept-language"),
            headers={"retry-after": str(max(math.ceil(error.retry_after), 1))})
    raise error
