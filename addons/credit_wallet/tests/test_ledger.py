from datetime import timedelta

import psycopg2.errors
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.credit_wallet.exceptions import IdempotencyConflict, InsufficientCredits

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestLedger(CreditCommon):

    def tearDown(self):
        self.assertLedgerAgrees()
        super().tearDown()

    def test_grant_and_spend(self):
        self.give(5, value=50.0)
        entry = self.wallet._spend(2, "spend:1")
        self.assertEqual((entry.credits, entry.value, entry.balance_after), (-2, -20.0, 3))
        self.assertEqual(self.wallet.balance, 3)
        self.assertEqual(self.wallet.value, 30.0)

    def test_spending_takes_what_expires_first_then_the_oldest(self):
        """5 expiring 28 Feb (bought first) and 5 expiring 31 Jan; 7 spent: 5 and 2."""
        with freeze_time("2027-01-10"):
            february = self.give(5, expiry_date=self.date("2027-02-28")).lot_move_ids.lot_id
            january = self.give(5, expiry_date=self.date("2027-01-31")).lot_move_ids.lot_id
            entry = self.wallet._spend(7, "spend:7")
        taken = {move.lot_id: move.credits for move in entry.lot_move_ids}
        self.assertEqual(taken, {january: -5, february: -2})

    def date(self, value):
        return self.env["credit.lot"]._fields["expiry_date"].to_date(value)

    def test_last_credit_takes_the_residual_cents(self):
        self.give(3, value=10.0)
        values = [self.wallet._spend(1, f"cent:{n}").value for n in range(3)]
        self.assertEqual(values, [-3.33, -3.34, -3.33])
        self.assertEqual(sum(values), -10.0)

    def test_not_enough_credits_writes_nothing(self):
        self.give(1)
        entries = self.wallet.entry_ids
        with self.assertRaisesRegex(InsufficientCredits, "2 credits needed, 1 credit in"):
            self.wallet._spend(2, "spend:too-much")
        self.wallet.invalidate_recordset()
        self.assertEqual((self.wallet.balance, self.wallet.entry_ids), (1, entries))

    def test_fractions_zero_and_negative_are_refused(self):
        for credits in (0, -1, 1.5, True, "3"):
            with self.assertRaises(UserError):
                self.wallet._grant(credits, 0, "bad", kind="adjustment", reason="x")
            with self.assertRaises(UserError):
                self.wallet._spend(credits, "bad")

    def test_same_key_twice_is_once(self):
        first = self.give(5, key="once")
        self.assertEqual(self.give(5, key="once"), first)
        self.assertEqual(self.wallet.balance, 5)
        spent = self.wallet._spend(2, "once:spend")
        self.assertEqual(self.wallet._spend(2, "once:spend"), spent)
        self.assertEqual(self.wallet.balance, 3)

    def test_same_key_with_another_amount_is_refused(self):
        self.give(5, key="known")
        with self.assertRaises(IdempotencyConflict):
            self.give(6, key="known")
        with self.assertRaises(IdempotencyConflict):
            self.give(5, value=10.0, key="known")
        with self.assertRaises(IdempotencyConflict):
            self.wallet._spend(5, "known")

    def test_expiry_in_the_past_is_refused(self):
        with self.assertRaisesRegex(UserError, "in the past"):
            self.give(1, expiry_date=self.company._credit_today() - timedelta(days=1))

    def test_valid_until_the_last_second_of_the_local_day(self):
        """23:59:59 in Paris on the day of expiry is still valid; midnight is not."""
        with freeze_time("2027-01-15 12:00:00"):
            self.give(2, value=20.0, expiry_date=self.date("2027-01-31"))
        with freeze_time("2027-01-31 22:59:59"):
            self.wallet._spend(1, "last-second")
        with freeze_time("2027-01-31 23:00:00"), self.assertRaises(InsufficientCredits):
            self.wallet._spend(1, "too-late")

    def test_expiry_twice_in_a_night_is_once_and_is_income(self):
        with freeze_time("2027-01-15"):
            self.give(3, value=30.0, expiry_date=self.date("2027-01-31"))
        with freeze_time("2027-02-01 02:00:00"):
            entries = self.wallet._expire_lots()
            self.assertFalse(self.wallet._expire_lots())
        self.assertEqual((entries.credits, self.wallet.balance), (-3, 0))
        lines = entries.move_ids.line_ids
        self.assertEqual(
            {line.account_id: line.balance for line in lines},
            {self.company.credit_deferred_account_id: 30.0,
             self.company.credit_breakage_account_id: -30.0})

    def test_cron_expires_in_the_company_s_day(self):
        with freeze_time("2027-01-15"):
            self.give(3, expiry_date=self.date("2027-01-31"))
        cron = self.env.ref("credit_wallet.ir_cron_expire_credits")
        with self.enter_registry_test_mode(), freeze_time("2027-02-01 02:00:00"):
            cron.method_direct_trigger()
        self.wallet.invalidate_recordset()
        self.assertEqual(self.wallet.balance, 0)

    def test_reversal_goes_back_to_the_same_lots(self):
        lot = self.give(5, value=50.0).lot_move_ids.lot_id
        entry = self.wallet._spend(3, "spend:3")
        back = entry._reverse("back:3", kind="refund")
        self.assertEqual(entry._reverse("back:3", kind="refund"), back)
        self.assertEqual((back.credits, back.value, lot.remaining), (3, 30.0, 5))

    def test_reversal_of_a_reversal_is_refused(self):
        self.give(5)
        back = self.wallet._spend(3, "spend:3")._reverse("back:3")
        with self.assertRaisesRegex(UserError, "already undoes"):
            back._reverse("back:back")

    def test_two_reversals_of_one_entry_are_refused(self):
        self.give(5)
        entry = self.wallet._spend(1, "spend:1")
        entry._reverse("back:1")
        with self.assertRaises(psycopg2.errors.UniqueViolation), mute_logger("odoo.sql_db"):
            with self.env.cr.savepoint():
                entry._reverse("back:2")

    def test_grant_whose_credits_are_used_cannot_be_reversed(self):
        grant = self.give(5)
        self.give(5)
        self.wallet._spend(1, "spend:1")
        with self.assertRaisesRegex(UserError, "already used"):
            grant._reverse("undo")

    def test_ledger_rows_cannot_change_even_through_sql(self):
        entry = self.give(5)
        with self.assertRaisesRegex(UserError, "Reverse it"):
            entry.reason = "other"
        with self.assertRaisesRegex(UserError, "Reverse it"):
            entry.unlink()
        for table in ("credit_entry", "credit_lot_move"):
            for statement in (f"UPDATE {table} SET credits = 9", f"DELETE FROM {table}"):
                with self.assertRaisesRegex(psycopg2.errors.RestrictViolation, "append-only"), \
                        mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                    self.env.cr.execute(statement)  # pylint: disable=sql-injection

    def test_database_refuses_a_negative_balance(self):
        for table, assignment in (
                ("credit_wallet", "balance = -1"), ("credit_lot", "remaining = -1"),
                ("credit_lot", "remaining = granted + 1")):
            self.give(1)
            with self.assertRaises(psycopg2.errors.CheckViolation), \
                    mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                self.env.cr.execute(
                    f"UPDATE {table} SET {assignment}")  # pylint: disable=sql-injection

    def test_manual_change_needs_a_reason(self):
        with self.assertRaises(psycopg2.errors.CheckViolation), mute_logger("odoo.sql_db"), \
                self.env.cr.savepoint():
            self.wallet._grant(1, 0.0, "no-reason", kind="adjustment", reason="")

    def test_roles(self):
        """Users read; nobody writes the ledger by hand."""
        entry = self.give(1)
        self.assertEqual(entry.with_user(self.user).credits, 1)
        for user in (self.user, self.manager):
            with self.assertRaises(AccessError):
                self.env["credit.entry"].with_user(user).create({
                    "wallet_id": self.wallet.id, "kind": "adjustment", "credits": 1,
                    "idempotency_key": "by-hand"})
            with self.assertRaises(AccessError):
                entry.lot_move_ids.lot_id.with_user(user).remaining = 9
        with self.assertRaises(AccessError):
            self.wallet.with_user(self.user).balance = 9

    def test_spend_costs_a_fixed_number_of_queries(self):
        for number in range(20):
            self.give(1, value=1.0, key=f"lot:{number}")
        self.wallet._spend(1, "warm")
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(12):
            self.wallet._spend(1, "counted")
            self.env.flush_all()
