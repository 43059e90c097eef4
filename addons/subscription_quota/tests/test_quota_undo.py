"""A consumption whose service then failed is taken back, once (``POST release`` with ``undo``)."""

from datetime import date, datetime, timedelta

from odoo.tests import tagged

from .. import engine
from .common_quota import QuotaCommon
from .test_quota_api import QuotaApiCommon

DURING = datetime(2027, 2, 27, 22, 30)  # half an hour before the reset, in Paris
NEXT = datetime(2027, 2, 28, 12)


@tagged("post_install", "-at_install")
class TestQuotaUndoApi(QuotaApiCommon):

    def test_taken_back_once_whatever_the_metric(self):
        items = [{"metric": "scans", "quantity": 7}, {"metric": "accounts"}, {"metric": "scans"}]
        self.call("consume", {"metric": "scans", "quantity": 2}, key="other")
        self.call("consume", {"items": items}, key="one")
        for replayed in (None, "true", "true"):
            status, answer, headers = self.call("release", {"undo": "one"})
            self.assertEqual(status, 200)
            self.assertEqual(
                {item["metric"]: item["used"] for item in answer["items"]},
                {"scans": 2, "accounts": 0})
            self.assertEqual(headers.get("Idempotent-Replayed"), replayed)
        self.assertEqual(self.used(self.subscription), 2)
        self.env.cr.execute(
            "SELECT sum(quantity), sum(abs(quantity)) FROM quota_usage"
            " WHERE subscription_id = %s", (self.subscription.id,))
        self.assertEqual(self.env.cr.fetchone(), (2, 20))
        days = self.env["quota.usage.day"].search(
            [("subscription_id", "=", self.subscription.id), ("metric_id", "=", self.scans.id)])
        self.assertEqual((days.consumed, days.released), (10, 8))

    def test_what_comes_after_its_undo_does_not_count(self):
        """The call is unanswered, and undone before the server has carried it out."""
        self.assertEqual(self.call("release", {"undo": "late"})[0], 200)
        self.assertProblem(
            self.call("consume", {"metric": "scans"}, key="late"), 422, "invalid")
        self.assertFalse(self.used(self.subscription))

    def test_suspended_customers_get_it_back_too(self):
        self.call("consume", {"metric": "scans"}, key="one")
        self.subscription.state = "suspended"
        self.env.flush_all()
        self.assertEqual(self.call("release", {"undo": "one"})[0], 200)
        self.assertEqual(self.used(self.subscription), 0)

    def test_what_cannot_be_undone(self):
        """Units given back are not taken again; another key's request is another's."""
        self.call("consume", {"metric": "accounts", "quantity": 2}, key="one")
        self.call("release", {"metric": "accounts"}, key="back")
        self.assertProblem(self.call("release", {"undo": "back"}), 422, "invalid")
        _other, token = self.make_key(name="Other", partner_id=self.customer.id)
        self.call("release", {"undo": "one"}, token=token)
        self.assertEqual(self.used(self.subscription, "accounts"), 1)
        # What was released meanwhile is not given back a second time.
        self.call("release", {"undo": "one"})
        self.assertEqual(self.used(self.subscription, "accounts"), 0)
        for body in ({"undo": ""}, {"undo": 1}, {"undo": "a "},
                     {"undo": "one", "metric": "scans"}):
            self.assertProblem(self.call("release", body), 422, "invalid")


@tagged("post_install", "-at_install")
class TestQuotaUndo(QuotaCommon):

    def setUp(self):
        super().setUp()
        self.limit(self.starter, self.scans, 100, mode="soft", overage_price=0.5)
        self.subscription = self.subscribe(self.starter, date(2027, 1, 31))
        self.key, _token = self.make_key(partner_id=self.customer.id)

    def consume(self, units, key, moment=DURING):
        self.env.flush_all()
        return engine.move(
            self.env.cr, self.subscription.id, {"scans": units}, moment, self.key.id, key)

    def undo(self, key, moment=DURING):
        result = engine.undo(self.env.cr, self.subscription.id, moment, self.key.id, key)
        self.env["quota.counter"].invalidate_model()
        return result

    def counter(self):
        return self.subscription.quota_counter_ids.sorted("period_start")[0]

    def test_units_beyond_the_limit_are_not_billed(self):
        self.consume(90, "first")
        self.consume(30, "second")
        self.consume(5, "third")
        self.undo("second")
        self.assertEqual((self.counter().used, self.counter().overage), (95, 5))
        self.assertAlmostEqual(self.counter().overage_amount, 2.5)

    def test_units_go_back_to_the_period_they_were_of(self):
        """The service began before midnight of the reset and failed after it."""
        self.consume(3, "before")
        self.consume(4, "after", NEXT)
        outcome = self.undo("before", NEXT)
        self.assertEqual(self.subscription.quota_counter_ids.sorted("period_start").mapped("used"),
                         [0, 4])
        self.assertEqual(outcome.metrics["scans"]["used"], 4)

    def test_what_is_billed_stays_billed(self):
        self.consume(120, "one")
        self.run_due(NEXT)
        self.undo("one", NEXT)
        counter = self.counter()
        self.assertEqual((counter.used, counter.overage, counter.overage_billed), (0, 20, 20))

    def test_kept_a_day(self):
        self.consume(3, "one")
        self.undo("one", DURING + timedelta(hours=25))
        self.assertEqual(self.counter().used, 3)
