"""Random lives of 18 months with the books on: they never drift, in either of two companies.

:mod:`test_ledger_property` plays thousands of sequences on the ledger alone; a life here makes
orders, invoices, payments and journal entries, so there are fewer of them: ``BOOKS_LIVES=1000``
plays more, a second each.
"""

import os
from contextlib import closing
from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time
from hypothesis import strategies as st

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_accounting import CreditAccountingCase
from .random_sequences import random_sequences

LIVES = int(os.environ.get("BOOKS_LIVES", "8"))
START = datetime(2027, 1, 10, 12, 0)
END = START + relativedelta(months=18)
SIDE = ("env", "company", "vat", "pack", "training", "customer", "wallet", "deferred", "pending",
        "breakage", "giveback")

numbers = st.integers(0, 30)
cents = st.integers(1, 30_000)
sales = st.tuples(st.just("buy"), st.integers(1, 2), cents, st.sampled_from([0, 10, 33.33]))
waits = st.tuples(st.just("wait"), st.integers(1, 24 * 90))  # hours
operations = st.one_of(
    sales,
    st.tuples(st.just("add"), st.integers(1, 12), cents, st.integers(0, 120)),
    st.tuples(st.just("book"), st.integers(1, 7)),
    st.tuples(st.just("book"), st.integers(1, 7)),
    st.tuples(st.sampled_from(["cancel", "undo", "refund"]), numbers),
    waits,
    waits,
)
steps = st.tuples(st.integers(0, 1), operations)
lives = st.tuples(sales, sales, st.lists(steps, min_size=6, max_size=14)).map(
    lambda parts: [(0, parts[0]), (1, parts[1]), *parts[2]])


@tagged("post_install", "-at_install")
class TestBooksProperty(CreditAccountingCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_voucher_kind = "single"
        cls.sides = [cls.present_side(), cls.second_side()]
        cls.clock = cls.enterClassContext(freeze_time(START))

    @classmethod
    def present_side(cls):
        return {name: getattr(cls, name) for name in SIDE}

    @classmethod
    def second_side(cls):
        """A company in dollars that sells multi-purpose credits."""
        dollar = cls.env.ref("base.USD")
        dollar.active = True
        other = cls.env["res.company"].create({
            "name": "B Inc.", "currency_id": dollar.id, "country_id": cls.env.ref("base.us").id})
        cls.env["account.chart.template"].try_loading("generic_coa", other, install_demo=False)
        cls.env = cls.env(context={"allowed_company_ids": other.ids})
        cls._set_up_company()
        other.credit_voucher_kind = "multi"
        return cls.present_side()

    def use(self, number):
        """Go on in one of the two companies."""
        self.__dict__.update(self.sides[number])
        self.__dict__.update(self.papers[number])

    def play(self, number, operation):
        """Do it, or be refused without a trace."""
        name, *arguments = operation
        self.use(number)
        self.done += 1
        try:
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                getattr(self, f"play_{name}")(*arguments)
        except UserError:
            self.refused += 1
        for kind in self.papers[number]:
            self.papers[number][kind] = getattr(self, kind)

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
        self.moment = min(self.moment + timedelta(hours=hours), END)
        self.clock.move_to(self.moment)
        for side in self.sides:
            side["wallet"]._expire_lots()

    def forget(self):
        self.done = self.refused = 0
        self.papers = [{
            "sold": side["env"]["account.move"], "bookings": side["env"]["credit.entry"],
            "entries": side["env"]["credit.entry"]} for side in self.sides]
        self.moment = START
        self.clock.move_to(START)

    def assertBooks(self):
        """At the end of each month passed, and now, in each company's currency."""
        for side in self.sides:
            report, company = side["env"]["credit.reconciliation"], side["company"]
            self.assertFalse(side["wallet"].entry_ids.move_ids.currency_id - company.currency_id)
            day = START.date() + relativedelta(day=31)
            while day < self.moment.date():
                lines = report._compare(company, day)
                self.assertFalse([line for line in lines if line["drift"]], (company.name, day))
                day += relativedelta(months=1, day=31)
        self.assertEqual(self.env["credit.wallet"].sudo()._check_invariants(), [])

    @random_sequences(LIVES, lives)
    def play_life(self, life):
        with closing(self.env.cr.savepoint()):  # rolled back: each life has a new wallet
            self.forget()
            for number, operation in life:
                self.play(number, operation)
            self.play(0, ("wait", 24 * 600))  # to the end
            self.assertBooks()
        self.played += self.done - self.refused

    def test_books_never_drift(self):
        """Deferred revenue = Σ value of lots, to the cent, today and at each month's end."""
        self.played = 0
        self.play_life()
        self.assertGreater(self.played, 4 * LIVES, "too much was refused to prove anything")
