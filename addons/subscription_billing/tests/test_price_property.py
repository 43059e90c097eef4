"""Random lives of eighteen months: what was shown is billed, and no more is credited than paid.

``PRICE_LIVES`` and ``PAID_LIVES`` say how many lives are played, ``BILLING_SEED`` which. One life
on the rows takes about 0.25 s, one with documents about 2 s, of one processor.
"""

import os
from collections import Counter
from contextlib import closing
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from odoo.fields import Command
from odoo.tests import tagged

from .test_billing_property import SEED, BillingProperty

PRICE_LIVES = int(os.environ.get("PRICE_LIVES", "60"))
PAID_LIVES = int(os.environ.get("PAID_LIVES", "6"))
MONTHS = 18

choices = st.integers(0, 5)
quantities = st.integers(1, 4)
amounts = st.integers(1, 30000).map(lambda cents: cents / 100)


def many(examples, strategy):
    """Decorate a method that plays one life, to be called with many."""
    how = settings(
        max_examples=examples, deadline=None, database=None,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
    return lambda play: seed(SEED)(how(given(strategy)(play)))


class OnOffer:
    """The plain reading of a list of prices: amount today, and perhaps another from a day on."""

    def __init__(self, amount):
        self.amount, self.ahead = amount, None

    def on(self, day):
        return self.ahead[1] if self.ahead and day >= self.ahead[0] else self.amount

    def settle(self, today):
        if self.ahead and today >= self.ahead[0]:
            self.amount, self.ahead = self.ahead[1], None


class Told:
    """What a customer was told they pay from which day on, by the plain reading of the mails."""

    def __init__(self, offer, day):
        self.steps = [(day, offer.on(day))]
        if offer.ahead and offer.ahead[0] > day:
            self.steps.append(offer.ahead)

    @classmethod
    def by_hand(cls, amount, day):
        told = cls(OnOffer(amount), day)
        return told

    def on(self, day):
        return [amount for first, amount in self.steps if first <= day][-1]

    def hear(self, offer, withdrawn):
        """Announce a new price of the plan: whoever pays the price as listed is told."""
        if withdrawn:
            self.steps = [step for step in self.steps if step != withdrawn]
        day, _amount = offer.ahead
        if day > self.steps[0][0] and self.on(day - timedelta(days=1)) == offer.amount:
            self.steps.append(offer.ahead)


PRICE_OPERATIONS = st.one_of(
    st.tuples(st.just("announce"), choices, amounts, st.integers(30, 90)),
    st.tuples(st.just("announce"), choices, amounts, st.integers(30, 90)),
    st.tuples(st.just("edit"), choices, amounts),
    st.tuples(st.just("now"), choices, quantities),
    st.tuples(st.just("later"), choices, quantities),
    st.tuples(st.just("drop")),
    st.tuples(st.just("pause"), st.integers(1, 70)),
    st.tuples(st.just("agree"), amounts),
    st.tuples(st.just("outage"), st.integers(1, 100)),
)
price_lives = st.tuples(
    st.dates(date(2027, 1, 1), date(2028, 2, 29)), choices, quantities,
    st.sampled_from([0, 0, 14, 45]), st.sampled_from([0, 0, 10, 33.33]),
    st.lists(st.tuples(st.integers(0, 60), PRICE_OPERATIONS), min_size=4, max_size=12))


@tagged("post_install", "-at_install")
class TestShownIsBilled(BillingProperty):
    """Prices announced, edited, agreed, changed and billed late: one amount for all to see.

    Rows only: no document is made, but its amounts are computed as Odoo computes them.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_rows_only()
        cls.classPatch(cls.registry["subscription.subscription"], "_check_documents",
                       lambda self, *args: None)

    # The life ------------------------------------------------------------------------------

    @many(PRICE_LIVES, price_lives)
    def play_life(self, life):
        with closing(self.env.cr.savepoint()):
            self.live(*life)
        self.played["lives"] += 1

    def live(self, start, choice, quantity, trial_days, discount, steps):
        self.set_day(start)
        self.offers = {price: OnOffer(price.amount) for price in self.prices}
        price = self.prices[choice]
        self.subscription = self.draft(
            price.plan_id, start, price, quantity=quantity, trial_days=trial_days,
            discount=discount, setup_fee=12.0)
        self.told, self.planned, self.shown = Told(self.offers[price], start), None, None
        self.discount = discount
        self.subscription._start()
        self.look()
        end = start + relativedelta(months=MONTHS)
        for wait, operation in steps:
            self.go_to(min(self.day + timedelta(days=wait), end))
            if self.day < end:
                getattr(self, f"play_{operation[0]}")(*operation[1:])
                self.played[operation[0]] += 1
                self.look()
        self.go_to(end)
        self.assertOnOffer()

    def look(self):
        """Look at the page as the customer; the totals are those of the reference."""
        shown = self.shown = self.subscription._preview_next_invoice()
        price, told = shown["price"], self.told
        quantity, discount = self.subscription.quantity, self.discount
        if self.planned:
            (price, quantity), told = self.planned[:2], self.planned[2]
            discount = discount if price == self.subscription.price_id else 0
        fee = 0.0 if self.billed() else self.subscription._prepare_terms(price)["setup_fee"]
        expected = self.euro.round(told.on(shown["date"]) * quantity * (1 - discount / 100))
        self.assertEqual((shown["price"], shown["quantity"]), (price, quantity))
        self.assertAlmostEqual(shown["untaxed"], expected + fee, 2)

    def billed(self):
        return self.subscription.period_ids.filtered(
            lambda period: period.kind in ("recurring", "change"))

    def go_to(self, day):
        """Bill on each day it is due, as a run of that day would."""
        while self.subscription.next_date <= day:
            self.set_day(self.subscription.next_date)
            self.bill()
        self.set_day(max(self.day, day))

    def bill(self):
        """Bill the next period: it costs exactly what was shown for it before."""
        shown, day = self.shown, self.subscription.next_date
        self.assertEqual(shown["date"], day)
        period = self.subscription._renew()
        if self.planned:
            price, _quantity, told = self.planned
            if price != self.told_price():
                self.told, self.discount = told, 0
            self.planned = None
        self.assertEqual(period.date_start, day)
        for name, value in period._charge_totals().items():
            self.assertAlmostEqual(value, shown[name], 2, f"{name} of {day}")
        self.current = self.subscription.price_id
        self.look()

    def told_price(self):
        return getattr(self, "current", None) or self.subscription.period_ids[-1:].price_id

    # What may happen -------------------------------------------------------------------------

    def play_announce(self, choice, amount, days):
        price, day = self.prices[choice], self.day + timedelta(days=days)
        offer = self.offers[price]
        offer.settle(self.day)
        withdrawn, offer.ahead = offer.ahead, (day, amount)
        price._announce(amount, day)
        self.env["subscription.notice"]._create_due("price", 100)
        if self.planned and self.planned[0] == price != self.subscription.price_id:
            self.planned[2].hear(offer, withdrawn)
        elif self.subscription.price_id == price:
            self.told.hear(offer, withdrawn)

    def play_edit(self, choice, amount):
        offer = self.offers[self.prices[choice]]
        offer.settle(self.day)
        offer.amount = amount
        self.prices[choice].amount = amount

    def play_now(self, choice, quantity):
        price = self.prices[choice]
        terms = self.subscription.price_id, self.subscription.quantity
        if (price, quantity) == terms or self.planned:
            return
        preview = self.subscription._preview_change(price, quantity)
        trial = self.subscription.state == "trial"
        before = self.subscription.period_ids
        self.subscription._change(price, quantity)
        if price != terms[0]:
            offer = self.offers[price]
            self.told, self.discount = Told(offer, self.day), 0
        rows = self.subscription.period_ids - before
        self.assertEqual(bool(rows), not trial)
        if rows:
            self.assertAlmostEqual(rows._charge_totals()["total"], preview["charge"]["total"], 2)
        self.assertAlmostEqual(self.subscription._preview_next_invoice()["total"],
                               preview["next"]["total"], 2)

    def play_later(self, choice, quantity):
        price = self.prices[choice]
        if (price, quantity) == (self.subscription.price_id, self.subscription.quantity):
            return
        self.play_drop()
        preview = self.subscription._preview_change(price, quantity, "period_end")
        self.subscription._change(price, quantity, timing="period_end")
        told = self.told if price == self.subscription.price_id else Told(
            self.offers[price], self.day)
        self.planned = price, quantity, told
        self.assertAlmostEqual(self.subscription._preview_next_invoice()["total"],
                               preview["next"]["total"], 2)

    def play_drop(self):
        self.subscription._drop_planned_change()
        self.planned = None

    def play_pause(self, days):
        if self.subscription.state != "active":
            return
        self.subscription._pause()
        self.planned = None
        self.set_day(self.day + timedelta(days=days))
        before = self.subscription.period_ids
        self.subscription._resume()
        period = (self.subscription.period_ids - before).filtered(
            lambda period: period.kind == "recurring")
        self.assertAlmostEqual(
            period.unit_price, self.told.on(period.date_start), 2, "resumed")

    def play_agree(self, amount):
        self.subscription.with_user(self.manager).unit_price = amount
        self.told = Told.by_hand(amount, self.day)

    def play_outage(self, days):
        """Run nothing for a while; then each period has the price of its own first day."""
        self.set_day(self.day + timedelta(days=days))
        while self.subscription.next_date <= self.day:
            self.bill()

    def assertOnOffer(self):
        """Check that page, product, draft and order agree on what is on offer today."""
        price, day = self.subscription.price_id, self.day
        amount = self.offers[price].on(day)
        self.assertEqual(price._amount_on(day), amount)
        if price == price.plan_id.price_ids[0]:
            variant = price.plan_id.product_variant_id
            self.assertEqual(variant._price_compute("list_price")[variant.id], amount)
        self.assertEqual(self.draft(price.plan_id, price=price).unit_price, amount)

    def test_lives(self):
        self.played = Counter()
        self.play_life()
        self.assertEqual(self.played["lives"], PRICE_LIVES)
        for kind in ("announce", "edit", "now", "later", "pause", "agree", "outage"):
            self.assertGreater(self.played[kind], PRICE_LIVES // 8, "too little was played")


PAID_OPERATIONS = st.one_of(
    st.tuples(st.just("now"), choices, quantities),
    st.tuples(st.just("now"), choices, quantities),
    st.tuples(st.just("pause"), st.integers(1, 40)),
    st.tuples(st.just("gesture"), st.integers(1, 100)),
)
DISCOUNTS = st.one_of(
    st.none(),
    st.tuples(st.just("so_discount"), st.integers(1, 100).map(lambda share: share / 100)),
    st.tuples(st.just("amount"), st.integers(1, 9000).map(lambda cents: cents / 100)))
paid_lives = st.tuples(
    st.dates(date(2027, 1, 1), date(2028, 2, 29)), choices, choices, quantities,
    st.sampled_from([0, 0, 7, 50]), DISCOUNTS, st.sampled_from([True, False]),
    st.sampled_from(["round_per_line", "round_globally"]),
    st.sampled_from(["prorated", "full"]),
    st.lists(st.tuples(st.integers(0, 60), PAID_OPERATIONS), min_size=2, max_size=6))


@tagged("post_install", "-at_install")
class TestCreditedWithinPaid(BillingProperty):
    """Orders of two plans with discounts of every kind, then lives with every document posted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        included = cls.make_tax(5.5, "Included", price_include_override="tax_included")
        cls.prices[3].plan_id.taxes_id = [Command.set(included.ids)]  # plan B

    @many(PAID_LIVES, paid_lives)
    def play_life(self, life):
        with closing(self.env.cr.savepoint()):
            self.live(*life)
        self.played["lives"] += 1

    def live(self, start, choice, other, quantity, percent, discount, late, rounding, policy,
             steps):
        self.set_day(start)
        self.company.tax_calculation_rounding_method = rounding
        self.env["subscription.plan"].search([]).cancel_policy = policy
        order = self.order(choice, other, quantity, percent, discount)
        shown = order.amount_total
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        self.assertEqual((invoice.amount_total, order.amount_total), (shown, shown))
        self.subscription = order.order_line.subscription_ids[0]
        for wait, operation in steps:
            if not late:
                self.pay_all()
            self.go_to(self.day + timedelta(days=wait))
            getattr(self, f"play_{operation[0]}")(*operation[1:])
            self.played[operation[0]] += 1
            self.assertWithin(order)
        self.subscription._cancel(now=True)
        self.assertWithin(order)

    def order(self, choice, other, quantity, percent, discount):
        order = self.env["sale.order"].create({
            "partner_id": self.customer.id, "order_line": [Command.create({
                "product_id": self.prices[index].plan_id.product_variant_id.id,
                "subscription_price_id": self.prices[index].id,
                "product_uom_qty": quantity, "discount": percent})
                for index in dict.fromkeys((choice, other))]})
        if discount:
            kind, value = discount
            self.env["sale.order.discount"].create({
                "sale_order_id": order.id, "discount_type": kind,
                "discount_percentage": value if kind == "so_discount" else 0.0,
                "discount_amount": min(value, order.amount_total) if kind == "amount" else 0.0,
            }).action_apply_discount()
        return order

    def go_to(self, day):
        while self.subscription.next_date <= day:
            self.set_day(self.subscription.next_date)
            shown = self.subscription._preview_next_invoice()
            moves = self.subscription._renew().invoice_id
            self.assertAlmostEqual(moves.amount_total, shown["total"], 2)
            self.assertAlmostEqual(moves.amount_tax, shown["tax"], 2)
        self.set_day(max(self.day, day))

    def pay_all(self):
        self.pay(self.invoices(self.subscription).filtered("amount_residual"))

    def play_now(self, choice, quantity):
        price = self.prices[choice]
        if (price, quantity) == (self.subscription.price_id, self.subscription.quantity):
            return
        preview = self.subscription._preview_change(price, quantity)
        change = self.subscription._change(price, quantity, expected_due=preview["due"])
        self.assertEqual((change.credit_note_id.amount_total, change.invoice_id.amount_total),
                         (preview["credit"]["total"], preview["charge"]["total"]))

    def play_pause(self, days):
        self.subscription._pause()
        self.set_day(self.day + timedelta(days=days))
        self.subscription._resume()

    def play_gesture(self, percent):
        """Credit a part of what is left of the current period, by hand, as staff."""
        period = self.subscription._period_on(self.day)
        left = period.amount - period.credited
        given = self.euro.round(left * percent / 100)
        if period.invoice_id and given:
            note = period.invoice_id._reverse_moves([{"invoice_date": self.day}])
            lines = note.invoice_line_ids.filtered("subscription_period_id").filtered(
                lambda line: line.subscription_period_id == period)
            (note.invoice_line_ids - lines).unlink()
            lines.write({"quantity": 1, "price_unit": given, "discount": 0.0})
            note._post(soft=False)

    def assertWithin(self, order):
        """Check that no period and no invoice gives back more than was paid for it, nor any tax."""
        periods = order.order_line.subscription_ids.period_ids | self.subscription.period_ids
        for period in periods:
            self.assertLessEqual(period.credited, period.amount)
        for invoice in periods.invoice_id:
            notes = periods.filtered(lambda each, move=invoice: each.invoice_id == move)\
                .line_ids.move_id.filtered(lambda move: move.move_type == "out_refund")
            for name in ("amount_total", "amount_untaxed", "amount_tax"):
                self.assertLessEqual(
                    round(sum(notes.mapped(name)), 2), round(invoice[name], 2) + 1e-9, name)

    def test_lives(self):
        self.played = Counter()
        self.play_life()
        self.assertEqual(self.played["lives"], PAID_LIVES)
        self.assertGreater(self.played["now"] + self.played["gesture"], PAID_LIVES // 2)
