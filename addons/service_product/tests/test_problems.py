from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged, users

from odoo.addons.base.tests.common import new_test_user

from .common import ServiceCase


@tagged("post_install", "-at_install")
class TestProblems(ServiceCase):
    """A set-up that would print something wrong is said on the product and on the draft."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.silent = cls.service_tax.copy({
            "name": "0% nothing", "amount": 0.0, "invoice_legal_notes": False,
            "original_tax_ids": [Command.clear()], "replacing_tax_ids": [Command.clear()]})
        new_test_user(cls.env, "seller", "base.group_user,base.group_partner_manager"
                      ",product.group_product_manager", company_id=cls.company.id)
        new_test_user(cls.env, "reader", "base.group_user", company_id=cls.company.id)

    def alerts(self, move):
        return " ".join(
            alert["message"] for name, alert in move._get_alerts().items()
            if name.startswith("service_product"))

    def test_tax_of_goods(self):
        product = self.make(taxes_id=[Command.set(self.goods_tax.ids)])
        self.assertIn("20% G", product.service_problems)
        self.assertIn("20% S", product.service_problems)
        draft = self.draft(product)
        self.assertIn("20% G", self.alerts(draft))
        product.action_repair_service()
        self.assertEqual(product.taxes_id, self.service_tax)
        self.assertIn(draft.display_name, product.service_problems)
        draft.invoice_line_ids.tax_ids = self.service_tax
        self.assertFalse(self.alerts(draft))

    def test_names_whose_problem_it_is(self):
        wrong = self.make(name="Plan", taxes_id=[Command.set(self.goods_tax.ids)])
        draft = self.draft(self.make(name="Training"))
        draft.invoice_line_ids = [Command.create({"product_id": wrong.product_variant_id.id})]
        self.assertIn("Plan: ", self.alerts(draft))
        self.assertNotIn("Training", self.alerts(draft))

    def test_tax_without_mention(self):
        """Bad input: a tax that charges nothing and says no reason."""
        product = self.make(taxes_id=[Command.set(self.silent.ids)])
        self.assertIn("0% nothing", product.service_problems)
        self.assertIn("0% nothing", self.alerts(self.draft(product)))
        self.silent.invoice_legal_notes = "<p>Exempt: CGI art. 261</p>"
        product.invalidate_recordset(["service_problems"])
        self.assertFalse(product.service_problems)
        self.assertFalse(self.alerts(self.draft(product)))

    def test_no_tax(self):
        product = self.make(taxes_id=[Command.clear()])
        self.assertIn("no tax", product.service_problems)
        product.action_repair_service()
        self.assertEqual(product.taxes_id, self.service_tax)

    def test_account_of_goods(self):
        books = self.goods_account.copy({"code": "707100", "name": "Books"})
        category = self.env["product.category"].create({
            "name": "Old", "property_account_income_categ_id": books.id})
        for vals, code in (({"property_account_income_id": self.goods_account.id}, "707000"),
                           ({"categ_id": category.id}, "707100")):
            product = self.make(**vals)
            self.assertIn(code, product.service_problems)
            self.assertIn(code, self.alerts(self.draft(product)))
            product.action_repair_service()
            self.assertEqual(self.income(product), self.service_account)
            self.assertFalse(self.alerts(self.draft(product)))

    def test_nothing_is_said_of_others(self):
        self.assertFalse(self.make(sale_ok=False).service_problems)
        self.assertFalse(self.alerts(self.draft(self.make(type="consu"))))
        posted = self.draft(self.make(taxes_id=[Command.set(self.goods_tax.ids)]))
        posted.action_post()
        self.assertFalse(self.alerts(posted), "it is too late to warn")

    def test_what_cannot_be_put_right_by_itself(self):
        product = self.make(type="consu")
        draft = self.draft(product)
        product.type = "service"
        with self.assertRaisesRegex(UserError, draft.display_name):
            product.action_repair_service()

    @users("seller")
    def test_for_whoever_keeps_products(self):
        """No right on accounts is needed to see what is wrong, and to put it right."""
        product = self.make(property_account_income_id=self.goods_account.id).with_user(
            self.env.user)
        self.assertIn("707000", product.service_problems)
        product.action_repair_service()
        self.assertFalse(product.service_problems)

    @users("reader")
    def test_not_for_others(self):
        product = self.make_wrong().with_user(self.env.user)
        with self.assertRaises(AccessError):
            product.action_repair_service()

    def make_wrong(self):
        return self.env["product.template"].sudo().create({
            "name": "Wrong", "type": "service", "taxes_id": [Command.clear()]})
