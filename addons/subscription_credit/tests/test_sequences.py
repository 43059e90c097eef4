"""Random lives of a subscription with its wallet: renewals, payments, refunds, bookings."""

from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta

from freezegun import freeze_time
from hypothesis import strategies as st

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from odoo.addons.credit_wallet.tests.random_sequences import random_sequences

from .common import SubscriptionCreditCase

EXAMPLES = 8
START = datetime(2027, 1, 1, 12)

numbers = st.integers(0, 9)
operations = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("wait"), st.integers(1, 12)),
    st.tuples(st.just("pay"), numbers),
    st.tuples(st.just("pay"), numbers),
    st.tuples(st.just("book"), st.integers(1, 12)),
    st.tuples(st.just("book"), st.integers(1, 12)),
    st.tuples(st.just("change"), numbers, st.integers(1, 2)),
    st.tuples(st.just("refund"), numbers, st.integers(1, 120)),
    st.tuples(st.just("pause"), st.integers(1, 20)),
)
lives = st.tuples(numbers, st.lists(operations, min_size=5, max_size=12))


class TestSequences(SubscriptionCreditCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clock = cls.enterClassContext(freeze_time(START))
        yearly = cls.make_credit_plan("INSAHO year", 1000.0, 130, unit="year")
        part = cls.make_credit_plan("INSAHO and more", 77.77, 3, credit_share=33.3)
        trusted = cls.make_credit_plan(
            "INSAHO weekly", 9.99, 1, unit="week", credit_grant_on="posted",
            credit_rollover=True)
        cls.prices = (cls.small + cls.large + yearly + part + trusted).price_ids

    def move_to(self, moment):
        self.moment = moment
        self.clock.move_to(moment)

    def play(self, operation):
        """Do it, or be refused without a trace."""
        name, *arguments = operation
        self.done += 1
        try:
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                getattr(self, f"play_{name}")(*arguments)
            self.played[name] += 1
        except UserError:
            self.played["refused"] += 1

    def play_wait(self, days):
        """Run the renewals and the expiry of each day, as their scheduled actions do."""
        target = self.moment + timedelta(days=days)
        while self.subscription.next_date <= target.date():
            self.move_to(datetime.combine(self.subscription.next_date, START.time()))
            self.wallet._expire_lots()
            self.subscription._renew()
        self.move_to(target)
        self.wallet._expire_lots()

    def play_pay(self, number):
        if invoices := self.invoices(self.subscription).filtered("amount_residual"):
            self.pay(invoices[number % len(invoices)])

    def play_book(self, credits):
        entry = self.wallet._spend(credits, f"sequence:{self.done}")
        entry._create_consumption_invoice(self.training, "Training", self.customer)

    def play_change(self, number, quantity):
        self.subscription._change(self.prices[number % len(self.prices)], quantity)

    def play_refund(self, number, amount):
        """Make a credit note by hand, of a part of an invoice or of all of it."""
        periods = self.subscription.period_ids.filtered("invoice_id")
        period = periods[number % len(periods)]
        left = period.amount - period.credited
        period._post_credit_note(round(min(amount, left), 2), self.moment.date())

    def play_pause(self, days):
        self.subscription._pause()
        self.move_to(self.moment + timedelta(days=days))
        self.wallet._expire_lots()
        self.subscription._resume()

    @random_sequences(EXAMPLES, lives)
    def play_life(self, life):
        first, steps = life
        with closing(self.env.cr.savepoint()):  # rolled back: each example has a new wallet
            self.done = 0
            self.move_to(START)
            price = self.prices[first % len(self.prices)]
            self.subscription = self.draft(price.plan_id, START.date(), price)
            self.subscription._start()
            for step in steps:
                self.play(step)
            self.assertBooksAgree()
            for invoice in self.invoices(self.subscription).filtered("amount_residual"):
                self.pay(invoice)
            self.assertBooksAgree()
            self.assertEqual(self.balance(self.pending), 0.0)
            self.assertGrantedAsSold()

    def assertBooksAgree(self):
        """Balance = Σ lots; deferred account = Σ value of the lots, and so at every past day."""
        self.env.flush_all()
        self.wallet.invalidate_recordset()
        lots = self.wallet.lot_ids
        self.assertEqual(self.wallet.balance, sum(lots.mapped("remaining")))
        self.assertEqual(
            self.balance(self.deferred), round(sum(lots.mapped("value_remaining")), 2))
        self.assertEqual(self.env["credit.wallet"]._check_invariants(), [])
        for days in range(0, (self.moment - START).days + 1, 30):
            lines = self.env["credit.reconciliation"]._compare(
                self.company, (START + timedelta(days=days)).date())
            self.assertFalse([line for line in lines if line["drift"]])

    def assertGrantedAsSold(self):
        """Check that what a period granted, less what its credit notes took or left owed, is what
        stays paid of it; more only where the credits taken had expired.
        """
        expired = self.wallet.entry_ids.filtered(lambda entry: entry.kind == "expiry")
        for period in self.subscription.period_ids.filtered("credit_entry_ids"):
            grant = period.credit_entry_ids
            self.assertLessEqual(grant.credits, period.credit_count)
            lot = grant.lot_move_ids.lot_id
            taken = -sum(lot.move_ids.filtered(
                lambda move: move.entry_id.kind == "clawback"
                and not move.entry_id.credit_debt_id).mapped("credits"))
            owed = sum(self.wallet.debt_ids.filtered(
                lambda debt, lot=lot: debt.lot_id == lot).mapped("credits"))
            left = grant.credits - taken - owed
            self.assertGreaterEqual(left, period._credits_left(period.credited))
            if not expired.lot_move_ids.filtered(lambda move, lot=lot: move.lot_id == lot):
                self.assertEqual(left, period._credits_left(period.credited))

    def test_any_life_keeps_the_books(self):
        self.played = Counter()
        self.play_life()
        for kind in ("wait", "pay", "book", "change", "refund", "pause"):
            self.assertGreaterEqual(self.played[kind], EXAMPLES // 5, self.played)
