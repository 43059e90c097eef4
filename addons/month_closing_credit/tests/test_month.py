from datetime import timedelta

from odoo import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.credit_wallet.tests.common import CreditCommon


@tagged("post_install", "-at_install")
class TestMonth(CreditCommon):
    """Credits on the page of the month: the account is what open lots are worth."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.lang = "en_US"
        cls.accountant = new_test_user(
            cls.env, "month-credit", "account.group_account_manager",
            company_id=cls.company.id, company_ids=[(6, 0, cls.company.ids)])
        cls.today = cls.company._credit_today()

    def section(self):
        self.env.flush_all()
        closing = self.env["month.closing"].with_user(self.accountant)
        keys = [key for key, _build in closing._sections()]
        self.assertEqual(keys.index("credits"), keys.index("deferral") + 1)
        period = closing._period(self.company, f"{self.today:%Y-%m}")
        return closing._build(period, "credits")["sections"][0]

    def row(self):
        """Return credits, account, lots and difference of the customer."""
        (found,) = (row["cells"][1:] for row in self.section()["tables"][0]["rows"]
                    if row["cells"][0] == self.customer.display_name)
        return found

    def test_agrees_after_a_sale_and_a_use(self):
        self.sell(self.make_pack())
        self.assertEqual(self.row(), [10, 100.0, 100.0, 0.0])
        self.wallet._spend(4, "use:1")._create_consumption_invoice(
            self.env["product.product"].create({"name": "A course", "type": "service"}),
            "A course", self.customer)
        self.assertEqual(self.row(), [6, 60.0, 60.0, 0.0])
        checks = self.section()["checks"]
        self.assertEqual({each["state"] for each in checks[:2]}, {"ok"})

    def test_entry_by_hand_is_named(self):
        self.sell(self.make_pack())
        account = self.company.credit_deferred_account_id
        other = self.env["account.account"].search([
            ("account_type", "=", "expense"), ("company_ids", "in", self.company.ids)], limit=1)
        entry = self.env["account.move"].create({
            "move_type": "entry", "date": self.today, "line_ids": [
                Command.create({"name": "Typed by hand", "account_id": other.id, "debit": 22.8,
                                "partner_id": self.customer.id}),
                Command.create({"name": "Typed by hand", "account_id": other.id,
                                "credit": 22.8, "partner_id": self.customer.id})]})
        entry.action_post()
        # Odoo's screens refuse it: an import into the database does not ask them.
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_move_line SET account_id = %s WHERE id = %s",
                            [account.id, entry.line_ids.filtered("credit").id])
        self.env.invalidate_all()
        self.assertEqual(self.row(), [10, 122.8, 100.0, 22.8])
        found = self.section()["checks"][0]
        self.assertEqual((found["state"], found["amount"]), ("wrong", 22.8))
        self.assertIn(entry.name, found["details"][0])
        self.assertEqual(
            self.env["account.move.line"].search(found["action"]["domain"]).move_id, entry)

    def test_month_before_knows_nothing_of_it(self):
        self.sell(self.make_pack())
        before = self.today.replace(day=1) - timedelta(days=1)
        closing = self.env["month.closing"].with_user(self.accountant)
        (found,) = closing._build(
            closing._period(self.company, f"{before:%Y-%m}"), "credits")["sections"]
        self.assertNotIn(self.customer.display_name, [
            row["cells"][0] for row in found["tables"][0]["rows"]])

    def test_wallet_changed_from_outside(self):
        self.give(5, 50.0)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE credit_wallet SET balance = balance + 1 WHERE id = %s", [self.wallet.id])
        found = self.section()["checks"][1]
        self.assertEqual((found["state"], found["count"]), ("wrong", 1))
