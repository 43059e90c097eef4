from datetime import timedelta

from psycopg2.errors import CheckViolation, RestrictViolation

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from .common_accounting import CreditAccountingCase


class TestMerge(CreditAccountingCase):
    """Merging contacts in Odoo merges what they own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["res.partner"].create(
            {"name": "Camille Klient", "email": "camille@example.com", "lang": "en_US"})
        cls.today = cls.company._credit_today()

    def _merge(self, source, target):
        self.env["base.partner.merge.automatic.wizard"].create({
            "partner_ids": [Command.set((source + target).ids)], "dst_partner_id": target.id,
            "state": "selection"}).action_merge()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertFalse(source.exists())

    def _wallets(self):
        return self.env["credit.wallet"].with_context(active_test=False).search(
            [("partner_id", "=", self.customer.id)])

    def _give(self, partner, credits, days=None):
        wallet = self.env["credit.wallet"]._of(partner, self.company)
        wallet._grant(
            credits, credits * 10.0, f"{partner.id}:{credits}", kind="adjustment", reason="T",
            expiry_date=days and self.today + timedelta(days=days))
        return wallet

    def test_both_have_credits(self):
        self._give(self.customer, 12, 300)
        gone = self._give(self.other, 5, 30)
        self._merge(self.other, self.customer)
        self.assertEqual((self.wallet.balance, self.wallet.value), (17, 170.0))
        self.assertEqual(self.wallet.next_expiry_date, self.today + timedelta(days=30))
        self.assertEqual(
            (gone.active, gone.balance, gone.merged_into_id), (False, 0, self.wallet))
        self.assertIn("Camille Klient", self.wallet.message_ids[0].body)
        self.assertEqual(
            self.env["credit.wallet"]._of(self.customer, self.company), self.wallet)

    def test_only_who_disappears_has_credits(self):
        customer = self.env["res.partner"].create({"name": "Camille without a wallet"})
        wallet = self._give(self.other, 5)
        self._merge(self.other, customer)
        self.assertEqual(wallet.partner_id, customer)
        self.assertEqual(wallet.entry_ids.partner_id, customer)
        self.assertEqual(wallet.lot_ids.partner_id, customer)
        self.assertEqual(customer.credit_balance, 5)

    def test_three_contacts_and_two_companies(self):
        second = self.env["res.company"].create({"name": "Second"})
        third = self.env["res.partner"].create({"name": "Camille, once more"})
        for partner in self.customer | self.other | third:
            self._give(partner, 2)
        abroad = self.env["credit.wallet"]._of(third, second)
        self.env["base.partner.merge.automatic.wizard"].create({
            "partner_ids": [Command.set((self.customer | self.other | third).ids)],
            "dst_partner_id": self.customer.id, "state": "selection"}).action_merge()
        self.env.invalidate_all()
        self.assertEqual(self.wallet.balance, 6)
        self.assertEqual((abroad.active, abroad.partner_id), (True, self.customer))

    def test_the_history_is_seen_by_its_new_owner(self):
        user = new_test_user(self.env, "camille", "base.group_portal")
        user.partner_id = self.customer
        self._give(self.customer, 1)
        self._give(self.other, 5)
        self._merge(self.other, self.customer)
        entries = self.env["credit.entry"].with_user(user).search([])
        self.assertEqual(sorted(entries.mapped("credits")), [-5, 1, 5, 5])

    def test_booking_of_a_merged_wallet_is_cancelled_later(self):
        gone = self._give(self.other, 5)
        entry = gone._spend(4, "booking")
        entry._create_consumption_invoice(self.training, "Training", self.other)
        self._merge(self.other, self.customer)
        entry._reverse("cancelled", kind="refund")
        self.env.invalidate_all()
        self.assertEqual((gone.balance, self.wallet.balance), (0, 5))
        again = entry._take_again("booking:again")
        again._create_consumption_invoice(self.training, "Training", self.customer)
        self.assertEqual(self.wallet.balance, 1)

    def test_pack_of_a_merged_wallet_is_refunded_later(self):
        self.customer, keep = self.other, self.customer
        invoice = self._buy()
        wallet = self.env["credit.wallet"]._of(self.other, self.company)
        wallet._spend(3, "used", kind="adjustment", reason="Used")
        self._merge(self.other, keep)
        self.customer = keep
        self.assertEqual(self.wallet.balance, 7)
        note = self._credit_note(invoice)
        self.assertEqual(self.wallet.balance, 0)
        self.assertEqual(
            (note.credit_debt_ids.credits, note.credit_debt_ids.wallet_id), (3, self.wallet))

    def test_open_debts_people_and_managers_follow(self):
        gone = self._give(self.other, 5)
        gone.spender_ids = self.env["res.partner"].create({"name": "Manager"})
        self.customer, keep = self.other, self.customer
        invoice = self._buy()
        self.env["credit.wallet"]._of(self.other, self.company)._spend(
            15, "used", kind="adjustment", reason="Used")
        debt = self._credit_note(invoice).credit_debt_ids
        self.customer = keep
        self._merge(self.other, self.customer)
        self.assertEqual(debt.wallet_id, self.wallet)
        self.assertEqual(self.wallet.spender_ids.mapped("name"), ["Manager"])

    def test_nothing_else_of_the_ledger_may_change(self):
        self._give(self.customer, 5)
        entry = self.wallet.entry_ids
        for column in ("credits", "wallet_id", "reason"):
            with self.assertRaises(RestrictViolation), mute_logger("odoo.sql_db"), \
                    self.env.cr.savepoint():
                self.env.cr.execute(
                    f"UPDATE credit_entry SET {column} = NULL WHERE id = %s", [entry.id])

    # What cannot be taken away -----------------------------------------------------------------

    def test_wallets_are_not_archived(self):
        self._give(self.customer, 5)
        with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            self.wallet.active = False
        manager = new_test_user(self.env, "boss", "credit_wallet.group_credit_manager")
        with self.assertRaises(AccessError):
            self.wallet.with_user(manager).action_archive()

    def test_used_wallets_and_their_owners_are_not_deleted(self):
        self._give(self.other, 5)
        with self.assertRefused("Camille Klient.*history.*cannot be deleted"):
            self.other.credit_wallet_ids.unlink()
        with self.assertRefused("Camille Klient.*history"):
            self.other.unlink()

    def test_contact_with_an_empty_wallet_is_deleted(self):
        wallet = self.env["credit.wallet"]._of(self.other, self.company)
        self.other.unlink()
        self.assertFalse(wallet.exists())

    def test_company_whose_customers_hold_credits(self):
        self._give(self.customer, 5)
        for done in (lambda: self.company.write({"active": False}), self.company.unlink):
            with self.assertRefused("hold credits.*Camille Client"):
                done()

    def test_sold_pack_is_not_deleted(self):
        order = self._order()
        for product in (self.pack, self.pack.product_tmpl_id):
            with self.assertRaisesRegex(UserError, f"Pack of 10.*{order.name}.*Archive it"), \
                    self.env.cr.savepoint():
                product.unlink()
        self.pack.product_tmpl_id.active = False
