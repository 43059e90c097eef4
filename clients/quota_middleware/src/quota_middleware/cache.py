"""What was last heard of each caller, and for how long it may be believed."""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import anyio

from .answers import Entitlements, Item
from .problem import Problem
from .words import language_of

# A refusal for the whole subscription, whatever the metric.
ANY = ""


@dataclass(slots=True)
class Refusal:
    """A no of the server to so many units of a metric."""

    problem: Problem
    quantity: int
    heard_at: float


@dataclass(slots=True)
class Known:
    """What is known of one caller."""

    entitlements: Entitlements | None = None
    # By language, for the refusals are worded, and metric.
    refusals: dict[tuple[str, str], Refusal] = field(default_factory=dict)
    # Many requests at once, and nothing known: one of them asks.
    asking: anyio.Lock = field(default_factory=anyio.Lock)


class Cache:
    """Answers of the server that are younger than `max_stale` seconds.

    :param max_callers: the one not seen for longest is forgotten
    """

    def __init__(self, max_stale: float, max_callers: int = 10_000) -> None:
        self.max_stale = max_stale
        self.max_callers = max_callers
        self._known: OrderedDict[str, Known] = OrderedDict()

    def of(self, account: str) -> Known:
        """Return what is known of an account; it becomes the one seen last."""
        known = self._known.get(account)
        if known is None:
            known = self._known[account] = Known()
            if len(self._known) > self.max_callers:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(account)
        return known

    def entitlements(self, account: str) -> Entitlements | None:
        """Return what is known; None when nothing fresh enough is."""
        entitlements = self.of(account).entitlements
        if entitlements is None or not self._fresh(entitlements.read_at):
            return None
        return entitlements

    def refusal(self, account: str, accepted: str | None,
                items: Mapping[str, int]) -> Problem | None:
        """Return a refusal of the same quantity, or of less, that was received a moment ago.

        :param accepted: as in ``Accept-Language``
        """
        refusals = self.of(account).refusals
        if not refusals:
            return None
        language = language_of(accepted)
        for metric, quantity in ((ANY, 1), *items.items()):
            refusal = refusals.get((language, metric))
            if refusal and refusal.quantity <= quantity and self._fresh(refusal.heard_at):
                return refusal.problem
        return None

    def refused(self, account: str, accepted: str | None, problem: Problem,
                items: Mapping[str, int], asked_at: float) -> None:
        """Remember a refusal, from the moment the question was sent."""
        refusals, language = self.of(account).refusals, language_of(accepted)
        if problem.slug == "suspended":
            refusals[language, ANY] = Refusal(problem, 0, asked_at)
        metric = problem.metric
        if problem.slug == "limit_reached" and metric is not None and metric in items:
            refusals[language, metric] = Refusal(problem, items[metric], asked_at)

    def counted(self, account: str, items: Iterable[Item]) -> None:
        """Bring what is known up to what the server has just said; it gets no younger by it."""
        entitlements = self.of(account).entitlements
        for item in items if entitlements else ():
            known = entitlements.items.get(item.metric) if entitlements else None
            if entitlements and known:
                entitlements.items[item.metric] = replace(
                    known, used=item.used, limit=item.limit, left=item.left,
                    overage=item.overage)

    def given_back(self, account: str, items: Iterable[Item]) -> None:
        """Forget refusals once units came back: what was refused may now be allowed."""
        self.of(account).refusals.clear()
        self.counted(account, items)

    def _fresh(self, since: float) -> bool:
        return time.monotonic() - since < self.max_stale
