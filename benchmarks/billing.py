"""Renewals per second at 500, 2,000 and 10,000 due subscriptions, beside OCA's two addons.

Each measurement has a database of its own and processes of its own, started before the clock.
At one size all sides have as many subscriptions due, and bill them in turns, a part at a time, so
that what else the machine does hits all of them. What is counted are posted invoices, one for
each subscription, all of one amount.

- ours: the renewal run, with one worker and with two.
- contract, subscription_oca: what their own scheduled action does for the subscriptions of the
  turn (no mail, no PDF), then their drafts posted by Odoo. Installed from the package index into
  a folder of their own for this benchmark; they are AGPL-3 and nothing of ours depends on them.
- floor: the same invoices without an engine, created and posted as lists of 200.

Ours bills all that is due, at each size. At 10,000 due the others bill the first 1,000 and stop,
because the rest of theirs would take an hour; subscription_oca, the slowest and without a target,
bills the first 500 of 2,000 and of 10,000. What an invoice takes at 10,000 is compared with 500
billed once more beside each turn, in a fresh copy: two moments of one machine are not alike.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from contextlib import contextmanager

from odoo import release

from benchmarks.billing_sides import PRICE, SIDES
from benchmarks.report import RESULTS, Report
from ops import database, paths, postgres

SIZES, QUICK_SIZES = (500, 2_000, 10_000), (500,)
# Invoices of each turn: whole batches for each of two workers.
TURNS = {500: (500,), 2_000: (1_200, 800), 10_000: (2_000,) * 5}
# Most of the others in a turn.
MOST = {
    2_000: {"subscription_oca": 250},
    10_000: {"contract": 200, "floor": 200, "subscription_oca": 100},
}
PEERS = ("odoo-addon-contract==19.0.1.2.1.2", "odoo-addon-subscription_oca==19.0.1.1.4.2")
FOLDER = paths.HOUSE / "oca"
FEW = "caps_bench_ours_few"  # the smallest size, filled and not billed
AGAIN = "ours, 1 worker, again"
# The bounds of the issue.
MIN_CONTRACT, MIN_FLOOR, MIN_TWO_WORKERS, MAX_GROWTH, MAX_QUERIES = 1.5, 1.0, 3.0, 1.1, 8
RUNS = (("ours", 1), ("contract", 1), ("floor", 1), ("subscription_oca", 1), ("ours", 2))


def options_of():
    options = database.odoo_options()
    options[options.index("--addons-path") + 1] += f",{FOLDER / 'odoo' / 'addons'}"
    return options


def get_peers():
    if not (FOLDER / "odoo").exists():
        subprocess.run([str(paths.PYTHON), "-m", "pip", "install", "--quiet", "--no-deps",
                        "--target", str(FOLDER), *PEERS], check=True)


def make_template(name):
    """A database with French accounting and the modules of one side."""
    template = f"caps_bench_{name}"
    postgres.copy(paths.TEMPLATE_BASE, template)
    subprocess.run(
        [str(paths.PYTHON), "-m", "odoo", "server", *options_of(), "-d", template,
         "-i", ",".join(SIDES[name].modules), "--stop-after-init", "--max-cron-threads=0",
         "--no-http", "--log-level=error"],
        check=True, cwd=paths.ROOT)
    return template


@contextmanager
def filled(size):
    """Copies of the sides' templates with so many subscriptions due, by side and workers."""
    made = {(name, 1): f"caps_bench_{name}_1" for name in SIDES}
    made["ours", 2] = "caps_bench_ours_2"
    try:
        for name in SIDES:
            postgres.copy(f"caps_bench_{name}", made[name, 1])
        fills = [subprocess.Popen([*worker(name, made[name, 1]), "--fill", str(size)],
                                  cwd=paths.ROOT) for name in SIDES]
        assert not any([fill.wait() for fill in fills])
        postgres.copy(made["ours", 1], made["ours", 2])
        for target in made.values():
            postgres.query("VACUUM ANALYZE", target)
        if FEW not in postgres.databases():
            postgres.copy(made["ours", 1], FEW)
        yield made
    finally:
        for target in made.values():
            postgres.drop(target)


def worker(name, target):
    return [str(paths.PYTHON), "-m", "benchmarks.billing_worker", "--side", name,
            *options_of(), "-d", target]


