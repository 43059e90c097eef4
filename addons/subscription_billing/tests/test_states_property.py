"""Random lives of 18 months: whatever is done on whatever day, dates and states agree after it.

Not part of the default run: --test-tags states_property plays them.
"""

import os
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from html import escape
from random import Random

from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common_states import ACTIONS, NONE, StatesCommon

# The same lives at each run; STATES_SEED=<number> looks at others, STATES_LIVES=1000 at more.
SEED = int(os.environ.get("STATES_SEED", "18"))
LIVES = int(os.environ.get("STATES_LIVES", "3"))
FIRST, LAST = date(2027, 1, 1), date(2028, 7, 1)
# What customers do often, beside what may happen to any subscription once.
OFTEN = ("pay", "pay", "pay", "pay", "cancel", "keep", "keep", "pause", "resume", "upgrade",
         "downgrade", "release")


@tagged("post_install", "-at_install", "-standard", "states_property")
class TestStatesProperty(HttpCase, StatesCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = cls.make_portal("anybody")
        cls.customer = cls.owner.partner_id
        cls.plans = cls.starter + cls.pro + cls.tried + cls.yearly
        cls.plans.is_published = True

    def live(self, number):
        self.random = Random(f"{SEED} {number}")
        self.day, self.told = FIRST, f"seed {SEED}, life {number}"
        subscription = self.begin()
        while self.day < LAST:
            self.day += timedelta(days=self.random.choice((0, 1, 1, 3, 7, 14, 30)))
            if subscription.state == "ended":
                self.check(subscription)
                subscription = self.begin()
            if self.random.random() < 0.8:  # else the scheduled actions are down for a while
                self.run_everything(self.day)
                with self.at(self.day):
                    self.assertNothingLeft(subscription, self.told)
            self.do(subscription, self.random.choice(ACTIONS + OFTEN))
            self.check(subscription)
        self.show(subscription)

    def begin(self):
        """Make a subscription to a random plan that starts today, or has started, or will."""
        start = self.day + timedelta(days=self.random.choice((0, 0, 0, 10, 40, -20)))
        with self.at(self.day):
            subscription = self.draft(
                self.random.choice(self.plans), start, quantity=self.random.randint(1, 3),
                partner_id=self.customer.id,
                token_id=self.random.choice((False, self.make_token().id)))
            subscription.action_start()
        self.log = [f"{self.day}: starts {start}, {subscription.plan_id.name}"]
        return subscription

    def do(self, subscription, action):
        if action in ("delete", "start"):
            return
        with self.at(self.day):
            try:
                with self.env.cr.savepoint():
                    done = self.act(subscription, action) != NONE
                    self.env.flush_all()
            except UserError as refused:
                self.assertNotRegex(str(refused), r"(?i)constraint|relation \"|violates")
                done = False
        self.played[action, done] += 1
        if done:
            self.log.append(f"{self.day}: {action} → {subscription.state}")

    def check(self, subscription):
        cell = f"{self.told}\n" + "\n".join(self.log)
        with self.at(self.day):
            self.assertSound(subscription, cell)
            if self.random.random() < 0.1:
                self.show(subscription)
        if subscription.state == "upcoming":
            self.assertFalse(subscription.period_ids, cell)
        events = subscription.event_ids.sorted("id")
        for event, following in zip(events, events[1:], strict=False):
            self.assertEqual(event.to_state, following.from_state, cell)

    def show(self, subscription):
        """Check that the customer's page has its sentence."""
        self.env.flush_all()
        with self.at(self.day):
            self.authenticate("anybody", "anybody")  # a session does not live as long as this
            page = self.url_open(f"/my/subscriptions/{subscription.id}")
            sentence = subscription._state_sentence()
        self.assertEqual(page.status_code, 200)
        self.assertIn(escape(sentence, quote=False), page.text)

    def test_any_actions_on_any_days(self):
        self.played = Counter()
        for number in range(LIVES):
            with closing(self.env.cr.savepoint()), mute_logger(
                    "odoo.addons.concurrency_base.tools.isolation", "odoo.sql_db"):
                self.live(number)
        for done in (True, False):
            self.assertGreater(
                len([action for action, was in self.played if was == done]), 10,
                "too little was played")
