from datetime import date, timedelta

from freezegun import freeze_time

from odoo.tests import tagged

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestReturns(CreditCommon):
    """Credits given back after they expired can be spent again, and never become income."""

    def setUp(self):
        super().setUp()
        with freeze_time("2030-01-05 12:00:00"):
            self.give(2, 20.0, date(2030, 3, 1))
            self.entry = self.wallet._spend(2, "spent", kind="adjustment", reason="Spent")

    def back(self, day="2030-04-01", spent_on=date(2030, 1, 5), key="back"):
        with freeze_time(f"{day} 12:00:00"):
            entry = self.entry._reverse(key, spent_on=spent_on, reason="Back")
            self.wallet._expire_lots()
            self.env.invalidate_all()
            return self.wallet.balance, entry.lot_move_ids.lot_id.expiry_date

    def test_the_days_that_were_left(self):
        self.assertEqual(self.back(), (2, date(2030, 4, 1) + timedelta(days=55)))
        self.assertLedgerAgrees()

    def test_thirty_days_at_least(self):
        self.assertEqual(
            self.back(spent_on=date(2030, 2, 27)), (2, date(2030, 4, 1) + timedelta(days=30)))

    def test_number_of_days(self):
        self.company.write({"credit_return_expiry": "days", "credit_return_days": 7})
        self.assertEqual(self.back(), (2, date(2030, 4, 8)))

    def test_without_expiry(self):
        self.company.credit_return_expiry = "never"
        self.assertEqual(self.back(), (2, False))

    def test_not_expired_yet(self):
        """To the very lot, with its own expiry."""
        _balance, expiry = self.back("2030-03-01")
        self.assertEqual(expiry, date(2030, 3, 1))
        self.assertEqual(len(self.wallet.lot_ids), 1)

    def test_given_back_by_choice(self):
        """As they are: expired."""
        self.assertEqual(self.back(spent_on=None)[0], 0)

    def test_told_until_when(self):
        with freeze_time("2030-04-01 12:00:00"):
            spent = self.entry.with_context(lang="en_US")
            entry = spent._reverse("back", spent_on=date(2030, 1, 5), reason="Back")
            self.assertEqual(entry._validity_label(), "2 credits, to use until 05/26/2030")
            self.assertEqual(spent._returned_label(date(2030, 1, 5)), entry._validity_label())
            self.assertEqual(spent._returned_label(), "2 credits, expired since 03/01/2030")


@tagged("post_install", "-at_install")
class TestSpendable(CreditCommon):
    """Expired lots wait for the nightly run, and pay for nothing meanwhile."""

    def setUp(self):
        super().setUp()
        today = self.company._credit_today()
        self.give(5, 50.0, today)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE credit_lot SET expiry_date = %s WHERE wallet_id = %s",
            [today - timedelta(days=1), self.wallet.id])
        self.env.invalidate_all()

    def test_spendable(self):
        self.assertEqual((self.wallet.balance, self.wallet.spendable), (5, 0))
        self.assertEqual(self.customer.credit_balance, 0)
        self.give(3)
        self.assertEqual(self.wallet.spendable, 3)
        self.wallet._spend(2, "two")
        self.assertEqual((self.wallet.balance, self.wallet.spendable), (1, 1))

    def test_the_wallet_that_can_pay_is_chosen(self):
        acme = self.env["res.partner"].create({"name": "ACME", "is_company": True})
        shared = self.env["credit.wallet"]._of(acme, self.company)
        shared._grant(10, 0.0, "acme", kind="adjustment", reason="Test")
        self.customer.parent_id = acme
        shared.spender_ids = self.customer
        chosen = self.env["credit.wallet"]._to_spend(self.customer, self.company, 2)
        self.assertEqual(chosen, shared)
