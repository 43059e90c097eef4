"""What every benchmark shares: samples, the printed table, targets, the file of results.

Wall-clock figures of a shared machine are noisy, so what is judged are ratios between
operations measured in turns in one run; a target is a bound from the issue, never from a result.
"""

import json
import math
import os
import platform
import statistics
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


def percentile(values, percent):
    """Nearest-rank percentile: always a value that was measured."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


class Series:
    """The samples of one operation at one size, grouped by round."""

    def __init__(self, operation, size):
        self.operation, self.size = operation, size
        self.rounds = []
        self.queries = []

    @property
    def seconds(self):
        return [value for samples in self.rounds for value in samples]

    def p(self, percent):
        return percentile(self.seconds, percent)

    @property
    def median_queries(self):
        return statistics.median(self.queries) if self.queries else None

    def figures(self):
        medians = [statistics.median(samples) * 1000 for samples in self.rounds]
        return {
            "operation": self.operation, "size": self.size, "samples": len(self.seconds),
            **{f"p{percent}_ms": round(self.p(percent) * 1000, 3) for percent in (50, 95, 99)},
            "round_medians_ms": [round(value, 3) for value in medians],
            "queries": self.median_queries,
        }


class Report:
    """Collects, prints and stores one benchmark."""

    def __init__(self, name):
        self.name = name
        self._series = {}
        self._targets = []
        self._notes = []

    def forget(self):
        """Throw the samples so far away: they warmed the caches."""
        self._series.clear()

    def start_round(self):
        for series in self._series.values():
            series.rounds.append([])

    def add(self, operation, size, seconds, queries=None):
        series = self.series(operation, size)
        if not series.rounds:
            series.rounds.append([])
        series.rounds[-1].append(seconds)
        if queries is not None:
            series.queries.append(queries)

    def series(self, operation, size):
        return self._series.setdefault((operation, size), Series(operation, size))

    def note(self, text):
        """A line printed below the table, for information: no target."""
        self._notes.append(text)

    def at_most(self, what, measured, bound, unit="x"):
        self._target(what, measured, f"<={bound:g}{unit}", measured <= bound, unit)

    def at_least(self, what, measured, bound, unit="x"):
        self._target(what, measured, f">={bound:g}{unit}", measured >= bound, unit)

    def _target(self, what, measured, bound, good, unit):
        self._targets.append({
            "what": what, "measured": round(measured, 3), "unit": unit, "bound": bound,
            "result": "ok" if good else "MISS"})

    def finish(self, folder=RESULTS, **facts):
        """Print all, write the file.

        :param folder: where; None writes no file
        :param facts: what a reader needs to repeat the run: sizes, versions, settings
        :return: the exit code, 1 when a target is missed
        """
        self._print_table()
        for text in self._notes:
            print(text)
        for target in self._targets:
            print(f"TARGET {target['what']} {target['measured']:.2f}{target['unit']} "
                  f"{target['bound']} {target['result']}")
        if folder:
            self._write(folder, facts)
        return int(any(target["result"] == "MISS" for target in self._targets))

    def _write(self, folder, facts):
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "name": self.name, "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(), **facts,
            "figures": [series.figures() for series in self._series.values()],
            "notes": self._notes, "targets": self._targets}
        (folder / f"{self.name}.json").write_text(
            json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def _print_table(self):
        print(f"\n{'operation':<52}{'size':>11}{'n':>6}{'p50 ms':>10}{'p95 ms':>10}"
              f"{'p99 ms':>10}{'queries':>9}")
        for series in self._series.values():
            row = series.figures()
            queries = "" if row["queries"] is None else f"{row['queries']:g}"
            print(f"{row['operation']:<52}{row['size']:>11}{row['samples']:>6}"
                  f"{row['p50_ms']:>10.2f}{row['p95_ms']:>10.2f}{row['p99_ms']:>10.2f}"
                  f"{queries:>9}")
        print()


def machine():
    """What the figures depend on, without a name or a path of the machine."""
    model = platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else ():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {
        "processor": model, "cores": os.cpu_count(), "memory_gb": round(memory / 2**30),
        "load_average_at_end": round(os.getloadavg()[0], 1), "system": platform.system()}
