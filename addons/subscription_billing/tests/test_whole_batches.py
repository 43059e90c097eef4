"""What a scheduled action has no time for, or loses to a conflict, is done in the same hour."""

from datetime import date, timedelta

from psycopg2.errors import SerializationFailure

from odoo.tests import tagged

from .common_dunning import REFUSED, DunningCommon


@tagged("post_install", "-at_install")
class TestWholeBatches(DunningCommon):

    def run_once(self, name, day):
        """Tell whether the scheduled action asked to be run again at once."""
        cron = self.env.ref(f"subscription_billing.{name}")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        with self.at(day), self.enter_registry_test_mode():
            cron.method_direct_trigger()
        return bool(self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]) - triggers)

    def no_time(self):
        """End the worker's time after the first batch."""
        model = self.registry["ir.cron"]
        commit = model._commit_progress

        def short(cron, *args, **kwargs):
            commit(cron, *args, **kwargs)
            return 0

        self.patch(model, "_commit_progress", short)

    def conflict(self, model, method):
        def fail(records, *args, **kwargs):
            raise SerializationFailure("somebody else was faster")

        self.patch(self.registry[model], method, fail)

    def test_dunning(self):
        day = REFUSED + timedelta(days=3)
        self.refuse()
        self.assertFalse(self.run_once("ir_cron_dun", REFUSED))
        self.no_time()
        self.assertTrue(self.run_once("ir_cron_dun", day))

    def test_dunning_in_a_conflict(self):
        self.refuse()
        self.conflict("subscription.period", "_do_dunning_steps")
        self.assertTrue(self.run_once("ir_cron_dun", REFUSED + timedelta(days=3)))

    def unpaid(self):
        """Two more subscriptions, whose invoices fall due on the 9th of February."""
        return [self.subscribe(self.starter, date(2027, 1, 10), partner_id=self.make_customer(
            name).id) for name in ("Alix", "Lou")]

    def test_past_due(self):
        """What a first run has no time for is chased the same day."""
        both = self.unpaid()
        self.assertFalse(self.run_once("ir_cron_past_due", date(2027, 2, 9)))
        model = self.registry["subscription.period"]
        past_due = model._cron_past_due
        self.patch(model, "_cron_past_due", lambda period: past_due(period, limit=1))
        self.no_time()
        self.assertTrue(self.run_once("ir_cron_past_due", date(2027, 2, 10)))
        self.assertEqual([each.state for each in both], ["past_due", "active"])
        self.run_once("ir_cron_past_due", date(2027, 2, 10))
        self.assertEqual([each.state for each in both], ["past_due", "past_due"])

    def test_past_due_in_a_conflict(self):
        self.unpaid()
        self.conflict("subscription.period", "_become_past_due")
        self.assertTrue(self.run_once("ir_cron_past_due", date(2027, 2, 10)))

    def test_one_that_cannot_become_past_due(self):
        """The others of its batch do; staff are told once, and the action goes on next day."""
        poisoned, other = self.unpaid()
        model = self.registry["subscription.period"]
        start = model._start_dunning

        def fail(periods, *args):
            if poisoned in periods.subscription_id:
                raise ValueError("poison")
            start(periods, *args)

        self.patch(model, "_start_dunning", fail)
        for _day in range(2):
            self.run_once("ir_cron_past_due", date(2027, 2, 10))
        self.assertEqual((poisoned.state, other.state), ("active", "past_due"))
        self.assertEqual(len(poisoned.activity_ids), 1)

    def test_notices(self):
        self.assertFalse(self.run_once("ir_cron_notices", date(2027, 1, 12)))
        self.no_time()
        self.assertTrue(self.run_once("ir_cron_notices", date(2027, 2, 5)))
        self.assertEqual(self.count(f"Your subscription {self.subscription.name} renews soon"), 1)

    def test_notices_in_a_conflict(self):
        self.conflict("subscription.notice", "_create_due")
        self.assertTrue(self.run_once("ir_cron_notices", date(2027, 2, 5)))

    def test_renewals(self):
        """They tell Odoo how many are left, and it runs them on."""
        for _each in range(3):
            self.subscribe(self.starter, date(2027, 1, 10))
        model = self.registry["subscription.run"]
        renew = model._cron_renew
        self.patch(model, "_cron_renew", lambda run: renew(run, limit=1))
        self.no_time()
        self.run_due(date(2027, 2, 10))
        self.assertFalse(self.env["subscription.subscription"].search_count(
            [("next_date", "<=", date(2027, 2, 10)), ("state", "=", "active")]))
