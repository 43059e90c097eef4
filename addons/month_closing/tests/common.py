from datetime import date

from odoo import Command
from odoo.tests import new_test_user

from odoo.addons.invoice_europe.tests.common import EuropeCase

MONTH = "2025-03"  # no other test posts there
DAY = date(2025, 3, 12)


class MonthCase(EuropeCase):
    """A French seller, an accounting administrator of Community, and a month of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "Europe/Paris"
        cls.accountant = new_test_user(
            cls.env, "month-accountant", "account.group_account_manager",
            company_id=cls.company.id, company_ids=[(6, 0, cls.company.ids)], tz="Asia/Tokyo",
            lang="en_US")
        cls.reader = new_test_user(
            cls.env, "month-reader", "account.group_account_readonly",
            company_id=cls.company.id, company_ids=[(6, 0, cls.company.ids)], lang="en_US")
        cls.clerk = new_test_user(
            cls.env, "month-clerk", "account.group_account_invoice",
            company_id=cls.company.id, company_ids=[(6, 0, cls.company.ids)], lang="en_US")
        cls.goods = cls.make_product("Handbook", cls.goods_tax)

    def page(self, month=MONTH, user=None):
        return self.env["month.closing"].with_user(user or self.accountant).get_page(month)

    def section(self, key, month=MONTH):
        closing = self.env["month.closing"].with_user(self.accountant)
        (found,) = closing._build(closing._period(self.company, month), key)["sections"]
        return found

    def check(self, key, name, month=MONTH):
        (found,) = (each for each in self.section(key, month)["checks"] if name in each["name"])
        return found

    def rows(self, key, number=0, month=MONTH):
        return [row["cells"] for row in self.section(key, month)["tables"][number]["rows"]]

    def by_hand(self, debit, credit, amount=22.8, day=DAY, name="Typed by hand"):
        """Post an entry as an accountant does, without a tax."""
        entry = self.env["account.move"].create({
            "move_type": "entry", "date": day, "line_ids": [
                Command.create({"name": name, "account_id": debit.id, "debit": amount,
                                "tax_ids": [Command.clear()]}),
                Command.create({"name": name, "account_id": credit.id, "credit": amount,
                                "tax_ids": [Command.clear()]})]})
        entry.action_post()
        return entry

    def account(self, code):
        return self.env["account.account"].search([
            ("code", "=like", f"{code}%"), ("company_ids", "in", self.company.ids)],
            order="code", limit=1)
