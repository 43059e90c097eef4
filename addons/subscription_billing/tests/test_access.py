"""Who may see what: small leaks of issue 19, kind 5."""

from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestAccess(HttpCase, SubscriptionCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = cls.make_portal("subscriber")
        cls.pro.is_published = True
        cls.starter.is_published = False
        cls.subscription = cls.draft(cls.starter, partner_id=cls.owner.partner_id.id)
        cls.subscription._start()

    def test_plans_that_are_not_on_sale(self):
        """Customers know the prices of plans on sale, and of those they have."""
        stranger = self.make_portal("stranger")
        hidden = self.make_plan("For the boss's cousin", 1.0)
        prices = (self.starter + self.pro + hidden).price_ids
        for user, seen in ((stranger, self.pro), (self.owner, self.starter + self.pro)):
            found = prices.with_user(user).search([("id", "in", prices.ids)])
            self.assertEqual(set(found), set(seen.price_ids))
            for record in (hidden, hidden.price_ids):
                with self.assertRaises(AccessError):
                    record.with_user(user).read()

    def test_own_documents(self):
        """A salesman of "own documents" sees their own subscriptions, and those of nobody."""
        own, every = (new_test_user(self.env, login, f"sales_team.{group}") for login, group in (
            ("seller", "group_sale_salesman"), ("head", "group_sale_salesman_all_leads")))
        accountant = new_test_user(
            self.env, "clerk", "account.group_account_invoice,sales_team.group_sale_salesman")
        self.subscription.user_id = every
        for user, sees in ((own, False), (every, True), (accountant, True), (self.user, True)):
            self.assertEqual(
                self.subscription.with_user(user).has_access("read"), sees, user.login)
        self.subscription.user_id = own
        self.assertTrue(self.subscription.with_user(own).has_access("read"))

    def test_why_it_is_held_is_for_staff(self):
        """A customer reads the subscription by the API, without what went wrong inside."""
        self.subscription._hold("No account for plan 7")
        [seen] = self.subscription.with_user(self.user).read(["hold_reason"])
        self.assertEqual(seen["hold_reason"], "No account for plan 7")
        self.assertTrue(self.subscription.with_user(self.owner).read(["is_held"]))
        with self.assertRaises(AccessError):
            self.subscription.with_user(self.owner).read(["hold_reason"])

    def test_notices_of_another_company(self):
        """Staff of one company of the house do not see whom another one wrote to."""
        notice = self.env["subscription.notice"].create({
            "subscription_id": self.subscription.id, "kind": "renewal", "day": "2027-01-01"})
        abroad = self.env["res.company"].create({"name": "Abroad"})
        staff = new_test_user(
            self.env, "abroad", "subscription_billing.group_subscription_manager",
            company_id=abroad.id, company_ids=[Command.set(abroad.ids)])
        self.assertTrue(notice.with_user(self.manager).has_access("read"))
        self.assertFalse(notice.with_user(staff).has_access("read"))

    def test_a_price_is_of_the_plan_sold(self):
        """A line of something else than a plan takes no plan's price: it would start nothing, or
        the wrong thing.
        """
        seller = new_test_user(self.env, "seller", "sales_team.group_sale_salesman")
        book = self.env["product.product"].create({"name": "Book", "list_price": 1.0})
        line = self.env["sale.order"].with_user(seller).create({
            "partner_id": self.customer.id,
            "order_line": [Command.create({"product_id": book.id})]}).order_line
        with self.assertRaises(ValidationError):
            line.subscription_price_id = self.pro.price_ids
            line.flush_recordset()

    def test_actions_name_what_the_user_may_read(self):
        """No ids of documents that only others may read."""
        self.assertTrue(self.subscription._documents())
        action = self.subscription.with_user(self.user).action_view_invoices()
        self.assertEqual(action["domain"], [("id", "in", [])])
        action = self.subscription.action_view_invoices()
        self.assertEqual(action["domain"], [("id", "in", self.subscription._documents().ids)])

    def test_to_dos_show_text(self):
        """The name of a customer in a to-do is no markup."""
        self.subscription._notify_payment_failed("<a href='https://evil.example'>Eve</a>")
        note = self.subscription.activity_ids.sorted("id")[-1:].note
        self.assertNotIn("<a", note)
        self.assertIn("&lt;a href", note)

    def test_looking_changes_nothing(self):
        """HEAD runs the method of GET: what it writes, and what it shows once, is kept."""
        def write(subscription):
            subscription.sudo().message_post(body="Written")

        self.authenticate("subscriber", "subscriber")
        url = f"/my/subscriptions/{self.subscription.id}"
        with patch.object(type(self.subscription), "_use_outstanding_credits", write):
            for method, written in (("HEAD", False), ("GET", True)):
                self.assertEqual(self.url_open(url, method=method).status_code, 200)
                self.subscription.invalidate_recordset()
                self.assertEqual(
                    "Written" in str(self.subscription.message_ids.mapped("body")), written)
