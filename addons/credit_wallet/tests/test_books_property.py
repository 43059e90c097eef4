"""Random sequences of sales, bookings and refunds with the books on: they never drift.

:mod:`test_ledger_property` plays thousands of sequences on the ledger alone; a sequence here
makes orders, invoices, payments and journal entries, so there are fewer of them.
"""

from contextlib import closing
from datetime import datetime, timedelta

from freezegun import freeze_time
from hypothesis import strategies as st

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_accounting import CreditAccountingCase
from .random_sequences import random_sequences

EXAMPLES = 30
START = datetime(2027, 1, 10, 12, 0)

numbers = st.integers(0, 30)
cents = st.integers(1, 30_000)
sales = st.tuples(st.just("buy"), st.integers(1, 2), cents, st.sampled_from([0, 10, 33.33]))
operations = st.one_of(
    sales,
    st.tuples(st.just("add"), st.integers(1, 12), cents, st.integers(0, 40)),
    st.tuples(st.just("book"), st.integers(1, 7)),
    st.tuples(st.just("book"), st.integers(1, 7)),
    st.tuples(st.sampled_from(["cancel", "undo", "refund"]), numbers),
    st.tuples(st.just("wait"), st.integers(1, 24 * 25)),  # hours
)
sequences = st.tuples(sales, st.lists(operations, min_size=3, max_size=7)).map(
    lambda parts: [parts[0], *parts[1]])


@tagged("post_install", "-at_install")
class TestBooksProperty(CreditAccountingCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_voucher_kind = "single"
        cls.clock = cls.enterClassContext(freeze_time(START))

    def play(self, operation):
        """Do it, or be refused without a trace."""
        name, *arguments = operation
        self.done += 1
        try:
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                getattr(self, f"play_{name}")(*arguments)
        except UserError:
            self.refused += 1

    def play_buy(self, quantity, price, discount):
        self.sold += self._buy(quantity, price_unit=price / 100, discount=discount)

    def play_add(self, credits, value, days):
        expiry = self.company._credit_today() + timedelta(days=days)
        self.entries += self.wallet._grant(
            credits, value / 100, f"books:{self.done}", kind="adjustment", reason="Quote",
            expiry_date=expiry)

    def play_book(self, credits):
        entry = self.wallet._spend(credits, f"books:{self.done}")
        entry._create_consumption_invoice(self.training, "Training", self.customer)
        self.bookings += entry

    def play_cancel(self, number):
        if self.bookings:
            self.bookings[number % len(self.bookings)]._reverse(
                f"books:{self.done}", kind="refund")

    def play_undo(self, number):
        if self.entries:
            self.entries[number % len(self.entries)]._reverse_adjustment("Wrong customer")

    def play_refund(self, number):
        if self.sold:
            self._credit_note(self.sold[number % len(self.sold)])

    def play_wait(self, hours):
        self.days.add(self.company._credit_today())
        self.moment += timedelta(hours=hours)
        self.clock.move_to(self.moment)
        self.wallet._expire_lots()

    def forget(self):
        self.done = self.refused = 0
        self.sold = self.env["account.move"]
        self.bookings = self.entries = self.env["credit.entry"]
        self.days = set()
        self.moment = START
        self.clock.move_to(START)

    @random_sequences(EXAMPLES, sequences)
    def play_sequence(self, sequence):
        with closing(self.env.cr.savepoint()):  # rolled back: each example has a new wallet
            self.forget()
            for operation in sequence:
                self.play(operation)
            self.assertEqual(self.env["credit.wallet"]._check_invariants(), [])
            for day in sorted(self.days):
                lines = self.env["credit.reconciliation"]._compare(self.company, day)
                self.assertFalse([line for line in lines if line["drift"]], day)
        self.played += self.done - self.refused

    def test_books_never_drift(self):
        """Deferred revenue = Σ value of lots, to the cent, today and at every date passed."""
        self.played = 0
        self.play_sequence()
        self.assertGreater(self.played, 3 * EXAMPLES, "too much was refused to prove anything")
