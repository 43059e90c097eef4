"""« Suspension automatique »: an unpaid invoice turns the quotas off, its payment on again."""

from datetime import timedelta

from odoo.tests import tagged

from odoo.addons.subscription_billing.exceptions import WrongState
from odoo.addons.subscription_billing.tests.common_dunning import REFUSED, DunningCommon


@tagged("post_install", "-at_install")
class TestQuotaSuspend(DunningCommon):

    def setUp(self):
        super().setUp()
        metric = self.env["quota.metric"].create({"name": "Scans", "code": "scans"})
        self.subscription.plan_id.quota_limit_ids = [
            (0, 0, {"metric_id": metric.id, "limit_value": 100})]

    def scan(self, day):
        """Tell whether a scan was allowed on a day."""
        with self.at(day):
            try:
                return bool(self.subscription._quota_consume("scans"))
            except WrongState:
                return False

    def suspend(self):
        """Suspend for an unpaid period; return it and the day.

        :return: the unpaid period, the day of the suspension
        """
        period = self.refuse()
        self.assertEqual(self.subscription.state, "past_due")
        self.assertTrue(self.scan(REFUSED))
        step = period._dunning_steps().filtered(lambda each: each.outcome == "suspend")[:1]
        day = REFUSED + timedelta(days=step.days)
        self.dun(day)
        self.assertEqual(self.subscription.state, "suspended")
        return period, day

    def test_refused_suspended_paid(self):
        """Past due still scans; suspended does not; paid does, with what was used still used."""
        self.assertTrue(self.scan(REFUSED - timedelta(days=1)))
        period, day = self.suspend()
        self.assertFalse(self.scan(day))
        with self.at(day):
            self.pay(period.invoice_id)
        self.assertEqual(self.subscription.state, "active")
        self.assertTrue(self.scan(day))
        self.assertEqual(sum(self.subscription.quota_counter_ids.mapped("used")), 3)

    def late(self, period):
        """Make an attempt whose answer is still to come."""
        attempt = period._create_transaction()
        attempt._set_pending()
        return attempt

    def test_failure_told_after_payment(self):
        """« A "payment failed" arriving after a later "paid" does not suspend. »"""
        period, day = self.suspend()
        attempt = self.late(period)
        mails = len(self.subjects())
        with self.at(day):
            self.pay(period.invoice_id)
            paid = len(self.subjects())
            self.assertGreater(paid, mails)
            attempt._set_error("Late refusal")
        self.assertEqual((attempt.state, self.subscription.state), ("error", "active"))
        self.assertEqual(len(self.subjects()), paid)  # nor is the customer told of a failure
        self.assertTrue(self.scan(day))

    def test_failure_told_before_the_payment_is_posted(self):
        """The provider says paid, then that an older attempt failed, before Odoo posts it."""
        period, day = self.suspend()
        attempt, payment = self.late(period), self.late(period)
        with self.at(day):
            payment._set_done()
            attempt._set_error("Late refusal")
            payment._post_process()
        self.assertEqual(self.subscription.state, "active")
        self.assertTrue(self.scan(day))
        kinds = self.events(self.subscription)
        self.assertEqual(kinds[kinds.index("suspend"):].count("payment_failed"), 0)
