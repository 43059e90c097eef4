from datetime import date

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestPoisoned(SubscriptionCommon):
    """One bad row stops no scheduled action: the others are worked on, staff are told once.

    Charges and dunning have tests of their own for it.
    """

    def setUp(self):
        super().setUp()
        self.customers = self.env["res.partner"].concat(*(
            self.make_customer(name) for name in ("First", "Second", "Third")))
        self.subscriptions = self.env["subscription.subscription"].concat(*(
            self.subscribe(self.starter, date(2027, 1, 10), partner_id=customer.id,
                           user_id=self.user.id) for customer in self.customers))
        self.poisoned = self.subscriptions[1]

    def run_cron(self, name, day):
        """The scheduled action twice, with a customer in a language that is not installed."""
        self.speak("xx_XX")
        with self.at(day), self.enter_registry_test_mode(), mute_logger(
                "odoo.addons.concurrency_base.tools.isolation"):
            for _time in range(2):
                self.env.ref(f"subscription_billing.{name}").method_direct_trigger()
        self.speak("en_US")

    def speak(self, lang):
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET lang = %s WHERE id = %s",
                            [lang, self.customers[1].id])
        self.env.invalidate_all()

    def told(self, summary):
        told = self.subscriptions.activity_ids.filtered(
            lambda activity: activity.user_id == self.user)
        return [told.mapped("summary").count(f"{summary}: {each.name}")
                for each in self.subscriptions]

    def mailed(self, subject):
        return [len(self.mails_to(customer).filtered(
            lambda mail: subject in mail.subject)) for customer in self.customers]

    def test_renewals(self):
        """A timezone that nobody knows: it is held, whatever step it makes fail."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE subscription_subscription SET tz = 'Mars/Phobos' "
                            "WHERE id = %s", [self.poisoned.id])
        self.env.invalidate_all()
        with mute_logger("odoo.addons.concurrency_base.tools.isolation", "odoo.sql_db"):
            self.run_due(date(2027, 2, 11))
            self.run_due(date(2027, 2, 12))
        self.assertEqual(self.subscriptions.mapped("is_held"), [False, True, False])
        self.assertEqual([len(each.period_ids) for each in self.subscriptions], [2, 1, 2])
        self.assertEqual(self.told("Renewal held"), [0, 1, 0])

    def test_past_due(self):
        self.run_cron("ir_cron_past_due", date(2027, 3, 20))
        self.assertEqual(
            self.subscriptions.mapped("state"), ["past_due", "active", "past_due"])
        self.assertEqual(self.mailed("Invoice unpaid"), [1, 0, 1])
        self.assertEqual(self.told("Unpaid, and not chased"), [0, 1, 0])

    def test_notices(self):
        self.starter.reminder_days = 7
        before = self.mailed("")
        self.run_cron("ir_cron_notices", date(2027, 2, 5))
        self.assertEqual(len(self.subscriptions.notice_ids), 3)
        self.assertEqual(self.told("The customer was not told in advance"), [0, 1, 0])
        self.assertEqual(
            [after - known for after, known in zip(self.mailed(""), before, strict=True)],
            [1, 0, 1])
