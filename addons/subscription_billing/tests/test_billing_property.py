"""Random lives of three years against a reference: Σ invoiced − Σ credited, day by day."""

import os
from collections import Counter
from contextlib import closing
from datetime import date, datetime, time, timedelta
from fractions import Fraction

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from .common import SubscriptionCommon

# The same examples at each run; BILLING_SEED=<number> looks at others.
SEED = int(os.environ.get("BILLING_SEED", "19"))
EXAMPLES = 40
EXAMPLES_WITH_INVOICES = 2
YEARS = 3
STEPS = {"week": "weeks", "month": "months", "year": "years"}

choices = st.integers(0, 5)
quantities = st.integers(1, 4)
operations = st.one_of(
    st.tuples(st.just("now"), choices, quantities),
    st.tuples(st.just("now"), choices, quantities),
    st.tuples(st.just("later"), choices, quantities),
    st.tuples(st.just("pause"), st.integers(1, 70)),
    st.tuples(st.just("keep")),
)
lives = st.tuples(
    st.dates(date(2027, 1, 1), date(2028, 2, 29)), choices, quantities,
    st.lists(st.tuples(st.integers(0, 120), operations), min_size=4, max_size=14))


def many_lives(examples):
    """Decorate a method that plays one life, to be called with many."""
    how = settings(
        max_examples=examples, deadline=None, database=None,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
    return lambda play: seed(SEED)(how(given(lives)(play)))


class Reference:
    """What each civil day is worth, by the plain reading of the contract."""

    def __init__(self, start, price, quantity):
        self.days = {}  # day: (price, quantity, whole start, whole end), or None when free
        self.anchor, self.price, self.quantity = start, price, quantity
        self.next_day, self.planned = start, None

    def bill(self):
        if self.planned:
            price, self.quantity = self.planned
            if not price._same_interval(self.price):
                self.anchor = self.next_day
            self.price, self.planned = price, None
        self._give(self.next_day, *self._whole(self.next_day))

    def _whole(self, day):
        step = STEPS[self.price.interval_unit]
        number = 0
        while self._bound(step, number + 1) <= day:
            number += 1
        return self._bound(step, number), self._bound(step, number + 1)

    def _bound(self, step, number):
        return self.anchor + relativedelta(**{step: number * self.price.interval_count})

    def _give(self, first, start, end):
        for number in range((end - first).days):
            self.days[first + timedelta(days=number)] = (
                self.price, self.quantity, start, end)
        self.next_day = end

    def change(self, today, price, quantity):
        new_cycle = not price._same_interval(self.price)
        _price, _quantity, start, end = self.days[today]
        for day in [day for day in self.days if day >= today]:
            del self.days[day]
        self.price, self.quantity = price, quantity
        if new_cycle:
            self.anchor = today
            start, end = self._whole(today)
        self._give(today, start, end)

    def pause(self, today):
        for day in [day for day in self.days if day > today]:
            del self.days[day]
        self.next_day = today + timedelta(days=1)
        self.planned = None

    def resume(self, today):
        while self.next_day < today:
            self.days[self.next_day] = None
            self.next_day += timedelta(days=1)
        self.anchor = today

    def worth(self):
        """Sum days × daily price, for each plan, as exact fractions of a euro."""
        total = Counter()
        for terms in filter(None, self.days.values()):
            price, quantity, start, end = terms
            whole = Fraction(str(price.amount)) * quantity
            total[price.plan_id] += whole / (end - start).days
        return total

    def cents(self):
        """Sum the same to the cent: a whole period has its whole price, pieces have parts of it."""
        total, stretch = Counter(), []
        for day, terms in [*sorted(self.days.items()), (None, None)]:
            if stretch and (not terms or terms != stretch[0][1]):
                price, quantity, start, end = stretch[0][1]
                whole = Fraction(str(price.amount)) * quantity
                first, last = stretch[0][0], stretch[-1][0] + timedelta(days=1)
                total[price.plan_id] += (
                    self._round(whole * (last - start).days / (end - start).days)
                    - self._round(whole * (first - start).days / (end - start).days))
                stretch = []
            if terms:
                stretch.append((day, terms))
        return total

    @staticmethod
    def _round(amount):
        return (amount * 100 + Fraction(1, 2)).__floor__()


def no_totals(period, *args):
    """Return the totals of a document that is not made."""
    return {"untaxed": 0.0, "tax": 0.0, "total": 0.0}


class BillingProperty(SubscriptionCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clock = cls.enterClassContext(freeze_time(datetime(2027, 1, 1, 12)))
        vat = cls.make_tax(20)
        plans = [
            cls.make_plan("A", 9.99, taxes=vat, prices=[("year", 1, 99.9)]),
            cls.make_plan("B", 100.0, taxes=vat, prices=[("month", 3, 270.0)]),
            cls.make_plan("C", 7.77, unit="week", taxes=vat, prices=[("month", 1, 31.01)]),
        ]
        cls.prices = [price for plan in plans for price in plan.price_ids]

    @classmethod
    def make_rows_only(cls):
        """Make neither documents nor mails: periods say what was invoiced and credited."""

        def invoice(periods):
            for period in periods:
                period.write({"amount": period._charge_amount(), "state": "invoiced"})
            return periods.env["account.move"]

        def credit(period, amount, day):
            period.credited += amount
            return period.env["account.move"]

        for model, name, method in (
                ("subscription.period", "_invoice", invoice),
                ("subscription.period", "_post_credit_note", credit),
                ("subscription.period", "_credit_totals", no_totals),
                ("subscription.subscription", "_send_mail", lambda self, *args: None),
                ("subscription.change", "_send_confirmation", lambda self, *args: None)):
            cls.classPatch(cls.registry[model], name, method)

    def set_day(self, day):
        self.day = day
        self.clock.move_to(datetime.combine(day, time(12)))

    def live(self, start, choice, quantity, steps):
        """Play a life on the engine and on the reference."""
        self.set_day(start)
        price = self.prices[choice]
        self.subscription = self.draft(price.plan_id, start, price, quantity=quantity)
        self.reference = Reference(start, price, quantity)
        self.subscription._start()
        self.reference.bill()
        end = start + relativedelta(years=YEARS)
        for wait, operation in steps:
            self.go_to(min(self.day + timedelta(days=wait), end))
            if self.day < end:
                getattr(self, f"play_{operation[0]}")(*operation[1:])
                self.played[operation[0]] += 1
        self.go_to(end)

    def go_to(self, day):
        """Renew on each day it is due, as a run of that day would."""
        while self.reference.next_day <= day:
            self.set_day(self.reference.next_day)
            self.assertEqual(self.subscription.next_date, self.day)
            self.subscription._renew()
            self.reference.bill()
        self.set_day(max(self.day, day))

    def play_now(self, choice, quantity):
        price = self.prices[choice]
        terms = self.subscription.price_id, self.subscription.quantity
        if (price, quantity) == terms or self.reference.planned:
            return
        self.subscription._change(price, quantity)
        self.reference.change(self.day, price, quantity)

    def play_later(self, choice, quantity):
        price = self.prices[choice]
        if (price, quantity) == (self.subscription.price_id, self.subscription.quantity):
            return
        if self.reference.planned:
            self.subscription._drop_planned_change()
        self.subscription._change(price, quantity, timing="period_end")
        self.reference.planned = price, quantity

    def play_pause(self, days):
        self.subscription._pause()
        self.reference.pause(self.day)
        self.set_day(self.day + timedelta(days=days))
        self.reference.resume(self.day)
        self.subscription._resume()
        self.reference.bill()

    def play_keep(self):
        self.subscription._cancel()
        self.subscription._withdraw_cancellation()
        self.reference.planned = None

    def assertTiled(self):
        """Check that periods tile time without gap or overlap."""
        rows = self.subscription.period_ids.filtered(
            lambda period: period.state != "void").sorted("date_start")
        self.assertEqual(rows[0].date_start, min(self.reference.days))
        self.assertEqual(rows[-1].date_end, self.subscription.next_date)
        for row, following in zip(rows, rows[1:], strict=False):
            self.assertEqual(row.date_end, following.date_start)

    def assertWorth(self, net):
        """Check that Σ invoiced − Σ credited = Σ days × daily price, per plan, to the cent."""
        expected = {plan: cents for plan, cents in self.reference.cents().items() if cents}
        self.assertEqual({plan: cents for plan, cents in net.items() if cents}, expected)
        cuts = len(self.subscription.period_ids)
        for plan, worth in self.reference.worth().items():
            self.assertLessEqual(abs(net[plan] - worth * 100), cuts)

    def net_of_rows(self):
        net = Counter()
        for period in self.subscription.period_ids:
            net[period.plan_id] += round((period.amount - period.credited) * 100)
        return net

    def net_of_documents(self):
        net = Counter()
        for line in self.subscription.period_ids.line_ids.filtered(
                lambda line: line.parent_state == "posted"):
            net[line.subscription_period_id.plan_id] -= round(line.balance * 100)
        return net


@tagged("post_install", "-at_install")
class TestBillingProperty(BillingProperty):
    """Many lives on the rows: what is invoiced is taken at its word, no document is made."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_rows_only()
        cls.classPatch(cls.registry["subscription.period"], "_charge_totals", no_totals)

    @many_lives(EXAMPLES)
    def play_life(self, life):
        with closing(self.env.cr.savepoint()):
            self.live(*life)
            self.assertTiled()
            self.assertWorth(self.net_of_rows())

    def test_any_sequence_of_changes_over_three_years(self):
        self.played = Counter()
        self.play_life()
        for kind in ("now", "later", "pause", "keep"):
            self.assertGreater(self.played[kind], EXAMPLES // 4, "too little was played")


@tagged("post_install", "-at_install")
class TestBillingPropertyWithInvoices(BillingProperty):
    """A few of the same lives with every invoice and credit note posted, VAT and all."""

    @many_lives(EXAMPLES_WITH_INVOICES)
    def play_life(self, life):
        with closing(self.env.cr.savepoint()):
            self.live(*life)
            self.assertTiled()
            self.assertWorth(self.net_of_rows())
            self.assertWorth(self.net_of_documents())
            for period in self.subscription.period_ids.filtered("invoice_id"):
                notes = period.line_ids.move_id - period.invoice_id
                self.assertLessEqual(
                    round(sum(notes.mapped("amount_total")), 2), period.invoice_id.amount_total)

    def test_invoices_agree_with_the_days(self):
        self.played = Counter()
        self.play_life()
        self.assertGreater(self.played["now"], EXAMPLES_WITH_INVOICES)
