"""Random sequences of operations against a reference model (:mod:`ledger_reference`)."""

import logging
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import psycopg2
from freezegun import freeze_time
from hypothesis import strategies as st

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.credit_wallet.exceptions import IdempotencyConflict, InsufficientCredits

from .common import CreditCommon
from .ledger_reference import Reference, Refused
from .random_sequences import random_sequences

_logger = logging.getLogger(__name__)

EXAMPLES = 2000
START = datetime(2027, 1, 10, 12, 0)
# Methods that post to the accounts. A journal entry costs fifty times a ledger row: thousands
# of sequences check the ledger, and the tests of the accounting check what follows from it.
ACCOUNTING = ("_post_breakage", "_post_to_accounts", "_mirror_moves")

numbers = st.integers(0, 30)
grants = st.tuples(
    st.just("grant"), st.integers(1, 12), st.integers(0, 30_000),
    st.none() | st.integers(-1, 40))
spends = st.tuples(st.just("spend"), st.integers(1, 7))
operations = st.one_of(
    grants, spends, spends,
    st.tuples(st.just("reverse"), numbers),
    st.tuples(st.just("wait"), st.integers(1, 24 * 25)),  # hours
    st.tuples(st.just("expire")),
    st.tuples(st.sampled_from(["replay", "conflict"]), numbers),
)
# A wallet nobody filled refuses everything: sequences begin with something to spend.
sequences = st.tuples(
    st.lists(grants, min_size=1, max_size=2), st.lists(operations, min_size=2, max_size=8),
).map(lambda parts: parts[0] + parts[1])


