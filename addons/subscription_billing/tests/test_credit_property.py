"""Random lives of 18 months: what is in the customer's favour is used before anything is charged
or asked for, in each company and currency by itself, and none of it is left unsaid.

Several customers live side by side, as in production: the scheduled actions take all of them.
"""

import logging
import os
from bisect import insort
from collections import Counter
from contextlib import closing, nullcontext
from datetime import date, datetime, time, timedelta
from random import Random

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_credit_in_favour import CreditCommon

_logger = logging.getLogger(__name__)

# The same examples at each run; CREDIT_SEED=<number> looks at others, CREDIT_LIVES=1000 at more.
SEED = int(os.environ.get("CREDIT_SEED", "18"))
LIVES = int(os.environ.get("CREDIT_LIVES", "3"))
TOGETHER = min(LIVES, 50)
MONTHS = 18
FIRST = date(2027, 1, 1)
LOGGERS = (
    "odoo.addons.subscription_billing.models.subscription_period_charging",
    "odoo.addons.payment.models.payment_transaction")


class Impossible(UserError):
    """A step that cannot be taken in this life."""


def random_step(random):
    """Return days to wait, the number of a subscription, and what happens to it."""
    kind = random.choice((
        "change", "change", "pause", "overpay", "pay", "card", "answer", "gesture", "keep",
        "give_back"))
    values = {
        "change": lambda: (random.randrange(4), random.randint(1, 3)),
        "pause": lambda: (random.randint(1, 40),),
        "overpay": lambda: (random.randint(1, 40_000),),  # cents
        "pay": lambda: (random.randint(10, 100),),  # percent
        "card": lambda: (random.choice(("done", "done", "error", "pending", None)),),
        "answer": lambda: (random.choice(("done", "error")),),
        "gesture": lambda: (random.randint(1, 40_000),),
    }.get(kind, tuple)()
    return random.randint(0, 45), random.randrange(3), (kind, *values)


def random_life(number):
    random = Random(f"{SEED} {number}")
    return [random_step(random) for _step in range(random.randint(12, 24))]


