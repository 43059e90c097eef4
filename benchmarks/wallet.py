"""The wallet at 1,000 and at 1,000,000 ledger entries, beside Odoo's own eWallet.

Each operation runs as a request does: its own cursor and environment, warm registry, and a
commit at its end; all operations take turns, so that a busy machine weighs on all alike.

- balance read: a portal user finds their wallets through the record rules and reads the balance
  (the card of the portal's home page).
- history page: what « Mon portefeuille » reads: wallets, open lots, count for the pager, 20
  entries; of a customer with 109 entries, first page and page 5. Without the HTML.
- spend: ``wallet._spend(1, key)``, as superuser (as booking does), commit.
- spend and invoice: the same, and the invoice of the booking (posted, queued for mailing).
- eWallet: Odoo's `sale_loyalty`: create an order of one line without tax, apply the customer's
  card, confirm, commit; as superuser. The fewest calls that do it: the reward wizard makes more.
- floor: the statements of one spend in plain psycopg2 on a kept connection, commit.
"""

import argparse
import itertools
import platform
import random
import sys
import time

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from odoo import SUPERUSER_ID, api, release
from odoo.modules.registry import Registry
from odoo.tools import config

from benchmarks import wallet_data
from benchmarks.report import RESULTS, Report

SMALL, LARGE, QUICK = 100, 100_000, 2_000  # wallets; ten entries each
ROUNDS, TURNS = 5, 60
QUICK_ROUNDS, QUICK_TURNS = 2, 20
SLOW_EVERY = 3  # the slow operations run in every third turn
MAX_GROWTH, MIN_PEER_RATIO = 1.5, 5.0  # the bounds of the issue
PAGE, DEEP_PAGE = 20, 5
PEER = "eWallet: order, reward, confirm"
KEYS = itertools.count()


class Side:
    """One database, with the operations measured on it."""

    def __init__(self, name, wallets, report):
        self.registry = Registry(name)
        started = time.monotonic()
        self.data = wallet_data.fill(self.registry, wallets)
        self.size = f"{wallets * 10:,}"
        self.filled = wallet_data.check(self.registry)
        print(f"{self.filled['entries']:,} entries, {self.filled['wallets']:,} wallets: filled "
              f"in {time.monotonic() - started:.0f} s, ledger agrees", flush=True)
        self.report = report
        numbers = list(range(wallets))
        random.Random(wallets).shuffle(numbers)
        self.numbers = itertools.cycle(numbers)
        self.short = itertools.cycle(self.data["short"])
        self.long = itertools.cycle(self.data["long"])

    def measure(self, name, operation, *arguments, user=SUPERUSER_ID):
        started = time.perf_counter()
        with self.registry.cursor() as cr:
            result = operation(api.Environment(cr, user, {}), *arguments)
            cr.commit()
            seconds = time.perf_counter() - started
            self.report.add(name, self.size, seconds, cr.sql_log_count)
        return result

    def read(self):
        self.measure("balance read", _read_balance, user=next(self.short))
        reader = next(self.long)
        self.measure("history, first page", _read_history, 1, user=reader)
        self.measure(f"history, page {DEEP_PAGE}", _read_history, DEEP_PAGE, user=reader)

    def spend(self):
        wallet = self.data["wallet"] + next(self.numbers)
        self.measure("spend", _spend, wallet, f"run:{next(KEYS)}")

    def spend_and_invoice(self):
        wallet = self.data["wallet"] + next(self.numbers)
        self.measure("spend and invoice", _spend_and_invoice, wallet, self.data["product"],
                     f"run:{next(KEYS)}")

    def pay_with_ewallet(self):
        number = next(self.numbers)
        seconds = self.measure(
            PEER, _pay_with_ewallet, self.data["partner"] + number,
            self.data["card"] + number, self.data["product"])
        self.report.add(f"{PEER} (after the order)", self.size, seconds)

    def warm_up(self):
        """Every operation, and every reader, once or more; the samples are thrown away."""
        kept, self.report = self.report, Report("warm-up")
        for _reader in range(wallet_data.READERS):
            self.read()
        for _turn in range(5):
            self.spend()
            self.pay_with_ewallet()
        self.report = kept


