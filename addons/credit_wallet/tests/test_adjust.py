from datetime import timedelta

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from odoo.addons.credit_wallet.exceptions import IdempotencyConflict, InsufficientCredits

from .common_backoffice import BackofficeCase


@tagged("post_install", "-at_install")
class TestAdjust(BackofficeCase):
    def test_add_to_many(self):
        """Each customer gets the credits, with the reason, the author and the expiry."""
        entries = self.adjust(
            self.ana + self.bob, credits=5, expiry_date=self.tomorrow)._apply()
        self.assertEqual(entries.mapped("credits"), [5, 5])
        self.assertEqual(set(entries.mapped("reason")), {"Goodwill"})
        self.assertEqual(entries.user_id, self.manager)
        self.assertEqual(entries.lot_move_ids.lot_id.mapped("expiry_date"), [self.tomorrow] * 2)
        self.assertEqual(self.wallet(self.ana).balance, 5)
        self.assertFalse(entries.move_line_ids, "a gift is worth nothing in the books")

    def test_credits_invoiced_outside_are_owed(self):
        before = self.owed()
        entry = self.adjust(self.ana, credits=3, price=33.33)._apply()
        self.assertEqual(entry.value, 99.99)
        self.assertAlmostEqual(self.owed() - before, 99.99, 2)
        clearing = entry.move_line_ids.filtered("debit")
        self.assertEqual(clearing.account_id, self.company.credit_adjustment_account_id)
        self.assertEqual(clearing.partner_id, self.ana)
        self.assertBooksAgree()

    def test_account_chosen(self):
        other = self.company._credit_create_account(
            "471900", "asset_current", {"en_US": "Other"})
        entry = self.adjust(self.ana, price=1, account_id=other.id)._apply()
        self.assertEqual(entry.move_line_ids.filtered("debit").account_id, other)

    def test_removed_credits_become_income(self):
        self.give(self.ana, 10, 100.0)
        owed = self.owed()
        entry = self.adjust(self.ana, direction="remove", credits=3)._apply()
        self.assertEqual((entry.credits, entry.value), (-3, -30))
        self.assertAlmostEqual(owed - self.owed(), 30, 2)
        income = entry.move_line_ids.filtered("credit")
        self.assertEqual(income.account_id, self.company.credit_breakage_account_id)
        self.assertIn("Goodwill", income.name)
        self.assertBooksAgree()

    def test_twice_is_once(self):
        """A second click finds the operation done, in the ledger and in the books."""
        self.give(self.bob, 5, 50)
        for values in ({"price": 10}, {"direction": "remove"}):
            wizard = self.adjust(self.bob, **values)
            first = wizard._apply()
            owed, balance = self.owed(), self.wallet(self.bob).balance
            self.assertEqual(wizard._apply(), first)
            self.assertEqual((self.owed(), self.wallet(self.bob).balance), (owed, balance))

    def test_same_key_other_amount(self):
        wizard = self.adjust(self.ana, credits=5)
        wizard._apply()
        wizard.credits = 6
        with self.assertRaises(IdempotencyConflict):
            wizard._apply()
        self.assertEqual(self.wallet(self.ana).balance, 5)

    def test_two_wizards_are_two_operations(self):
        self.adjust(self.ana)._apply()
        self.adjust(self.ana)._apply()
        self.assertEqual(self.wallet(self.ana).balance, 10)

    def test_remove_more_than_balance_is_all_or_nothing(self):
        self.give(self.ana, 10, 10)
        self.give(self.bob, 2, 10)
        wizard = self.adjust(self.ana + self.bob, direction="remove", credits=3)
        with self.assertRaisesRegex(InsufficientCredits, "Bob has 2 credits: 3 credits"):
            wizard._apply()
        self.assertEqual(
            (self.wallet(self.ana).balance, self.wallet(self.bob).balance), (10, 2))

    def test_expired_credits_do_not_count(self):
        """Lots past their day, not yet swept by the nightly run, cannot be removed."""
        lot = self.give(self.ana, 4, expiry_date=self.today).lot_move_ids.lot_id
        lot.expiry_date = self.today - timedelta(days=1)
        wizard = self.adjust(self.ana, direction="remove", credits=1)
        self.assertEqual((wizard.line_ids.before, wizard.line_ids.after), (0, -1))
        with self.assertRaises(InsufficientCredits):
            wizard._apply()

    def test_bad_numbers(self):
        for credits in (2.5, 0, -3, True, "5", 10**8):
            with self.subTest(credits=credits), self.assertRaises(UserError):
                self.adjust(self.ana, credits=credits)
        wizard = self.adjust(self.ana)
        with self.assertRaisesRegex(UserError, "not 2.5"):
            wizard.write({"credits": 2.5})

    def test_bad_terms(self):
        self.give(self.ana, 10)
        for message, values in (
                ("expiry in the past", {"expiry_date": self.today - timedelta(days=1)}),
                ("reason", {"reason": "  "}),
                ("belong to credits added", {"direction": "remove", "price": 2}),
                ("at least one customer", {"line_ids": [Command.clear()]})):
            with self.subTest(message), self.assertRaisesRegex(UserError, message):
                self.adjust(self.ana, **values)._apply()
        self.assertEqual(self.wallet(self.ana).balance, 10)

    def test_colleagues_share_a_wallet(self):
        colleagues = self.env["res.partner"].create([
            {"name": name, "parent_id": self.ana.id} for name in ("Cleo", "Dan")])
        with self.assertRaisesRegex(UserError, "share one wallet"):
            self.adjust(colleagues)._apply()

    def test_company_without_account(self):
        self.company.credit_adjustment_account_id = False
        with self.assertRaisesRegex(UserError, "Credits invoiced outside"):
            self.adjust(self.ana, price=1)._apply()

    def test_other_company(self):
        """Neither the wallets nor the customers of another company."""
        other = self.env["res.company"].create({"name": "Elsewhere"})
        wallet = self.env["credit.wallet"]._of(self.bob, other)
        with self.assertRaises(AccessError):
            self.adjust(self.ana, company_id=other.id)._apply()
        wizards = self.env["credit.adjust"].with_user(self.manager)
        with self.assertRaises(AccessError):
            wizards.with_context(
                active_model="credit.wallet", active_ids=wallet.ids).default_get(["line_ids"])
        self.bob.company_id = other
        with self.assertRaisesRegex(UserError, "another company"):
            self.adjust(self.bob, user=self.env.user)._apply()
        self.assertFalse(wallet.balance)

    def test_managers_only(self):
        for user in (self.viewer, self.accountant, self.portal):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.adjust(self.ana, user=user)
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.env["credit.reverse"].with_user(user).create({"reason": "No"})

    def test_form_from_wallets(self):
        """The form opens on the selected wallets and previews the balances."""
        self.give(self.ana, 7)
        wizards = self.env["credit.adjust"].with_user(self.manager).with_context(
            active_model="credit.wallet", active_ids=self.wallet(self.ana).ids)
        with Form(wizards) as form:
            form.reason = "Goodwill"
            form.credits = 3
            form.direction = "remove"
            with form.line_ids.edit(0) as line:
                self.assertEqual((line.partner_id, line.before, line.after), (self.ana, 7, 4))
        form.record._apply()
        self.assertEqual(self.wallet(self.ana).balance, 4)

    def test_reverse(self):
        """A reversal puts the credits, their value and the books back, once."""
        owed = self.owed()
        for entry in (
                self.adjust(self.ana, price=10)._apply(),
                self.give(self.bob, 5, 50)
                and self.adjust(self.bob, direction="remove", credits=2)._apply()):
            reversal = entry.with_user(self.manager)._reverse_adjustment("Typing error")
            self.assertEqual(reversal.credits, -entry.credits)
            self.assertEqual((reversal.reason, reversal.user_id), ("Typing error", self.manager))
            self.assertEqual(
                reversal.move_line_ids.mapped("account_id"),
                entry.move_line_ids.mapped("account_id"))
            self.assertEqual(entry._reverse_adjustment("Typing error"), reversal)
            self.assertEqual(len(reversal.sudo().move_line_ids), 2)
        self.assertAlmostEqual(self.owed(), owed + 50, 2)
        self.assertBooksAgree()

    def test_reverse_refused(self):
        entry = self.adjust(self.ana, credits=2)._apply()
        with self.assertRaisesRegex(UserError, "State why"):
            entry._reverse_adjustment("  ")
        reversal = entry._reverse_adjustment("Error")
        with self.assertRaisesRegex(UserError, "not a manual change"):
            reversal._reverse_adjustment("Error")
        used = self.adjust(self.ana, credits=2)._apply()
        self.wallet(self.ana)._spend(1, "test:spent")
        with self.assertRaisesRegex(UserError, "already used"):
            used._reverse_adjustment("Error")
        self.assertEqual(self.wallet(self.ana).balance, 1)

    def test_cost_does_not_grow(self):
        """The queries of a change of 60 customers are those of 20, plus the balances to read."""
        def queries(number):
            partners = self.env["res.partner"].create(
                [{"name": f"Many {number} {index}"} for index in range(number)])
            return self.queries_to_apply(self.adjust(partners))
        queries(2)  # fills the caches
        self.assertLessEqual(queries(60), queries(20) + 5)
