from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestPoisoned(CreditCommon):
    """One bad wallet stops no scheduled action: the others are worked on, staff are told once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.ref("base.user_admin").group_ids -= cls.env.ref(
            "credit_wallet.group_credit_manager")
        partners = cls.env["res.partner"].create([
            {"name": name, "email": f"{name}@example.com", "lang": "en_US"}
            for name in ("first", "second", "third")])
        with freeze_time("2027-01-02"):
            cls.wallets = cls.env["credit.wallet"].concat(*(
                cls.env["credit.wallet"]._of(partner, cls.company) for partner in partners))
            for wallet in cls.wallets:
                wallet._grant(5, 0.0, f"gift:{wallet.id}", kind="adjustment", reason="Test",
                              expiry_date=date(2027, 3, 31))

    def run_cron(self, name, day):
        self.env.flush_all()
        with freeze_time(f"{day} 08:00:00"), self.enter_registry_test_mode(), mute_logger(
                "odoo.addons.concurrency_base.tools.isolation", "odoo.sql_db"):
            for _time in range(2):
                self.env.ref(f"credit_wallet.{name}").method_direct_trigger()
        self.env.invalidate_all()

    def poison(self, query, *params):
        self.env.flush_all()
        self.env.cr.execute(query, params)
        self.env.invalidate_all()

    def assertToldOnce(self, poisoned):
        self.assertEqual(
            [len(wallet.activity_ids) for wallet in self.wallets],
            [int(wallet == poisoned) for wallet in self.wallets])
        self.assertTrue(
            poisoned.activity_ids.user_id.has_group("credit_wallet.group_credit_manager"))

    def test_expiry(self):
        """A balance below what the lots hold cannot be debited."""
        poisoned = self.wallets[1]
        self.poison("UPDATE credit_wallet SET balance = 0 WHERE id = %s", poisoned.id)
        self.run_cron("ir_cron_expire_credits", "2027-04-02")
        self.assertEqual(self.wallets.lot_ids.mapped("remaining"), [0, 5, 0])
        self.assertEqual(self.wallets.mapped("balance"), [0, 0, 0])
        self.assertToldOnce(poisoned)

    def test_notice(self):
        """A customer in a language that is not installed cannot be written to."""
        poisoned = self.wallets[1]
        self.poison("UPDATE res_partner SET lang = 'xx_XX' WHERE id = %s", poisoned.partner_id.id)
        self.run_cron("ir_cron_notify_expiring_credits", "2027-03-20")
        self.poison("UPDATE res_partner SET lang = 'en_US' WHERE id = %s", poisoned.partner_id.id)
        warned = self.env["mail.mail"].search([
            ("model", "=", "credit.wallet"), ("subject", "=", "Credits to use soon")])
        self.assertEqual(
            sorted(warned.mapped("res_id")), sorted((self.wallets - poisoned).ids))
        self.assertToldOnce(poisoned)