def _read_balance(env):
    balance = sum(env["credit.wallet"].search([]).mapped("balance"))
    assert 0 < balance <= wallet_data.LEFT


def _read_history(env, page):
    """As the controller does (controllers/portal.py) and its template reads."""
    wallets = env["credit.wallet"].search([])
    for wallet in wallets:
        wallet.lot_ids.filtered("remaining").mapped("expiry_date")
        wallet._portal_expiring_soon()
    domain = [("wallet_id", "in", wallets.ids)]
    count = env["credit.entry"].search_count(domain)
    entries = env["credit.entry"].search(domain, limit=PAGE, offset=(page - 1) * PAGE)
    rows = [(entry.date, entry.kind, entry.reason, entry.origin, entry.credits,
             entry.balance_after, entry.company_id.credit_tz) for entry in entries]
    assert len(rows) == PAGE and count > PAGE * DEEP_PAGE
    return rows


def _spend(env, wallet_id, key):
    return env["credit.wallet"].browse(wallet_id)._spend(1, key)


def _spend_and_invoice(env, wallet_id, product_id, key):
    entry = _spend(env, wallet_id, key)
    product = env["product.product"].browse(product_id)
    return entry._create_consumption_invoice(product, product.name, entry.partner_id)


def _pay_with_ewallet(env, partner_id, card_id, product_id):
    """:return: the seconds after the order was made, to know what the eWallet alone costs."""
    order = env["sale.order"].create({
        "partner_id": partner_id,
        "order_line": [(0, 0, {"product_id": product_id, "product_uom_qty": 1})]})
    started = time.perf_counter()
    card = env["loyalty.card"].browse(card_id)
    before = card.points
    order._update_programs_and_rewards()
    order._apply_program_reward(card.program_id.reward_ids, card)
    order.action_confirm()
    env.cr.commit()
    seconds = time.perf_counter() - started
    assert order.state == "sale" and not order.amount_total and card.points < before
    return seconds


class Floor:
    """The statements of one spend without any framework."""

    def __init__(self, side):
        self.side = side
        self.connection = psycopg2.connect(dbname=side.registry.db_name)
        self.connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ)

    def spend(self):
        wallet = self.side.data["wallet"] + next(self.side.numbers)
        started = time.perf_counter()
        with self.connection.cursor() as cr:
            self._statements(cr, wallet, f"run:{next(KEYS)}")
        self.connection.commit()
        self.side.report.add("floor: spend in plain SQL", self.side.size,
                             time.perf_counter() - started, 6)

    def _statements(self, cr, wallet, key):
        cr.execute("SELECT id FROM credit_entry WHERE idempotency_key = %s", [key])
        cr.execute("UPDATE credit_wallet SET balance = balance - 1 "
                   "WHERE id = %s AND balance >= 1 RETURNING balance, partner_id, company_id",
                   [wallet])
        balance, partner, company = cr.fetchone()
        cr.execute("SELECT id, value_remaining / remaining FROM credit_lot "
                   "WHERE wallet_id = %s AND remaining > 0 ORDER BY expiry_date, id LIMIT 1",
                   [wallet])
        lot, value = cr.fetchone()
        value = round(value, 2)
        cr.execute("UPDATE credit_lot SET remaining = remaining - 1, "
                   "value_remaining = value_remaining - %s, write_uid = 1, "
                   "write_date = now() AT TIME ZONE 'UTC' WHERE id = %s", [value, lot])
        cr.execute(
            "INSERT INTO credit_entry (wallet_id, partner_id, company_id, kind, credits, value, "
            "balance_after, date, accounting_date, user_id, idempotency_key, create_uid, "
            "write_uid, create_date, write_date) VALUES (%s, %s, %s, 'booking', -1, %s, %s, "
            "now() AT TIME ZONE 'UTC', current_date, 1, %s, 1, 1, now() AT TIME ZONE 'UTC', "
            "now() AT TIME ZONE 'UTC') RETURNING id",
            [wallet, partner, company, -value, balance, key])
        cr.execute(
            "INSERT INTO credit_lot_move (entry_id, lot_id, company_id, credits, value, "
            "create_uid, write_uid, create_date, write_date) VALUES (%s, %s, %s, -1, %s, 1, 1, "
            "now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')",
            [cr.fetchone()[0], lot, company, -value])


