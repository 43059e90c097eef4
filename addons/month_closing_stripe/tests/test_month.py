from odoo.tests import TransactionCase, tagged

from odoo.addons.subscription_stripe.tests.common import StripeCommon


@tagged("post_install", "-at_install")
class TestMonth(StripeCommon, TransactionCase):
    """Stripe on the page of the month: what its statement says, and nothing kinder."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accountant.lang = "en_US"

    def section(self):
        closing = self.env["month.closing"].with_user(self.accountant)
        (found,) = closing._build(
            closing._period(self.company, "2025-03"), "stripe")["sections"]
        return found

    def check(self):
        return self.section()["checks"][0]

    def statement(self, **vals):
        statement = self.env["stripe.statement"].create({
            "provider_id": self.provider.id, "month": "2025-03-01"})
        statement.write({"fetched_at": "2025-04-02 08:00:00", **vals})
        return statement

    def test_nobody_has_compared(self):
        found = self.check()
        self.assertEqual(found["state"], "todo")
        self.assertEqual(found["action"]["context"], {
            "default_provider_id": self.provider.id, "default_month": "2025-03-01"})
        statement = self.statement(fetched_at=False)
        self.assertEqual(self.check()["action"]["res_id"], statement.id)
        self.assertEqual(self.check()["state"], "todo")

    def test_verdicts(self):
        statement = self.statement()
        self.assertEqual(self.check()["state"], "ok")
        self.assertTrue(self.section()["tables"])
        statement.fetched_at = "2025-03-20 08:00:00"
        self.assertIn("not over", self.check()["remedy"])
        self.assertEqual(self.check()["state"], "todo")
        statement.write({"fetched_at": "2025-04-02 08:00:00", "opening": 22.8})
        self.assertEqual((self.check()["state"], self.check()["amount"]), ("wrong", 22.8))
        statement.fetched_here = 5.0
        self.assertEqual(self.check()["state"], "todo")
        self.assertIn("fetch it again", self.check()["remedy"])

    def test_without_stripe(self):
        self.provider.state = "disabled"
        self.assertEqual([each["state"] for each in self.section()["checks"]], ["info"])
