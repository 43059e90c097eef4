"""Failures on demand, each for so many requests.

``latency``: the answer takes some seconds.
``error_before``: a 500, and nothing was done.
``error_after``: all was done, but a gateway on the way answered 502 in Stripe's place.
``error_kept``: all was done, and Stripe itself answered 500, which the idempotency key repeats.
``drop_before``, ``drop_after``: the connection is cut, before or after the effect.
"""

import fnmatch
import itertools
from dataclasses import asdict, dataclass, field

from .errors import invalid

KINDS = (
    "latency", "error_before", "error_after", "error_kept", "drop_before", "drop_after")
numbers = itertools.count(1)


@dataclass
class Fault:
    """One failure, waiting for the requests it will hit."""

    kind: str
    method: str = "POST"
    path: str = "/v1/*"
    times: int = 1
    seconds: float = 0
    hits: int = 0
    id: int = field(default_factory=lambda: next(numbers))

    def matches(self, method, path):
        """Tell whether the fault hits this request."""
        return self.hits < self.times and self.method in (method, "*") and (
            fnmatch.fnmatchcase(path, self.path))


class Faults:
    def __init__(self):
        self._faults = {}

    def add(self, **values):
        """Add a fault.

        :raise ApiError: 400, there is no such kind
        """
        fault = Fault(**values)
        if fault.kind not in KINDS:
            raise invalid(f"Unknown fault: {fault.kind}. There are: {', '.join(KINDS)}.")
        self._faults[fault.id] = fault
        return asdict(fault)

    def show(self, number):
        """Return a fault, with the number of its hits."""
        return asdict(self._faults[number])

    def remove(self, number):
        """Remove a fault.

        :return: how it ended, with its number of hits
        """
        return asdict(self._faults.pop(number))

    def take(self, method, path):
        """Return the fault that hits this request, counted, or None."""
        for fault in self._faults.values():
            if fault.matches(method, path):
                fault.hits += 1
                return fault
        return None
