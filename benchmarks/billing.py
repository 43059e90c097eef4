"""Renewals per second at 500, 2,000 and 10,000 due subscriptions, beside OCA's two addons.

Each measurement has a database of its own and processes of its own, started before the clock.
What is counted at the end are posted invoices, one for each subscription, all of one amount.

- ours: the renewal run, with one worker and with two.
- contract, subscription_oca: their own scheduled action (no mail, no PDF), then their drafts
  posted by Odoo. Installed from the package index into a folder of their own for this benchmark;
  they are AGPL-3 and nothing of ours depends on them.
- floor: the same invoices without an engine, created and posted as lists of 200.
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
PEERS = ("odoo-addon-contract==19.0.1.2.1.2", "odoo-addon-subscription_oca==19.0.1.1.4.2")
FOLDER = paths.HOUSE / "oca"
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
def filled(name, size):
    """A copy of the side's template with so many subscriptions due."""
    copy = f"caps_bench_{name}_{size}"
    postgres.copy(f"caps_bench_{name}", copy)
    try:
        subprocess.run([*worker(name, copy), "--fill", str(size)], check=True, cwd=paths.ROOT)
        postgres.query("VACUUM ANALYZE", copy)
        yield copy
    finally:
        postgres.drop(copy)


def worker(name, target):
    return [str(paths.PYTHON), "-m", "benchmarks.billing_worker", "--side", name,
            *options_of(), "-d", target]


def measure(report, name, workers, size):
    with filled(name, size) as target:
        processes = [subprocess.Popen(
            worker(name, target), cwd=paths.ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=os.environ.copy()) for _worker in range(workers)]
        for process in processes:
            assert process.stdout.readline().strip() == "ready"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [json.loads(process.communicate()[0]) for process in processes]
        check(target, size)
    seconds = max(answer["seconds"] for answer in answers)
    queries = sum(answer["queries"] for answer in answers)
    label = f"{name}, {workers} worker" + "s" * (workers > 1)
    report.add(label, f"{size:,}", seconds / size, queries / size)
    print(f"{size:>6,}  {label:<28}{size / seconds:>7.1f} invoices/s "
          f"{queries / size:>6.1f} queries each", flush=True)


def check(target, size):
    """Every customer has one posted invoice, of the same amount whatever the side."""
    rows = postgres.query(
        "SELECT COUNT(*), COUNT(DISTINCT partner_id), MIN(amount_untaxed), MAX(amount_untaxed), "
        "MIN(amount_tax) > 0 FROM account_move WHERE move_type = 'out_invoice' "
        "AND state = 'posted'", target).split("|")
    assert [int(rows[0]), int(rows[1])] == [size, size], rows
    assert float(rows[2]) == float(rows[3]) == PRICE and rows[4] == "t", rows


def judge(report, sizes):
    for size in sizes:
        pace = {label: report.series(label, f"{size:,}").p(50) for label in (
            "ours, 1 worker", "ours, 2 workers", "contract, 1 worker", "floor, 1 worker",
            "subscription_oca, 1 worker")}
        ours, two = pace["ours, 1 worker"], pace["ours, 2 workers"]
        report.at_least(f"one worker against contract, at {size:,}",
                        pace["contract, 1 worker"] / ours, MIN_CONTRACT)
        report.at_least(f"one worker against the naive floor, at {size:,}",
                        pace["floor, 1 worker"] / ours, MIN_FLOOR)
        report.at_least(f"two workers against contract, at {size:,}",
                        pace["contract, 1 worker"] / two, MIN_TWO_WORKERS)
        report.at_most(f"queries for an invoice, at {size:,}",
                       report.series("ours, 1 worker", f"{size:,}").median_queries,
                       MAX_QUERIES, "")
        report.note(f"For information: {pace['subscription_oca, 1 worker'] / ours:.1f} x "
                    f"subscription_oca at {size:,}.")
    if len(sizes) > 1:
        few, many = (report.series("ours, 1 worker", f"{size:,}").p(50)
                     for size in (sizes[0], sizes[-1]))
        report.at_most(f"seconds for an invoice at {sizes[-1]:,} against {sizes[0]:,}",
                       many / few, MAX_GROWTH)


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
        for size in sizes:
            for name, workers in RUNS:
                measure(report, name, workers, size)
    finally:
        for template in templates:
            postgres.drop(template)
    judge(report, sizes)
    return report.finish(
        None if options.quick else RESULTS,
        versions={"odoo": release.version, "python": platform.python_version(),
                  "peers": PEERS}, sizes=list(sizes))


if __name__ == "__main__":
    sys.exit(main())
