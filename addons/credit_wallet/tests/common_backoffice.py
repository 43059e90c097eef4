from datetime import timedelta

from odoo import Command
from odoo.tests import TransactionCase, new_test_user


class BackofficeCase(TransactionCase):
    """A company with its accounts, a user per role, and two customers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.company._credit_create_accounts()
        cls.today = cls.company._credit_today()
        cls.tomorrow = cls.today + timedelta(days=1)
        cls.manager = new_test_user(
            cls.env, "credit_manager", "credit_wallet.group_credit_manager", lang="en_US")
        cls.viewer = new_test_user(
            cls.env, "credit_viewer", "credit_wallet.group_credit_user", lang="en_US")
        cls.accountant = new_test_user(
            cls.env, "credit_accountant", "base.group_user,account.group_account_readonly",
            lang="en_US")
        cls.portal = new_test_user(cls.env, "credit_portal", "base.group_portal", lang="en_US")
        cls.ana, cls.bob = cls.env["res.partner"].create([
            {"name": "Ana", "email": "ana@example.com"},
            {"name": "Bob", "email": "bob@example.com"}])

    @classmethod
    def wallet(cls, partner):
        return cls.env["credit.wallet"]._of(partner, cls.company)

    @classmethod
    def give(cls, partner, credits, value=0.0, **kwargs):
        """Grant credits that some purchase brought, with what a purchase posts in the books."""
        wallet = cls.wallet(partner)
        entry = wallet._grant(
            credits, value, f"test:{partner.id}:{len(wallet.entry_ids)}",
            kind="adjustment", reason="Set up", **kwargs)
        return entry

    def adjust(self, partners, user=None, **values):
        """Fill in and save the wizard as a user (the manager unless told)."""
        return self.env["credit.adjust"].with_user(user or self.manager).create({
            "reason": "Goodwill", "credits": 5,
            "line_ids": [Command.create({"partner_id": partner.id}) for partner in partners],
            **values})

    def owed(self):
        """Balance of the deferred revenue account, as an amount owed."""
        account = self.company.credit_deferred_account_id
        return -sum(self.env["account.move.line"].search([
            ("account_id", "=", account.id), ("parent_state", "=", "posted")]).mapped("balance"))

    def assertBooksAgree(self):
        """Check that deferred revenue is the value of the lots, and balances are those of the
        ledger.
        """
        lots = self.env["credit.lot"].search([("company_id", "=", self.company.id)])
        self.assertAlmostEqual(self.owed(), sum(lots.mapped("value_remaining")), 2)
        for wallet in lots.wallet_id:
            self.assertEqual(wallet.balance, sum(wallet.entry_ids.mapped("credits")))
            self.assertEqual(wallet.balance, sum(wallet.lot_ids.mapped("remaining")))

    def queries_to_apply(self, wizard):
        """Count the queries that applying the wizard's changes takes, and those that write."""
        self.env.flush_all()
        start = self.env.cr.sql_log_count
        wizard._apply()
        self.env.flush_all()
        return self.env.cr.sql_log_count - start