def take_turns(report, small, large, rounds, turns):
    floor = Floor(large)
    for side in (small, large):
        side.warm_up()
    for number in range(rounds):
        report.start_round()
        for turn in range(turns):
            sides = (small, large) if turn % 2 else (large, small)
            for side in sides:
                side.read()
            for side in sides:
                side.spend()
            floor.spend()
            if turn % SLOW_EVERY == 0:
                large.spend_and_invoice()
                for side in sides:
                    side.pay_with_ewallet()
        print(f"round {number + 1} of {rounds}", flush=True)


def judge(report, small, large):
    """The targets of the issue, from medians and percentiles of the same run."""
    history = ("history, first page", f"history, page {DEEP_PAGE}")
    growth = f"at {large.size} against {small.size}"
    for name in ("balance read", *history, "spend"):
        at_small, at_large = report.series(name, small.size), report.series(name, large.size)
        for percent in (50, 95) if name == "spend" else (50,):
            report.at_most(f"{name}, p{percent}, {growth}",
                           at_large.p(percent) / at_small.p(percent), MAX_GROWTH)
        if name == "spend":
            report.at_most(f"{name}, queries, {growth}",
                           at_large.median_queries / at_small.median_queries, MAX_GROWTH)
    for side in (small, large):
        _judge_against_peer(report, side.size)
    spend = report.series("spend", large.size).p(50)
    floor = report.series("floor: spend in plain SQL", large.size).p(50)
    report.note(f"For information: our spend takes {spend / floor:.1f} x the plain SQL.")
    invoice = report.series("spend and invoice", large.size).p(50)
    order = report.series(PEER, large.size).p(50)
    report.note(f"For information: with the booking's invoice posted, ours takes "
                f"{invoice / order:.1f} x eWallet's order, which is not invoiced yet.")


def _judge_against_peer(report, size):
    spend = report.series("spend", size).p(50)
    report.at_least(f"spend faster than eWallet, p50, at {size}",
                    report.series(PEER, size).p(50) / spend, MIN_PEER_RATIO)
    alone = report.series(f"{PEER} (after the order)", size).p(50)
    report.note(f"For information: eWallet's reward and confirmation alone, without making the "
                f"order, take {alone / spend:.1f} x our spend at {size}.")


def settings(registry):
    with registry.cursor() as cr:
        cr.execute("SELECT name, setting FROM pg_settings WHERE name IN ("
                   "'server_version', 'fsync', 'synchronous_commit', 'shared_buffers')")
        return dict(cr.fetchall())


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--databases", nargs=2, required=True, help="empty copies: small, large")
    parser.add_argument("--quick", action="store_true", help="20,000 entries, few rounds")
    options, odoo_options = parser.parse_known_args()
    config.parse_config([*odoo_options, "-d", options.databases[0], "--log-level=error"],
                        setup_logging=True)
    report = Report("wallet")
    sizes = (SMALL, QUICK if options.quick else LARGE)
    small, large = (Side(name, wallets, report)
                    for name, wallets in zip(options.databases, sizes, strict=True))
    rounds, turns = (QUICK_ROUNDS, QUICK_TURNS) if options.quick else (ROUNDS, TURNS)
    take_turns(report, small, large, rounds, turns)
    judge(report, small, large)
    after = [wallet_data.check(side.registry) for side in (small, large)]
    return report.finish(
        None if options.quick else RESULTS,  # a first look is not a result
        versions={"odoo": release.version, "python": platform.python_version()},
        postgresql=settings(large.registry),
        sizes={"filled": [small.filled, large.filled], "after": after,
               "rounds": rounds, "turns": turns})


if __name__ == "__main__":
    sys.exit(main())
