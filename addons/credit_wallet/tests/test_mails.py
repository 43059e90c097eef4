from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestMails(CreditCommon):
    """Purchase, manual change, expiring in 30 and 7 days (once each), low balance."""

    def mails(self, subject):
        return self.env["mail.mail"].search([("subject", "ilike", subject)])

    def notify(self, day):
        with self.enter_registry_test_mode(), freeze_time(f"{day} 08:00:00"):
            self.env.ref(
                "credit_wallet.ir_cron_notify_expiring_credits").method_direct_trigger()

    def test_expiring_in_30_and_7_days_once_each(self):
        with freeze_time("2027-01-02"):
            self.give(5, expiry_date=date(2027, 3, 31))
            self.give(3, expiry_date=date(2027, 4, 2))
        counts = []
        for day in ("2027-02-28", "2027-03-01", "2027-03-02", "2027-03-03", "2027-03-03",
                    "2027-03-24", "2027-03-25", "2027-03-30"):
            self.notify(day)
            counts.append(len(self.mails("Credits to use soon")))
        self.assertEqual(counts, [0, 1, 1, 2, 2, 3, 3, 4])

    def test_what_a_run_has_no_time_for_follows_at_once(self):
        with freeze_time("2027-01-02"):
            self.give(5, expiry_date=date(2027, 3, 31))
        cron = self.env.ref("credit_wallet.ir_cron_notify_expiring_credits")
        model = self.registry["ir.cron"]
        commit = model._commit_progress
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.patch(model, "_commit_progress", lambda *args, **kwargs: commit(
            *args, **kwargs) and 0)
        self.notify("2027-03-05")
        self.assertTrue(
            self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]) - triggers)

    def test_two_lots_of_a_wallet_are_one_mail(self):
        with freeze_time("2027-01-02"):
            self.give(5, expiry_date=date(2027, 3, 31))
            self.give(3, expiry_date=date(2027, 3, 30))
        self.notify("2027-03-05")
        mail = self.mails("Credits to use soon")
        self.assertEqual(len(mail), 1)
        self.assertIn("5 credits", mail.body_html)
        self.assertIn("3 credits", mail.body_html)

    def test_credits_granted_late_or_used_up_are_not_announced(self):
        with freeze_time("2027-03-28"):
            self.give(5, expiry_date=date(2027, 3, 31))
        with freeze_time("2027-01-02"):
            self.give(1, expiry_date=date(2027, 3, 30))
            self.wallet._spend(1, "used")
        self.notify("2027-03-28")
        self.assertFalse(self.mails("Credits to use soon"))

    def test_low_balance_is_told_when_it_is_crossed(self):
        self.company.credit_low_balance = 3
        self.give(6)
        self.wallet._spend(3, "to:3")
        self.assertFalse(self.mails("Your balance"))
        self.wallet._spend(1, "to:2")
        self.wallet._spend(1, "to:1")
        self.assertEqual(len(self.mails("Your balance")), 1)

    def test_no_low_balance_mail_when_switched_off(self):
        self.company.credit_low_balance = 0
        self.give(1)
        self.wallet._spend(1, "to:0")
        self.assertFalse(self.mails("Your balance"))

    def test_mails_speak_the_customer_s_language(self):
        self.customer.lang = "fr_FR"
        with freeze_time("2027-01-02"):
            self.give(5, expiry_date=date(2027, 3, 31))
        self.notify("2027-03-25")
        mail = self.mails("Crédits à utiliser")
        self.assertIn("5 crédits", mail.body_html)