class Player:
    """Plays each operation on the wallet and on the reference, and compares the answers."""

    def __init__(self, test, clock):
        self.test = test
        self.wallet = test.wallet
        self.clock = clock
        self.clock.move_to(START)
        self.reference = Reference(START)
        self.entries = test.env["credit.entry"]
        self.calls = []  # how to make each operation that went through once more

    def play(self, operation):
        name, *arguments = operation
        getattr(self, f"play_{name}")(*arguments)

    def play_wait(self, hours):
        self.reference.moment += timedelta(hours=hours)
        self.clock.move_to(self.reference.moment)

    def play_grant(self, credits, cents, days):
        expiry = None if days is None else self.reference.today + timedelta(days=days)
        key = self.new_key()

        def call(more=0):
            return self.wallet._grant(
                credits + more, cents / 100, key, kind="adjustment", reason="Test",
                expiry_date=expiry or False)

        self.both(call, lambda: self.reference.grant(credits, cents, expiry), UserError)

    def play_spend(self, credits):
        key = self.new_key()
        self.both(lambda more=0: self.wallet._spend(credits + more, key),
                  lambda: self.reference.spend(credits), InsufficientCredits)

    def play_reverse(self, number):
        if not self.entries:
            return
        number %= len(self.entries)
        key = self.new_key()
        # Another reversal of the same entry is stopped by a unique index.
        self.both(lambda more=0: self.entries[number]._reverse(key, **(
                      {"kind": "refund"} if more else {})),
                  lambda: self.reference.reverse(number),
                  (UserError, psycopg2.errors.UniqueViolation))

    def play_expire(self):
        known = len(self.reference.entries)
        self.reference.expire()
        self.entries += self.wallet._expire_lots()
        self.test.assertFalse(self.wallet._expire_lots(), "a second run the same night")
        self.compare_entries(known)

    def play_replay(self, number):
        """Repeat a key with the same content: the same entry comes back, and nothing moves."""
        if self.calls:
            call, entry = self.calls[number % len(self.calls)]
            self.test.assertEqual(call(), entry)

    def play_conflict(self, number):
        """Repeat a key with another content: it is refused."""
        if self.calls:
            call, _entry = self.calls[number % len(self.calls)]
            self.assert_refused(partial(call, more=1), IdempotencyConflict)

    def new_key(self):
        return f"property:{len(self.calls)}:{len(self.entries)}"

    def both(self, call, model, refusals):
        """Do it on both sides: the same answer, or a refusal of both that writes nothing."""
        known = len(self.reference.entries)
        try:
            model()
        except Refused:
            self.test.counted["refused"] += 1
            self.assert_refused(call, refusals)
            return
        entry = call()
        # A spend first expires what is past; the wallet tells of the entry it was asked for.
        expired = len(self.reference.entries) - known - 1
        if expired:
            self.entries += self.test.env["credit.entry"].search(
                [("wallet_id", "=", self.wallet.id), ("id", "<", entry.id)],
                order="id desc", limit=expired).sorted("id")
        self.entries += entry
        self.calls.append((call, entry))
        self.compare_entries(known)

    def assert_refused(self, call, refusals):
        try:
            with mute_logger("odoo.sql_db"), self.test.env.cr.savepoint():
                call()
        except refusals:
            return
        self.test.fail("the reference refuses this, the wallet does it")

    def compare_entries(self, known):
        expected = self.reference.entries[known:]
        self.test.assertEqual(
            [(entry.kind, entry.credits, round(entry.value * 100), entry.balance_after)
             for entry in self.entries[known:]],
            [(entry.kind, entry.credits, entry.cents, entry.balance) for entry in expected])

    # What the database holds ----------------------------------------------------------------

    def rows(self, query):
        self.test.env.cr.execute(query, [self.wallet.id])
        return self.test.env.cr.fetchall()

    def check(self):
        """Check the rows themselves by SQL: they agree with one another and with the reference."""
        test, reference = self.test, self.reference
        test.env.flush_all()
        [(balance,)] = self.rows("SELECT balance FROM credit_wallet WHERE id = %s")
        lots = self.rows(
            "SELECT id, remaining, COALESCE(value_remaining, 0)::text, expiry_date "
            "FROM credit_lot WHERE wallet_id = %s ORDER BY id")
        entries = self.rows(
            "SELECT id, credits, COALESCE(value, 0)::text, balance_after, date "
            "FROM credit_entry WHERE wallet_id = %s ORDER BY id")
        moves = self.rows(
            "SELECT m.entry_id, m.lot_id, m.credits, COALESCE(m.value, 0)::text "
            "FROM credit_lot_move m JOIN credit_lot l ON l.id = m.lot_id "
            "WHERE l.wallet_id = %s ORDER BY m.id")

        test.assertGreaterEqual(balance, 0)
        test.assertEqual(balance, sum(row[1] for row in entries))
        test.assertEqual(balance, sum(row[1] for row in lots))
        test.assertEqual(
            sum(cents(row[2]) for row in entries), sum(cents(row[2]) for row in lots))
        test.assertEqual(
            [(credits, cents(value), expiry) for _id, credits, value, expiry in lots],
            [(lot.credits, lot.cents, lot.expiry) for lot in reference.lots])
        test.assertEqual(
            [(credits, cents(value), left, date)
             for _id, credits, value, left, date in entries],
            [(entry.credits, entry.cents, entry.balance, entry.moment)
             for entry in reference.entries])
        self.check_history(lots, entries, moves)

    def check_history(self, lots, entries, moves):
        """Check that a replay from the first entry passes through the same states."""
        place = {row[0]: number for number, row in enumerate(lots)}
        lots_of = {}
        for entry_id, lot_id, credits, value in moves:
            lots_of.setdefault(entry_id, []).append((place[lot_id], credits, cents(value)))
        state = [[0, 0] for _lot in lots]
        for number, (entry_id, credits, value, left, date) in enumerate(entries):
            parts = lots_of.pop(entry_id)
            self.test.assertEqual(
                (credits, cents(value)),
                (sum(part[1] for part in parts), sum(part[2] for part in parts)))
            for lot, moved, moved_cents in parts:
                state[lot][0] += moved
                state[lot][1] += moved_cents
            self.test.assertEqual(sum(lot[0] for lot in state), left)
            if number + 1 == len(entries) or entries[number + 1][4] > date:
                then = self.reference.history[date]
                then = [[lot.credits, lot.cents] for lot in then]
                self.test.assertEqual(state, then + [[0, 0]] * (len(state) - len(then)))
        self.test.assertFalse(lots_of, "movements without an entry")


def cents(value):
    """Return the whole cents of a value as the database prints it."""
    amount = Decimal(value) * 100
    assert amount == int(amount), f"{value} is not a whole number of cents"
    return int(amount)


@tagged("post_install", "-at_install")
class TestLedgerProperty(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.counted = Counter()
        entry_class = cls.registry["credit.entry"]
        for name in ACCOUNTING:
            if hasattr(entry_class, name):
                cls.classPatch(entry_class, name, lambda self, *args, **kwargs: None)
        cls.clock = cls.enterClassContext(freeze_time(START))

    @random_sequences(EXAMPLES, sequences)
    def play_sequence(self, sequence):
        self.counted["examples"] += 1
        self.counted["operations"] += len(sequence)
        with closing(self.env.cr.savepoint()):  # rolled back: each example has a new wallet
            player = Player(self, self.clock)
            for operation in sequence:
                player.play(operation)
            player.check()
        self.counted["entries"] += len(player.reference.entries)

    def test_random_sequences(self):
        """Balance = Σ entries = Σ lots ≥ 0, value to the cent, history replays at every date."""
        self.play_sequence()
        _logger.info("Ledger property: %s", dict(self.counted))
        self.assertGreaterEqual(self.counted["examples"], EXAMPLES)
