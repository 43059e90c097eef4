"""Seconds an invoice takes on paper, and what it does to the memory, beside wkhtmltopdf.

Both engines print the same posted invoices of five lines of the demo company, of which every
tenth has sixty (two or three pages), from the same templates in one process; a server answers
where wkhtmltopdf fetches its style sheets. Debian 12's wkhtmltopdf takes one document at a time and
prints neither header nor footer: its time is measured, not its paper. Debian 13 has none: where it
is not installed, ours is measured alone and the target that compares them is left out.

- first: the first invoice of a process, which parses Odoo's style sheets and unpacks the fonts.
- one at a time: as when one is sent; the engines take turns.
- many in one call, as for a month of invoices: the last of calls of growing sizes. The memory of
  the process, and of those that lay out for it, is looked at after each, its PDFs let go: what a
  call keeps would show in the next.
"""

import argparse
import gc
import itertools
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psutil
import weasyprint

from odoo import release

from benchmarks.report import RESULTS, Report
from tests import paper
from tests.house import House

GROWING, QUICK_GROWING = (25, 50, 100, 200), (5, 10, 20)
TURNS, QUICK_TURNS = 20, 4
LINES, LONG_LINES, LONG_EVERY = 5, 60, 10
NIGHT = 8 * 3600 / 1000  # seconds an invoice when a night prints a thousand
MAX_RATIO, MAX_GROWTH = 1.0, 1.1
PEER = "wkhtmltopdf"
ENGINES = ("weasyprint", *([PEER] if shutil.which(PEER) else []))
REPORT = "account.account_invoices"


def make_invoices(env, count):
    customer = env["res.partner"].search([("name", "=", "ACME SAS")], limit=1)
    tax = env["account.tax"].search([
        ("type_tax_use", "=", "sale"), ("amount", "=", 20), ("tax_scope", "=", "service"),
        ("price_include_override", "!=", "tax_included")], limit=1)
    moves = env["account.move"].create([{
        "move_type": "out_invoice", "partner_id": customer.id,
        "invoice_line_ids": [(0, 0, {
            "name": f"Formation n° {line}", "quantity": 1, "price_unit": 90.0 + line,
            "tax_ids": [(6, 0, tax.ids)]})
            for line in range(1, 1 + (LINES if number % LONG_EVERY else LONG_LINES))],
    } for number in range(1, count + 1)])
    moves._post(soft=False)
    env.cr.commit()
    return moves


def timed(env, engine, moves):
    """:return: (seconds, one PDF) of printing these invoices in one call"""
    env["ir.config_parameter"].set_param("report.paper_engine", engine)
    env.invalidate_all()
    started = time.perf_counter()
    streams = env["ir.actions.report"]._render_qweb_pdf_prepare_streams(REPORT, {}, moves.ids)
    seconds = time.perf_counter() - started
    assert set(streams) == set(moves.ids)
    return seconds, streams[moves[-1].id]["stream"].getvalue()


def take_turns(env, report, moves, turns):
    for engine in ENGINES:
        report.add(f"{engine}: first of the process", "1", timed(env, engine, moves[0])[0])
    for turn in range(turns):
        for engine in ENGINES:
            seconds, content = timed(env, engine, moves[turn])
            assert paper.pages(content)
            report.add(f"{engine}: one at a time", "1", seconds)


def grow(env, report, moves, sizes):
    """:return: (seconds an invoice in the largest call, the largest ratio of the memory after a
        call to that after one of half its size)"""
    process, used = psutil.Process(), []
    for size in sizes:
        seconds, content = timed(env, "weasyprint", moves[:size])
        assert "Page 1 / " in paper.pages(content)[0]
        report.add("weasyprint: many in one call, each", str(size), seconds / size)
        del content
        env.invalidate_all()
        gc.collect()
        used.append(sum(each.memory_info().rss for each in [process, *process.children()]))
    report.note("memory of the processes after calls of " + ", ".join(
        f"{size} invoices: {rss / 2**20:.0f} MB" for size, rss in zip(sizes, used, strict=True)))
    return seconds / size, max(after / before for before, after in itertools.pairwise(used))


def judge(report, each, growth):
    times = [report.series(f"{engine}: one at a time", "1").p(50) for engine in ENGINES]
    if PEER in ENGINES:
        report.at_most(f"time of an invoice, weasyprint / {PEER}", times[0] / times[1], MAX_RATIO)
    else:
        report.note(f"{PEER} is not installed: not compared")
    report.at_most("an invoice among many: 1,000 in a night of 8 hours", each, NIGHT, " s")
    report.at_most("memory after a call / after one of half its size", growth, MAX_GROWTH)


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="20 invoices at most, few turns")
    options, _odoo_options = parser.parse_known_args()
    turns, sizes = (QUICK_TURNS, QUICK_GROWING) if options.quick else (TURNS, GROWING)
    report = Report("pdf")
    with tempfile.TemporaryDirectory() as folder:
        house = House("caps_bench_pdf", Path(folder), processes=1, crons=0)
        try:
            house.start()
            with house.env() as env:
                moves = make_invoices(env, max(sizes))
                take_turns(env, report, moves, turns)
                judge(report, *grow(env, report, moves, sizes))
        finally:
            house.stop()
    return report.finish(
        None if options.quick else RESULTS,  # a first look is not a result
        versions={"odoo": release.version, "python": platform.python_version(),
                  "weasyprint": weasyprint.__version__},
        sizes={"invoices": sizes, "turns": turns, "lines": [LINES, LONG_LINES]})


if __name__ == "__main__":
    sys.exit(main())
