"""What is counted, against which limit, and from when (spec saas-plan §8)."""

import random
from datetime import date, datetime, timedelta

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.subscription_billing.exceptions import WrongState
from odoo.addons.subscription_billing.tools import civil

from ..exceptions import QuotaReached
from .common_quota import QuotaCommon

START = date(2027, 1, 31)
DURING = datetime(2027, 2, 10, 12)


@tagged("post_install", "-at_install")
class TestQuotaEngine(QuotaCommon):

    def test_hard_limit(self):
        """« Limiter le nombre de scans » : the hundredth passes, the next does not."""
        subscription = self.active(self.starter, START)
        with self.at(DURING):
            self.assertEqual(subscription._quota_consume("scans", 99), {
                "metric": "scans", "used": 99, "limit": 100, "left": 1,
                "resets_on": "2027-02-28", "mode": "hard", "overage": 0})
            self.assertTrue(subscription._quota_check("scans"))
            self.assertFalse(subscription._quota_check("scans", 2))
            with self.assertRaisesRegex(QuotaReached, "Scans: the limit of 100 is reached"):
                subscription._quota_consume("scans", 2)
            self.assertEqual(self.used(subscription), 99)
            subscription._quota_consume("scans")
            with self.assertRaises(QuotaReached):
                subscription._quota_consume("scans")
            self.assertEqual(self.used(subscription), 100)
            self.assertEqual(subscription.quota_counter_ids.limit_value, 100)

    def test_same_key_counts_once(self):
        subscription = self.active(self.starter, START)
        with self.at(DURING):
            first = subscription._quota_consume("scans", 5, key="job 7")
            self.assertEqual(subscription._quota_consume("scans", 5, key="job 7"), first)
            self.assertEqual(self.used(subscription), 5)
            with self.assertRaises(UserError):
                subscription._quota_consume("scans", 6, key="job 7")
        with self.at(DURING + timedelta(days=40)):  # kept for good
            self.assertEqual(subscription._quota_consume("scans", 5, key="job 7"), first)
            self.assertEqual(self.used(subscription), 0)

    def test_history_is_the_sum(self):
        """Totals a day and movements agree with the counter; days are the customer's."""
        subscription = self.active(self.starter, START)
        for moment in ("2027-02-10 22:30:00", "2027-02-10 23:30:00"):  # midnight is between
            with self.at(datetime.fromisoformat(moment)):
                subscription._quota_consume("scans", 2)
                subscription._quota_consume("accounts")
                subscription._quota_release("accounts")
        days = self.env["quota.usage.day"].search(
            [("subscription_id", "=", subscription.id)]).sorted(
                lambda total: (total.day, total.metric_id.id))
        self.assertEqual(days.mapped(lambda total: (
            total.day.day, total.metric_id.code, total.consumed, total.released)), [
                (10, "scans", 2, 0), (10, "accounts", 1, 1),
                (11, "scans", 2, 0), (11, "accounts", 1, 1)])
        usage = self.env["quota.usage"].search([("subscription_id", "=", subscription.id)])
        self.assertEqual(sum(usage.mapped("quantity")), 4)
        with self.refused_by_database():
            self.env.cr.execute("UPDATE quota_usage SET quantity = 0")

    def test_calendar_as_in_python(self):
        """The database and the civil calendar name the same periods, a thousand at random."""
        chance = random.Random(8)
        for _case in range(1000):
            anchor = date(2024, 1, 1) + timedelta(days=chance.randrange(1500))
            day = anchor + timedelta(days=chance.randrange(2500))
            unit, count = chance.choice(civil.UNITS), chance.randrange(1, 5)
            self.env.cr.execute(
                "SELECT starts, ends FROM quota_period(%s, %s, %s, %s)",
                (anchor, unit, count, day))
            self.assertEqual(
                self.env.cr.fetchone(), civil.period_of(anchor, unit, count, day),
                (anchor, unit, count, day))

    def test_calendar_before_the_anchor(self):
        """A trial is counted in periods that end with it."""
        for day, expected in (("2027-03-30", ("2027-02-28", "2027-03-31")),
                              ("2027-02-27", ("2027-01-31", "2027-02-28"))):
            self.env.cr.execute(
                "SELECT starts::text, ends::text FROM quota_period('2027-03-31', 'month', 1, %s)",
                (day,))
            self.assertEqual(self.env.cr.fetchone(), expected)

    def test_reset_at_the_second(self):
        """The last second where the customer lives, and the first: one period each, once."""
        subscription = self.active(self.starter, START)
        with self.at(datetime(2027, 2, 27, 22, 59, 59)):
            self.assertEqual(subscription._quota_consume("scans", 100)["left"], 0)
        with self.at(datetime(2027, 2, 27, 23, 0, 0)):
            self.assertEqual(subscription._quota_consume("scans", 1)["used"], 1)
        with self.at(datetime(2027, 2, 27, 22, 59, 59)):  # a clock a little behind
            with self.assertRaises(QuotaReached):
                subscription._quota_consume("scans", 1)
        self.assertEqual(
            subscription.quota_counter_ids.sorted("period_start").mapped(
                lambda row: (str(row.period_start), str(row.period_end), row.used)),
            [("2027-01-31", "2027-02-28", 100), ("2027-02-28", "2027-03-31", 1)])

    def test_month_of_a_year(self):
        """A plan billed by the year may start its quotas anew each month."""
        yearly = self.make_plan("Yearly", 1000.0, unit="year", quota_interval="month")
        self.limit(yearly, self.scans, 10)
        subscription = self.active(yearly, START)
        with self.at(DURING):
            self.assertEqual(
                subscription._quota_consume("scans", 9)["resets_on"], "2027-02-28")
            yearly.quota_interval = "billing"
            self.assertEqual(subscription._quota_consume("scans")["resets_on"], "2028-01-31")

    def test_held(self):
        subscription = self.active(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("accounts", 3)
            with self.assertRaises(QuotaReached):
                subscription._quota_consume("accounts")
            self.assertEqual(subscription._quota_release("accounts", 2)["used"], 1)
            with self.assertRaisesRegex(UserError, "2 of “accounts” cannot be given back"):
                subscription._quota_release("accounts", 2)
            subscription._quota_consume("scans", 5)
            with self.assertRaises(UserError):
                subscription._quota_release("scans")
        with self.at(DURING + timedelta(days=60)):  # no reset
            self.assertEqual(self.used(subscription, "accounts"), 1)

    def test_feature(self):
        subscription = self.active(self.starter, START)
        with self.at(DURING):
            self.assertFalse(subscription._quota_check("api_access"))
            with self.assertRaises(UserError):
                subscription._quota_consume("api_access")
            subscription.write({"plan_id": self.pro.id, "price_id": self.pro.price_ids.id})
            self.assertTrue(subscription._quota_check("api_access"))
            self.assertFalse(subscription._quota_check("unknown"))

    def test_not_in_the_plan(self):
        """What the plan does not name is refused; a metric nobody knows is said to be unknown."""
        subscription = self.active(self.make_plan("Bare"), START)
        with self.at(DURING):
            with self.assertRaises(QuotaReached):
                subscription._quota_consume("scans")
            with self.assertRaisesRegex(UserError, "no metric named “nothing”"):
                subscription._quota_consume("nothing")
            self.assertEqual(subscription._quota_state(), [])

    def test_units_of_the_plan(self):
        """Five seats have five times the limit, unless the limit says otherwise."""
        subscription = self.active(self.starter, START, quantity=5)
        with self.at(DURING):
            self.assertEqual(subscription._quota_consume("scans", 500)["left"], 0)
            self.limit(self.starter, self.accounts, 3, per_unit=False)
            self.assertEqual(subscription._quota_consume("accounts", 3)["left"], 0)

    def test_unlimited_soft_and_warn(self):
        subscription = self.active(self.starter, START)
        self.limit(self.starter, self.scans, 0, unlimited=True)
        with self.at(DURING):
            answer = subscription._quota_consume("scans", 5000)
            self.assertEqual((answer["limit"], answer["left"]), (None, None))
            self.limit(self.starter, self.scans, 5100, mode="soft", overage_price=0.5)
            self.assertEqual(subscription._quota_consume("scans", 150)["overage"], 50)
            self.assertEqual(subscription._quota_consume("scans", 10)["overage"], 60)
            self.limit(self.starter, self.scans, 5100, mode="warn")
            self.assertEqual(subscription._quota_consume("scans", 10)["overage"], 60)
        self.assertAlmostEqual(subscription.quota_counter_ids.overage_amount, 30.0)

    def test_override(self):
        """Another limit for a customer until a day, and for a subscription before that."""
        subscription = self.active(self.starter, START)
        vals = {"metric_id": self.scans.id, "reason": "Trade fair", "date_from": DURING.date()}
        own = self.env["quota.override"].with_user(self.user).create({
            **vals, "subscription_id": subscription.id, "limit_value": 250,
            "date_to": DURING.date()})
        self.assertEqual(own.user_id, self.user)
        self.env["quota.override"].create({
            **vals, "partner_id": self.customer.id, "limit_value": 120})
        for moment, limit in ((DURING - timedelta(days=1), 100), (DURING, 250),
                              (DURING + timedelta(days=1), 120)):
            with self.at(moment):
                self.assertEqual(subscription._quota_state()[0]["limit"], limit)
        with self.at(DURING + timedelta(days=1)):
            subscription._quota_consume("scans", 120)
            with self.assertRaises(QuotaReached):
                subscription._quota_consume("scans")
        with self.refused_by_database():  # two on one day
            self.env["quota.override"].create({
                **vals, "partner_id": self.customer.id, "limit_value": 1})

    def test_grant_once_and_not_at_renewal(self):
        """« A mid-period grant is not granted again at renewal », nor by the same key."""
        subscription = self.active(self.starter, START)
        with self.at(DURING):
            grant = subscription._quota_grant("scans", 50, "order line 1")
            self.assertEqual(subscription._quota_grant("scans", 50, "order line 1"), grant)
            self.assertEqual(subscription._quota_consume("scans", 150)["left"], 0)
        self.run_due(datetime(2027, 2, 28, 12))
        with self.at(datetime(2027, 2, 28, 12)):
            self.assertEqual(subscription._quota_grant("scans", 50, "order line 1"), grant)
            self.assertEqual(subscription._quota_state()[0]["limit"], 100)

    def test_grant_of_what_is_held(self):
        subscription = self.active(self.starter, START)
        with self.at(DURING):
            subscription._quota_grant("accounts", 2, "gift", until=date(2027, 4, 1))
            self.assertEqual(subscription._quota_consume("accounts", 5)["left"], 0)
        for day, left in ((date(2027, 3, 31), 5), (date(2027, 4, 1), 3)):
            with self.at(day):
                self.assertEqual(subscription._quota_rows(["accounts"])[0]["limit_value"], left)

    def test_grant_carried_over_a_new_cycle(self):
        """A change of cycle starts the period anew: what was bought and not used goes on."""
        subscription = self.active(self.starter, START)
        with self.at(DURING):
            subscription._quota_grant("scans", 50, "pack")
            subscription._quota_consume("scans", 120)
            subscription.write({"anchor_date": DURING.date()})
            self.assertEqual(subscription._quota_state()[0]["limit"], 130)
            self.assertEqual(subscription._quota_state()[0]["used"], 0)

    def test_upgrade_adds_at_once(self):
        subscription = self.subscribe(self.starter, START)
        self.pay(self.invoices(subscription))
        with self.at(DURING):
            subscription._quota_consume("scans", 100)
            subscription._change(self.pro.price_ids[0])
            self.assertEqual(subscription._quota_consume("scans", 900)["left"], 0)

    def test_downgrade_keeps_what_is_held(self):
        """« Rétrogradation »: nothing is deleted; held units stay, and may for a while be
        replaced."""
        subscription = self.subscribe(self.pro, START)
        self.pay(self.invoices(subscription))
        with self.at(DURING):
            subscription._quota_consume("accounts", 8)
            subscription._change(self.starter.price_ids[0], timing="period_end")
            self.assertEqual(subscription._quota_rows(["accounts"])[0]["limit_value"], 10)
        self.run_due(datetime(2027, 2, 28, 12))
        with self.at(datetime(2027, 2, 28, 13)):
            row = subscription._quota_rows(["accounts"])[0]
            self.assertEqual((row["limit_value"], row["used"], str(row["grace_until"])),
                             (8, 8, "2027-03-07"))
            subscription._quota_release("accounts")
            subscription._quota_consume("accounts")
            with self.assertRaises(QuotaReached):
                subscription._quota_consume("accounts")
            self.assertEqual(subscription._quota_state()[0]["limit"], 100)  # scans
        with self.at(datetime(2027, 3, 7, 13)):
            row = subscription._quota_rows(["accounts"])[0]
            self.assertEqual((row["limit_value"], row["used"]), (3, 8))
            subscription._quota_release("accounts")
            with self.assertRaises(QuotaReached):
                subscription._quota_consume("accounts")

    def test_states(self):
        """Suspended, paused and ended consume nothing; past due does; held units go back."""
        subscription = self.active(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("accounts", 2)
            subscription._quota_consume("scans")
            for state, served in (("past_due", True), ("suspended", False), ("paused", False),
                                  ("ended", False), ("trial", True), ("active", True)):
                subscription.write({"state": state})
                with self.subTest(state=state):
                    self.assertEqual(subscription._quota_check("scans"), served)
                    if not served:
                        with self.assertRaises(WrongState):
                            subscription._quota_consume("scans")
            subscription.write({"state": "suspended"})
            self.assertEqual(subscription._quota_release("accounts")["used"], 1)
            subscription.write({"state": "active", "end_date": DURING.date()})
            with self.assertRaises(WrongState):  # over, though the run has not come yet
                subscription._quota_consume("scans")

    def test_state_for_screens(self):
        subscription = self.active(self.pro, START)
        with self.at(DURING):
            subscription._quota_consume("scans", 10)
            self.assertEqual([
                (row["metric"], row["name"], row["used"], row["limit"], row["left"],
                 row["enabled"]) for row in subscription._quota_state()], [
                ("scans", "Scans", 10, 1000, 990, True),
                ("accounts", "Accounts", 0, 10, 10, True),
                ("api_access", "API access", 0, 1, 1, True)])

    def test_not_started(self):
        """Nothing is given to a draft: it has no period yet."""
        with self.assertRaises(WrongState):
            self.draft(self.starter)._quota_grant("scans", 5, "too early")

    def test_wrong_quantities(self):
        subscription = self.active(self.starter, START)
        for quantity in (0, -1, 1.5, 1_000_001):
            with self.subTest(quantity=quantity), self.assertRaises(ValidationError):
                subscription._quota_consume("scans", quantity)

    def test_metric_in_use_stays(self):
        subscription = self.active(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("scans")
        with self.assertRaises(ValidationError):
            self.scans.kind = "held"
        with self.refused_by_database():
            self.env["quota.metric"].create({"name": "Wrong", "code": "With space"})
