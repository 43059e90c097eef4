"""Counters and latencies of what the middleware does."""

from typing import Protocol

BUCKETS = (0.00005, 0.0005, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics(Protocol):
    """A listener to every operation; called in the request, so it must be quick."""

    def observe(self, operation: str, outcome: str, seconds: float) -> None:
        """Note one operation.

        :param operation: consume, release, undo, check, entitlements
        :param outcome: allowed, refused, unavailable; with ``cached_`` before it when the server
            was not asked; failed_open when the call went on without the server
        """


class NoMetrics:
    """Listens to nothing."""

    def observe(self, operation: str, outcome: str, seconds: float) -> None:
        """Count nothing."""
        return


class PrometheusMetrics:
    """Keeps a histogram for each operation and outcome, and writes Prometheus' text format."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[int]] = {}
        self._seconds: dict[tuple[str, str], float] = {}

    def observe(self, operation: str, outcome: str, seconds: float) -> None:
        """Count the operation, in the bucket of its time."""
        name = (operation, outcome)
        counts = self._counts.get(name)
        if counts is None:
            counts = self._counts[name] = [0] * (len(BUCKETS) + 1)
            self._seconds[name] = 0.0
        self._seconds[name] += seconds
        for number, bound in enumerate(BUCKETS):
            if seconds <= bound:
                counts[number] += 1
                return
        counts[-1] += 1

    def count(self, operation: str, outcome: str) -> int:
        """Return how often an operation had this outcome."""
        return sum(self._counts.get((operation, outcome), ()))

    def text(self) -> str:
        """Return the answer to Prometheus, as ``text/plain; version=0.0.4``."""
        lines = ["# HELP quota_operation_seconds What asking for a quota took.",
                 "# TYPE quota_operation_seconds histogram"]
        for (operation, outcome), counts in sorted(self._counts.items()):
            labels = f'operation="{operation}",outcome="{outcome}"'
            total = 0
            for bound, count in zip((*BUCKETS, "+Inf"), counts, strict=True):
                total += count
                lines.append(
                    f'quota_operation_seconds_bucket{{{labels},le="{bound}"}} {total}')
            seconds = self._seconds[operation, outcome]
            lines.append(f"quota_operation_seconds_sum{{{labels}}} {seconds:.9f}")
            lines.append(f"quota_operation_seconds_count{{{labels}}} {total}")
        return "\n".join(lines) + "\n"