class Run:
    """The processes of one side at one size, and how long they took."""

    def __init__(self, name, workers, target):
        self.name, self.target = name, target
        self.label = f"{name}, {workers} worker" + "s" * (workers > 1)
        self.seconds = self.invoices = self.queries = 0
        self.processes = [subprocess.Popen(
            worker(name, target), cwd=paths.ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=os.environ.copy()) for _worker in range(workers)]

    def wait(self):
        for process in self.processes:
            assert process.stdout.readline().strip() == "ready"

    def bill(self, number):
        """Bill `number` of what is due, all workers at once.

        :return: (seconds, queries) for an invoice
        """
        for process in self.processes:
            process.stdin.write(f"{-(-number // len(self.processes))}\n")
            process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for process in self.processes]
        seconds = max(answer["seconds"] for answer in answers)
        queries = sum(answer["queries"] for answer in answers)
        billed = self.check() - self.invoices
        assert billed == number, f"{self.label} billed {billed} instead of {number}"
        self.seconds, self.queries = self.seconds + seconds, self.queries + queries
        self.invoices += billed
        return seconds / billed, queries / billed

    def check(self):
        """Customers have one posted invoice each, of the same amount whatever the side.

        :return: how many
        """
        rows = postgres.query(
            "SELECT COUNT(*), COUNT(DISTINCT partner_id), COUNT(DISTINCT name), "
            "MIN(amount_untaxed), MAX(amount_untaxed), MIN(amount_tax) > 0, "
            "COUNT(*) FILTER (WHERE state <> 'posted') FROM account_move "
            "WHERE move_type = 'out_invoice'", self.target).split("|")
        assert rows[0] == rows[1] == rows[2] and rows[6] == "0", rows
        assert float(rows[3]) == float(rows[4]) == PRICE and rows[5] == "t", rows
        return int(rows[0])

    def stop(self):
        for process in self.processes:
            process.stdin.close()
            process.wait()


def measure(report, size, few=None):
    """
    :param few: the smallest size, to bill once more beside each turn of this one
    :return: dict of the label of each side to its seconds for an invoice
    """
    with filled(size) as targets:
        runs = [Run(name, workers, targets[name, workers]) for name, workers in RUNS]
        try:
            for run in runs:
                run.wait()
            for number in TURNS.get(size, (size,)):
                for run in runs:
                    most = MOST.get(size, {}).get(run.name, number)
                    take_turn(report, run, size, min(number, most))
                if few:
                    bill_few_again(report, few)
        finally:
            for run in runs:
                run.stop()
    for run in runs:
        print(f"{size:>6,}  {run.label:<28}{run.invoices / run.seconds:>7.1f} invoices/s "
              f"{run.queries / run.invoices:>6.1f} queries each, {run.invoices:,} billed",
              flush=True)
    return {run.label: run.seconds / run.invoices for run in runs}


def take_turn(report, run, size, number):
    seconds, queries = run.bill(number)
    report.add(run.label, f"{size:,}", seconds, queries)
    print(f"{size:>6,}  {run.label:<28}{1 / seconds:>7.1f} invoices/s in a turn of {number:,}",
          flush=True)


def bill_few_again(report, few):
    copy = f"{FEW}_again"
    postgres.copy(FEW, copy)
    run = Run("ours", 1, copy)
    try:
        run.wait()
        seconds, queries = run.bill(few)
    finally:
        run.stop()
        postgres.drop(copy)
    report.add(AGAIN, f"{few:,}", seconds, queries)
    print(f"{few:>6,}  {AGAIN:<28}{1 / seconds:>7.1f} invoices/s", flush=True)


def judge(report, paces):
    """:param paces: seconds for an invoice, by size and label"""
    for size, pace in paces.items():
        ours, two = pace["ours, 1 worker"], pace["ours, 2 workers"]
        contract = pace["contract, 1 worker"]
        report.at_least(f"one worker against contract, at {size:,}", contract / ours,
                        MIN_CONTRACT)
        report.at_least(f"one worker against the naive floor, at {size:,}",
                        pace["floor, 1 worker"] / ours, MIN_FLOOR)
        report.at_least(f"two workers against contract, at {size:,}", contract / two,
                        MIN_TWO_WORKERS)
        report.at_most(f"queries for an invoice, at {size:,}",
                       report.series("ours, 1 worker", f"{size:,}").median_queries,
                       MAX_QUERIES, "")
        report.note(f"For information: {pace['subscription_oca, 1 worker'] / ours:.1f} x "
                    f"subscription_oca at {size:,}.")
        for name, most in MOST.get(size, {}).items():
            report.note(f"At {size:,} due, {name} billed the first {most * len(TURNS[size]):,} "
                        "of them; ours billed all.")
    if len(paces) > 1:
        few, many = min(paces), max(paces)
        report.at_most(f"seconds for an invoice at {many:,} against {few:,}",
                       report.series("ours, 1 worker", f"{many:,}").p(50)
                       / report.series(AGAIN, f"{few:,}").p(50), MAX_GROWTH)


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="500 only, no file of results")
    parser.add_argument("--sizes", type=int, nargs="+", help="others than those of the issue")
    options, _odoo_options = parser.parse_known_args()
    sizes = options.sizes or (QUICK_SIZES if options.quick else SIZES)
    report = Report("billing")
    get_peers()
    templates = []
    try:
        templates += [make_template(name) for name in SIDES]
        few, many = min(sizes), max(sizes)
        paces = {size: measure(report, size, few if few < size == many else None)
                 for size in sorted(sizes)}
    finally:
        for made in (*templates, FEW):
            postgres.drop(made)
    judge(report, paces)
    return report.finish(
        None if options.quick else RESULTS,
        versions={"odoo": release.version, "python": platform.python_version(),
                  "peers": PEERS}, sizes=list(sizes))


if __name__ == "__main__":
    sys.exit(main())
