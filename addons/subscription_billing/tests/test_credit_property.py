"""Random lives of 18 months: what is in the customer's favour is used before anything is charged
or asked for, in each company and currency by itself, and none of it is left unsaid."""

import logging
import os
from collections import Counter
from contextlib import closing, nullcontext
from datetime import date, datetime, time, timedelta

from dateutil.relativedelta import relativedelta
from freezegun import freeze_time
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_credit_in_favour import CreditCommon

_logger = logging.getLogger(__name__)

# The same examples at each run; CREDIT_SEED=<number> looks at others, CREDIT_LIVES=1000 at more.
SEED = int(os.environ.get("CREDIT_SEED", "18"))
LIVES = int(os.environ.get("CREDIT_LIVES", "4"))
MONTHS = 18
FIRST = date(2027, 1, 1)
LOGGERS = (
    "odoo.addons.subscription_billing.models.subscription_period_charging",
    "odoo.addons.payment.models.payment_transaction")


class Impossible(UserError):
    """A step that cannot be taken in this life."""


which = st.integers(0, 2)
cents = st.integers(1, 40_000)
steps = st.tuples(st.integers(0, 45), which, st.one_of(
    st.tuples(st.just("change"), st.integers(0, 3), st.integers(1, 3)),
    st.tuples(st.just("change"), st.integers(0, 3), st.integers(1, 3)),
    st.tuples(st.just("pause"), st.integers(1, 40)),
    st.tuples(st.just("overpay"), cents),
    st.tuples(st.just("pay"), st.integers(10, 100)),
    st.tuples(st.just("card"), st.sampled_from(["done", "done", "error", "pending", None])),
    st.tuples(st.just("answer"), st.sampled_from(["done", "error"])),
    st.tuples(st.just("gesture"), cents),
    st.tuples(st.just("keep"),),
    st.tuples(st.just("give_back"),),
))
lives = st.lists(steps, min_size=12, max_size=24)


@tagged("post_install", "-at_install")
class TestCreditProperty(CreditCommon):
    """One customer: two subscriptions of a company in euros, one of a company in dollars."""

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
            ("partner_id", "=", cls.customer.id), ("company_id", "=", period.company_id.id),
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
        while due := [each.next_date for each in self.subscriptions
                      if each.state in each._BILLED_STATES and each.next_date <= day]:
            self.day = max(min(due), self.day)
            self.tick(self.day)
        self.day = max(self.day, day)
        self.tick(self.day)

    def live(self, life):
        end = FIRST + relativedelta(months=MONTHS)
        self.day = FIRST
        self.at(FIRST)
        cards = self.make_token(), None, None
        self.subscriptions = self.env["subscription.subscription"]
        for company, card in zip((self.company, self.company, self.other), cards, strict=True):
            price = self.prices[company][0]
            self.subscriptions += self.draft(
                price.plan_id, FIRST, price, company_id=company.id,
                token_id=card and card.id)
            self.subscriptions[-1]._start()
        for wait, number, (name, *values) in life:
            self.go_to(min(self.day + timedelta(days=wait), end))
            if self.day >= end:
                break
            self.do(name, self.subscriptions[number], *values)
            self.assertSaid()
        self.go_to(end)
        self.assertSaid()

    def do(self, name, subscription, *values):
        """Take one step, if it can be taken."""
        try:
            with self.env.cr.savepoint():
                getattr(self, f"do_{name}")(subscription, *values)
        except UserError:
            self.seen[f"{name} refused"] += 1
        else:
            self.seen[name] += 1
        self.charge(self.day)

    def do_change(self, subscription, number, quantity):
        prices = self.prices[subscription.company_id]
        subscription._change(prices[number % len(prices)], quantity)

    def do_pause(self, subscription, days):
        subscription._pause()
        self.go_to(self.day + timedelta(days=days))
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
            subscription.token_id = state and self.make_token(state)

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

    def assertSaid(self):
        """Check that each page says the amount that the books have open, of its company and
        currency.
        """
        for subscription in self.subscriptions:
            period = subscription.period_ids[:1]
            open_now = sum(-line.amount_residual_currency for line in self.open_in_favour(period))
            said = subscription._outstanding_credits()[subscription]
            self.assertAlmostEqual(said, open_now, 2)
            sentence = subscription._outstanding_credit_sentence()
            self.assertEqual(bool(sentence), open_now > 0.001)
            if sentence:
                self.assertIn(subscription.currency_id.format(open_now), sentence)

    def assertLedger(self):
        """Check that what is open, due less in favour, is the balance of the account."""
        for company in (self.company, self.other):
            lines = self.env["account.move.line"].search([
                ("partner_id", "=", self.customer.id), ("company_id", "=", company.id),
                ("parent_state", "=", "posted"), ("account_type", "=", "asset_receivable")])
            self.assertAlmostEqual(
                sum(lines.mapped("balance")), sum(lines.mapped("amount_residual")), 2)
            self.assertEqual(lines.currency_id, company.currency_id)
            for transaction in self.env["payment.transaction"].search([
                    ("partner_id", "=", self.customer.id), ("company_id", "=", company.id)]):
                self.assertEqual(transaction.invoice_ids.company_id, company)

    @seed(SEED)
    @settings(max_examples=LIVES, deadline=None, database=None,
              phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck))
    @given(lives)
    def play(self, life):
        type(self).kept, type(self).unused = set(), []
        with closing(self.env.cr.savepoint()), mute_logger(*LOGGERS):
            self.live(life)
            self.assertLedger()
            self.assertFalse(self.unused, "charged or reminded while this lay open")

    def test_random_lives(self):
        type(self).seen = Counter()
        self.play()
        _logger.info("%s lives: %s", LIVES, dict(self.seen))
        for name in ("charge", "change", "overpay", "gesture"):
            self.assertGreaterEqual(
                self.seen[name], LIVES // 2, f"too little was played: {name}")
