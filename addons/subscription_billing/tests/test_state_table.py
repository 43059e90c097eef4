"""Every state × every action × every pending thing: it works, or is refused with a sentence.

The table is printed in the log. What must hold after each action that works: rows tile time, no
more is credited than was billed, the page has its sentence, and the scheduled actions go on to the
next day, and over the end date when there is one, without holding anything.
"""

import logging
import os
import re
from collections import defaultdict
from contextlib import closing
from datetime import date, timedelta
from zlib import crc32

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_states import ACTIONS, NONE, StatesCommon

_logger = logging.getLogger(__name__)

# All 1,500 cells take minutes: STATE_TABLE=whole walks them, the default run those of every sixth
# action where something is pending.
WHOLE = os.environ.get("STATE_TABLE") == "whole"

FIRST, BEFORE, DAY = date(2027, 3, 1), date(2027, 3, 10), date(2027, 3, 20)
LATER = date(2027, 4, 10)
WORKS, REFUSED = "works", "refused"

STATES = (
    "draft", "upcoming", "trial", "active", "past_due", "suspended", "paused", "ended")
PENDING = (
    "nothing", "end_date", "last_day", "planned_change", "announced_price", "resume_date", "hold",
    "unpaid", "under_way", "late_run")


@tagged("post_install", "-at_install")
class TestStateTable(StatesCommon):

    # States with something pending ----------------------------------------------------------------

    def make(self, state, pending):
        """Make a subscription that is underway on DAY; none when there is no such thing."""
        if pending == "resume_date" and state != "paused" or pending in (
                "unpaid", "under_way") and state in ("draft", "upcoming", "trial") or (
                pending in ("late_run", "hold", "last_day") and state in (
                    "draft", "ended")) or pending == "late_run" and state == "suspended":
            return None
        day = FIRST
        if state in ("draft", "upcoming"):
            day = LATER if pending != "late_run" else DAY
        token = self.make_token()
        with self.at(BEFORE if state == "upcoming" else day):
            plan = self.tried if state == "trial" else self.starter
            subscription = self.draft(plan, day, token_id=token.id)
            if state != "draft":
                subscription.action_start()
                for period in subscription.period_ids.filtered("charge_at"):
                    period.charge_at = False
        if not self.prepare(subscription, state, pending):
            return None
        return subscription

    def prepare(self, subscription, state, pending):
        invoice = self.invoices(subscription)
        unpaid = state in ("past_due", "suspended") or pending in ("unpaid", "under_way")
        if invoice and not unpaid:
            with self.at(FIRST):
                self.pay(invoice)
        with self.at(BEFORE):
            if not self.pend(subscription, state, pending):
                return False
            self.go_to(subscription, state, pending)
        if pending == "under_way":
            period = subscription.period_ids.filtered("invoice_id")[:1]
            period._create_transaction()._set_pending()
        if pending == "hold":
            subscription._hold("An address is missing.")
        return True

    def pend(self, subscription, state, pending):
        """Agree on what is pending before the state is reached."""
        changes = ("trial", "active", "past_due", "suspended")
        if pending == "end_date" and state in ("draft", "upcoming"):
            subscription.end_date = date(2027, 6, 1)
        elif pending == "end_date" and state != "ended":
            subscription._cancel()
        elif pending == "last_day" and state != "upcoming":
            subscription.end_date = DAY + timedelta(days=1)
        elif pending == "planned_change":
            if state not in changes:
                return False
            subscription._change(
                self.yearly.price_ids, timing="period_end")
        elif pending == "announced_price":
            subscription.price_id._announce(120.0, LATER + timedelta(days=5))
            self.env["subscription.notice"]._cron_notify()
        elif pending == "last_day":
            return False
        return True

    def go_to(self, subscription, state, pending):
        if state in ("past_due", "suspended"):
            subscription.period_ids._start_dunning()
            subscription._mark_past_due()
        if state == "suspended":
            subscription._suspend()
        elif state == "paused":
            subscription._pause(resume_date={
                "resume_date": LATER, "late_run": LATER - timedelta(days=5)}.get(pending, False))
        elif state == "ended":
            subscription._cancel(now=True)

    # The table ------------------------------------------------------------------------------------

    def outcome(self, subscription, state, pending, action):
        """Return (WORKS, REFUSED or NONE, the sentence of a refusal)."""
        cell = f"{state} × {action} × {pending}"
        # The run was down: what is due today was due for some days.
        day = LATER if pending == "late_run" and state not in ("draft", "upcoming") else DAY
        with self.at(day):
            try:
                with self.env.cr.savepoint():
                    if self.act(subscription, action) == NONE:
                        return NONE, ""
                    self.env.flush_all()
            except UserError as refused:
                return REFUSED, str(refused)
            except Exception as error:
                self.broken.append(f"{cell}: {type(error).__name__}: {error}")
                return "BROKEN", ""
            if not subscription.exists():
                return WORKS, ""
        try:
            self.check_life(subscription, cell, day)
        except Exception as error:
            self.broken.append(f"{cell}, then: {type(error).__name__}: {error}"[:600])
            return "BROKEN", ""
        return WORKS, ""

    def check_life(self, subscription, cell, day):
        """Check what comes after the action, once for each situation that actions lead to."""
        with self.at(day):
            self.assertSound(subscription, cell)
        situation = self.situation(subscription)
        if situation in self.lived:
            return
        self.lived.add(situation)
        days = [day + timedelta(days=1), date(2027, 4, 15)]
        if subscription.end_date:
            days.append(max(subscription.end_date, date(2027, 4, 16)))
        for following in days:
            self.run_everything(following)
            with self.at(following):
                self.assertSound(subscription, f"{cell}, on {following}")
                self.assertNothingLeft(subscription, f"{cell}, on {following}")

    def situation(self, subscription):
        """Return all that decides what happens to a subscription next."""
        subscription.flush_recordset()
        names = ("state", "plan_id", "quantity", "unit_price", "anchor_date", "next_date",
                 "end_date", "resume_date", "commitment_end", "is_held", "next_run_at")
        own = tuple(subscription[name] for name in names)
        token = subscription.token_id.active
        periods = tuple(
            (period.kind, period.state, period.date_start, period.date_end, period.amount,
             period.credited, period.amount_residual, period.dunning_start, period.charge_at,
             tuple(period.transaction_ids.mapped("state")))
            for period in subscription.period_ids)
        ahead = tuple(subscription._planned_change().mapped("price_id.id"))
        return own, token, periods, ahead

    def actions(self, state, pending):
        """Choose the actions tried on a cell: all with nothing pending, else every sixth."""
        if WHOLE or pending == "nothing":
            return ACTIONS
        return [action for action in ACTIONS
                if crc32(f"{state} {action} {pending}".encode()) % 6 == 0]

    def test_table(self):
        """Walk it; no cell ends in an error that is not a sentence."""
        self.broken, self.lived, table, sentences = [], set(), {}, defaultdict(set)
        for pending in PENDING:
            for state in STATES:
                with closing(self.env.cr.savepoint()):
                    subscription = self.make(state, pending)
                    self.env.flush_all()
                    for action in self.actions(state, pending) if subscription else ():
                        with closing(self.env.cr.savepoint()), mute_logger(
                                "odoo.addons.concurrency_base.tools.isolation",
                                "odoo.sql_db"):
                            became, why = self.outcome(subscription, state, pending, action)
                        table[pending, action, state] = became
                        if why:
                            sentences[self.general(why, subscription)].add(
                                f"{action} ({state})")
        self.print_table(table, sentences)
        self.assertFalse(self.broken, "\n".join(self.broken))
        for sentence in sentences:
            self.assertNotRegex(sentence, r"(?i)constraint|relation \"|psycopg|traceback|violates")
        self.assertGreater(list(table.values()).count(WORKS), 200, "too little was tried")

    def general(self, sentence, subscription):
        """Return the sentence without what differs from one subscription to another."""
        sentence = sentence.replace(subscription.name, "SUB")
        return re.sub(r"[A-Z]+/\d+/\d+", "INVOICE", re.sub(r"\d\d/\d\d/\d{4}", "DATE", sentence))

    def print_table(self, table, sentences):
        lines = []
        for pending in PENDING:
            lines.append(f"{pending:<20}" + "".join(f"{state:>11}" for state in STATES))
            lines += [f"  {action:<18}" + "".join(
                f"{table.get((pending, action, state), ''):>11}" for state in STATES)
                for action in ACTIONS]
        lines.append("Refusals:")
        lines += [f"  {sentence}  [{', '.join(sorted(cells))}]"
                  for sentence, cells in sorted(sentences.items())]
        _logger.info("States, actions and what is pending:\n%s", "\n".join(lines))