@tagged("post_install", "-at_install")
class TestCreditProperty(CreditCommon):
    """Each customer: two subscriptions of a company in euros, one of a company in dollars."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clock = cls.enterClassContext(freeze_time(datetime(2027, 1, 1, 12)))
        cls.dollar = cls.env.ref("base.USD")
        cls.dollar.active = True
        cls.other = cls.env["res.company"].create({
            "name": "B Inc.", "currency_id": cls.dollar.id,
            "country_id": cls.env.ref("base.us").id})
        cls.env["account.chart.template"].try_loading(
            "generic_coa", cls.other, install_demo=False)
        vat = cls.make_tax(20)
        cls.plans = {cls.company: cls.starter + cls.pro, cls.other: cls.env["subscription.plan"]}
        (cls.starter + cls.pro).taxes_id = vat
        for amount in (90.0, 170.0):
            cls.plans[cls.other] += cls.env["subscription.plan"].with_company(cls.other).create({
                "name": f"B {amount}", "family_id": cls.family.id, "list_price": amount,
                "taxes_id": [(5,)], "company_id": cls.other.id, "price_ids": [(0, 0, {
                    "interval_unit": "month", "amount": amount, "currency_id": cls.dollar.id})]})
        cls.prices = {company: [price for plan in plans for price in plan.price_ids]
                      for company, plans in cls.plans.items()}
        cls.customers = [cls.make_customer(f"Camille{number}") for number in range(TOGETHER)]
        cls.spy()

    @classmethod
    def spy(cls):
        """Look at what is open in the customer's favour at each charge and each reminder."""
        model = cls.registry["subscription.period"]
        create, send = model._create_transaction, model._send_period_mail

        def create_transaction(periods):
            transaction = create(periods)
            if transaction:
                cls.seen["charge"] += 1
                cls.note_unused("charged", periods)
            return transaction

        def send_period_mail(periods, template):
            if template.endswith(("past_due", "payment_failed")):
                cls.seen["reminder"] += len(periods)
                for period in periods:
                    cls.note_unused(template, period)
            return send(periods, template)

        cls.classPatch(model, "_create_transaction", create_transaction)
        cls.classPatch(model, "_send_period_mail", send_period_mail)

    @classmethod
    def note_unused(cls, what, period):
        cls.unused += [
            (what, period.invoice_id.name, period.env.cr.now(), line.move_id.name,
             line.amount_residual, line.outstanding_credit_use)
            for line in cls.open_in_favour(period)]

    @classmethod
    def open_in_favour(cls, period):
        """Sum what may pay the period without the engine's help: all documents of these lives are
        of subscriptions, so all that is open counts but what is kept or on its way back.
        """
        # In the environment of the scheduled action: it may not have written all of it yet.
        lines = period.env["account.move.line"].search([
            ("partner_id", "=", period.subscription_id.commercial_partner_id.id),
            ("company_id", "=", period.company_id.id),
            ("currency_id", "=", period.currency_id.id), ("parent_state", "=", "posted"),
            ("account_type", "=", "asset_receivable"), ("reconciled", "=", False),
            ("amount_residual", "<", 0)])
        return [line for line in lines if line.move_id.id not in cls.kept]

    def at(self, day):
        self.env.cr.precommit.data.pop("sequence.mixin", None)
        self.clock.move_to(datetime.combine(day, time(12)))
        return nullcontext()

    def tick(self, day):
        """Do what the scheduled actions do on a day."""
        self.run_due(day)
        self.charge(day)
        with self.enter_registry_test_mode():
            for name in ("past_due", "dun"):
                self.env.ref(f"subscription_billing.ir_cron_{name}").method_direct_trigger()
        self.charge(day)

    def go_to(self, day):
        subscriptions = self.env["subscription.subscription"].concat(*self.subscriptions)
        while due := [each.next_date for each in subscriptions
                      if each.state in each._BILLED_STATES and each.next_date <= day]:
            self.day = max(min(due), self.day)
            self.tick(self.day)
        self.day = max(self.day, day)
        self.tick(self.day)

    def analyze(self):
        """Let PostgreSQL know what this one transaction has written: Odoo's question of the
        payments of an invoice takes minutes otherwise."""
        self.env.flush_all()
        self.env.cr.execute(
            "ANALYZE account_move, account_move_line, account_partial_reconcile, account_payment")

    def begin(self):
        """:return: the three subscriptions of ``self.customer``"""
        cards = self.make_token(partner=self.customer), None, None
        subscriptions = self.env["subscription.subscription"]
        for company, card in zip((self.company, self.company, self.other), cards, strict=True):
            price = self.prices[company][0]
            subscriptions += self.draft(
                price.plan_id, FIRST, price, partner_id=self.customer.id, company_id=company.id,
                token_id=card and card.id)
            subscriptions[-1]._start()
        return subscriptions

    def live(self, world):
        """What all of them do, day by day."""
        end = FIRST + relativedelta(months=MONTHS)
        self.day = FIRST
        self.at(FIRST)
        self.subscriptions, self.plan = [], []
        for who, life in enumerate(world):
            self.customer, day = self.customers[who], FIRST
            self.subscriptions.append(self.begin())
            for wait, number, operation in life:
                day += timedelta(days=wait)
                self.plan.append((day, who, number, *operation))
        self.plan.sort(key=lambda step: step[:3])
        while self.plan and self.plan[0][0] < end:
            self.go_to(self.plan[0][0])
            self.analyze()
            touched = []
            while self.plan and self.plan[0][0] == self.day:
                _day, who, number, name, *values = self.plan.pop(0)
                self.customer = self.customers[who]
                self.do(name, self.subscriptions[who][number], *values)
                touched.append(who)
            self.charge(self.day)
            self.assertSaid(touched)
        self.go_to(end)
        self.assertSaid(range(len(world)))

    def do(self, name, subscription, *values):
        """Take one step, if it can be taken."""
        try:
            with self.env.cr.savepoint():
                getattr(self, f"do_{name}")(subscription, *values)
        except UserError:
            self.seen[f"{name} refused"] += 1
        else:
            self.seen[name] += 1

    def do_change(self, subscription, number, quantity):
        prices = self.prices[subscription.company_id]
        subscription._change(prices[number % len(prices)], quantity)

    def do_pause(self, subscription, days):
        subscription._pause()
        who = self.customers.index(self.customer)
        number = self.subscriptions[who].ids.index(subscription.id)
        insort(self.plan, (self.day + timedelta(days=days), who, number, "resume"),
               key=lambda step: step[:3])

    def do_resume(self, subscription):
        subscription._resume()

    def invoice(self, subscription):
        invoices = subscription.period_ids.invoice_id.filtered(
            lambda move: move.payment_state in ("not_paid", "partial")
            and not move._is_being_paid())
        if not invoices:
            raise Impossible("Nothing is due.")
        return invoices.sorted("id")[0]

    def do_overpay(self, subscription, cents):
        invoice = self.invoice(subscription)
        self.overpay(invoice, invoice.amount_residual + cents / 100)

    def do_pay(self, subscription, percent):
        invoice = self.invoice(subscription)
        self.overpay(invoice, invoice.currency_id.round(invoice.amount_residual * percent / 100))

    def do_card(self, subscription, state):
        if subscription.company_id == self.company:  # the other one has no provider
            subscription.token_id = state and self.make_token(state, self.customer)

    def do_answer(self, subscription, state):
        """Let the bank answer about a debit that was under way."""
        payment = subscription.period_ids.invoice_id.transaction_ids.filtered(
            lambda each: each.state == "pending")[:1]
        if not payment:
            raise Impossible("No payment is under way.")
        if state == "done":
            payment._set_done()
            payment._post_process()
        else:
            payment._set_error("Refused")

    def do_gesture(self, subscription, cents):
        """Credit a part of a period, by hand."""
        period = subscription.period_ids.filtered(
            lambda each: each.state == "paid" and each.amount - each.credited > 1)[:1]
        if not period:
            raise Impossible("Nothing is paid.")
        note = period.invoice_id._reverse_moves([{"invoice_date": self.day, "date": self.day}])
        line = note.invoice_line_ids.filtered("subscription_period_id")[:1]
        (note.invoice_line_ids - line).unlink()
        line.write({"quantity": 1, "price_unit": min(cents / 100, period.amount - period.credited)})
        note.action_post()

    def do_keep(self, subscription):
        lines = subscription._outstanding_credit_lines()[:1]
        if not lines:
            raise Impossible("Nothing is open.")
        lines.outstanding_credit_use = "kept"
        self.kept.add(lines.move_id.id)

    def do_give_back(self, subscription):
        lines = subscription._outstanding_credit_lines()[:1]
        if not lines:
            raise Impossible("Nothing is open.")
        lines.action_refund_by_transfer()

    def assertSaid(self, whose):
        """Check that each page says the amount that the books have open, of its company."""
        for subscription in self.env["subscription.subscription"].concat(
                *(self.subscriptions[who] for who in set(whose))):
            period = subscription.period_ids[:1]
            open_now = sum(-line.amount_residual_currency for line in self.open_in_favour(period))
            said = subscription._outstanding_credits()[subscription]
            self.assertAlmostEqual(said, open_now, 2)
            sentence = subscription._outstanding_credit_sentence()
            self.assertEqual(bool(sentence), open_now > 0.001)
            if sentence:
                self.assertIn(subscription.currency_id.format(open_now), sentence)

    def assertLedger(self, customer):
        """Check that what is open, due less in favour, is the balance of the account."""
        for company in (self.company, self.other):
            lines = self.env["account.move.line"].search([
                ("partner_id", "=", customer.id), ("company_id", "=", company.id),
                ("parent_state", "=", "posted"), ("account_type", "=", "asset_receivable")])
            self.assertAlmostEqual(
                sum(lines.mapped("balance")), sum(lines.mapped("amount_residual")), 2)
            self.assertEqual(lines.currency_id, company.currency_id)
            for transaction in self.env["payment.transaction"].search([
                    ("partner_id", "=", customer.id), ("company_id", "=", company.id)]):
                self.assertEqual(transaction.invoice_ids.company_id, company)

    def play(self, numbers):
        type(self).kept, type(self).unused = set(), []
        with closing(self.env.cr.savepoint()), mute_logger(*LOGGERS):
            self.live(list(map(random_life, numbers)))
            for customer in self.customers:
                self.assertLedger(customer)
            self.assertFalse(self.unused, "charged or reminded while this lay open")

    def test_random_lives(self):
        type(self).seen = Counter()
        for first in range(0, LIVES, TOGETHER):
            self.play(range(first, min(first + TOGETHER, LIVES)))
        _logger.info("%s lives: %s", LIVES, dict(self.seen))
        for name in ("charge", "change", "overpay", "gesture"):
            self.assertGreaterEqual(self.seen[name], LIVES, f"too little was played: {name}")
