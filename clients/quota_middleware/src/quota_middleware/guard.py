"""The server, what is remembered of its answers, and what to do when it is away."""

import logging
import time
from collections.abc import Mapping

from .answers import Answer, Entitlements
from .cache import Cache
from .caller import Caller
from .client import QuotaClient
from .errors import Refused, Unavailable
from .metrics import Metrics

logger = logging.getLogger(__name__)

PAUSE = 1.0  # seconds for which a server that was away is not asked again


class Guard:
    """Decides for one application; shared by its requests.

    - A consumption is always counted by the server. The one exception is a refusal: what was
      refused less than `max_stale` seconds ago is refused again without asking.
    - Features, and the room below a limit, are read from what was heard less than `max_stale`
      seconds ago. A no is never read from there: the server words it.

    :param fail_open: when the server is away, let calls pass without counting them (True), or
        answer 503 (False)
    """

    def __init__(self, client: QuotaClient, *, max_stale: float = 1.0, fail_open: bool = False,
                 metrics: Metrics | None = None) -> None:
        self.client = client
        self.cache = Cache(max_stale)
        self.fail_open = fail_open
        self.metrics = metrics or client.metrics
        self._away_until = 0.0
        self._away: Unavailable | None = None

    async def consume(self, caller: Caller, items: Mapping[str, int], key: str) -> Answer | None:
        """Count, or refuse.

        :return: None when the call goes on without being counted
        :raise Refused: the server's no, of now or of a moment ago
        :raise Unavailable: the server is away, and calls do not pass without it
        """
        started = time.monotonic()
        problem = self.cache.refusal(caller.account, caller.language, items)
        if problem:
            self.metrics.observe("consume", "cached_refused", time.monotonic() - started)
            raise Refused(problem)
        try:
            self._reachable()
            answer = await self.client.consume(items, caller=caller, idempotency_key=key)
        except Refused as error:
            self.cache.refused(caller.account, caller.language, error.problem, items, started)
            raise
        except Unavailable as error:
            self._went_away(error)
            self._pass_or_raise("consume", error, started)
            return None
        self.cache.counted(caller.account, answer.items)
        return answer

    async def release(self, caller: Caller, items: Mapping[str, int], key: str) -> Answer:
        """Give held units back. The server away is an error under either policy: nobody else
        would give them back."""
        self._reachable()
        try:
            answer = await self.client.release(items, caller=caller, idempotency_key=key)
        except Unavailable as error:
            self._went_away(error)
            raise
        self.cache.given_back(caller.account, answer.items)
        return answer

    async def undo(self, caller: Caller, key: str) -> Answer:
        """Take a consumption back."""
        answer = await self.client.undo(key, caller=caller)
        self.cache.given_back(caller.account, answer.items)
        return answer

    async def require(self, caller: Caller, metric: str, quantity: int = 1) -> None:
        """Let the call go on when the plan has the feature, or the metric so many units left;
        count nothing.

        :raise Refused: it has not
        :raise Unavailable: the server is away, and calls do not pass without it
        """
        started = time.monotonic()
        known = self.cache.entitlements(caller.account)
        if known is not None and known.allows(metric, quantity):
            self.metrics.observe("check", "cached_allowed", time.monotonic() - started)
            return
        problem = self.cache.refusal(caller.account, caller.language, {metric: quantity})
        if problem:
            self.metrics.observe("check", "cached_refused", time.monotonic() - started)
            raise Refused(problem)
        try:
            if (await self.entitlements(caller)).allows(metric, quantity):
                return
            await self.client.check(metric, quantity, caller=caller)
        except Refused as error:
            self.cache.refused(caller.account, caller.language, error.problem,
                               {metric: quantity}, started)
            raise
        except Unavailable as error:
            self._went_away(error)
            self._pass_or_raise("check", error, started)

    async def entitlements(self, caller: Caller) -> Entitlements:
        """Return all that the caller may use, no older than `max_stale` seconds."""
        known = self.cache.of(caller.account)
        async with known.asking:
            fresh = self.cache.entitlements(caller.account)
            if fresh is None:
                self._reachable()
                fresh = known.entitlements = await self.client.entitlements(
                    caller=caller, known=known.entitlements)
        return fresh

    def _reachable(self) -> None:
        """Refuse at once while the server is away, so that nobody waits for it.

        :raise Unavailable: the server was away a moment ago: nobody waits for it now
        """
        left = self._away_until - time.monotonic()
        if self._away is not None and left > 0:
            raise Unavailable(str(self._away), retry_after=max(left, self._away.retry_after))

    def _went_away(self, error: Unavailable) -> None:
        if time.monotonic() >= self._away_until:
            logger.warning("The quota server is away: %s", error)
            self._away, self._away_until = error, time.monotonic() + PAUSE

    def _pass_or_raise(self, operation: str, error: Unavailable, started: float) -> None:
        outcome = "failed_open" if self.fail_open else "failed_closed"
        self.metrics.observe(operation, outcome, time.monotonic() - started)
        if not self.fail_open:
            raise error
