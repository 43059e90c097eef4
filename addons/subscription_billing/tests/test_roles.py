"""A company's subscription × roles: who may see it, change it, pay it, leave it."""

from datetime import date

from odoo import http
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .test_cases import CasesCommon

# Roles that may act on a subscription, and those that may only see the plan.
ACT, SEE = ("manager", "billing"), ("developer",)


@tagged("post_install", "-at_install")
class TestRoles(HttpCase, CasesCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.acme = cls.make_customer("Acme", is_company=True)
        cls.people = {}
        for role in ("manager", "billing", "developer", "learner"):
            cls.people[role] = cls.make_portal(f"sub_{role}").partner_id
            cls.people[role].write({"parent_id": cls.acme.id, "name": role.capitalize()})
        (cls.starter + cls.pro).is_published = True
        cls.card = cls.make_token(partner=cls.people["manager"])
        cls.subscription = cls.draft(
            cls.starter, date(2027, 1, 10), partner_id=cls.people["manager"].id,
            token_id=cls.card.id)
        cls.url = f"/my/subscriptions/{cls.subscription.id}"

    def setUp(self):
        super().setUp()
        with self.at(date(2027, 1, 10)):
            self.subscription._start()
        # Who subscribes first manages the company.
        self.assertEqual(self.acme.member_ids.person_id, self.people["manager"])
        for role in ("billing", "developer"):
            self.acme._set_roles(self.people[role], [f"is_{role}"])

    def sign_in(self, role):
        self.authenticate(f"sub_{role}", f"sub_{role}")

    def post(self, path, **data):
        return self.url_open(
            self.url + path, {"csrf_token": http.Request.csrf_token(self), **data})

    @mute_logger("odoo.http")
    def test_table(self):
        """Every route × every role: who has no right reads who has one, and nothing happens."""
        subscription = self.subscription
        before = (subscription.quantity, subscription.end_date, subscription.token_id)
        for role in ("developer", "learner"):
            with self.subTest(role=role), self.at(date(2027, 1, 11)):
                self.sign_in(role)
                sees = role in SEE
                for url in ("/my/subscriptions", self.url):
                    page = self.url_open(url)
                    self.assertEqual(page.status_code, 200 if sees else 403)
                    self.assertEqual("Starter" in page.text, sees)
                self.assertIn("Only those who pay the bills of Acme", page.text)
                self.assertIn("Manager", page.text)
                for mark in ("Cancel my", "See what it costs", "Next invoice", "4242",
                             subscription.period_ids.invoice_id.name):
                    self.assertNotIn(mark, page.text)
                answers = [self.url_open(self.url + path) for path in (
                    "/change?quantity=500", "/pay")]
                answers += [self.post(path, quantity=500, token=0) for path in (
                    "/change", "/cancel", "/keep", "/resume", "/drop", "/token")]
                answers.append(self.url_open(
                    f"{self.url}/transaction", json={"params": {
                        "amount": 1, "access_token": "x"}}))
                for answer in answers:
                    self.assertIn("Only those who pay the bills of Acme", answer.text)
                found = self.env["subscription.subscription"].with_user(
                    self.people[role].user_ids).search([])
                self.assertEqual(found, subscription if sees else found.browse())
        self.assertEqual(
            before, (subscription.quantity, subscription.end_date, subscription.token_id))

    def test_who_may_act(self):
        for role in ACT:
            with self.subTest(role=role), self.at(date(2027, 1, 11)):
                self.sign_in(role)
                self.assertIn("Cancel my subscription", self.url_open(self.url).text)
                self.post("/cancel")
                self.assertTrue(self.subscription.end_date)
                self.post("/keep")
                self.assertFalse(self.subscription.end_date)

    def test_who_leaves_leaves_it_to_the_company(self):
        boss = self.people["manager"]
        boss.parent_id = False
        self.assertEqual(self.subscription.partner_id, self.acme)
        self.assertEqual(self.subscription.commercial_partner_id, self.acme)
        self.sign_in("manager")
        self.assertEqual(self.post("/cancel").status_code, 404)
        self.sign_in("billing")
        with self.at(date(2027, 1, 11)):
            self.post("/cancel")
        self.assertTrue(self.subscription.end_date)

    def test_cards_saved_by_others_do_not_pay(self):
        """A card saved on Odoo's page takes the place of an expired one, if its owner pays."""
        for role in ("learner", "developer", "billing"):
            self.card.active = False
            token = self.make_token(partner=self.people[role])
            self.env["payment.transaction"].create({
                "provider_id": token.provider_id.id, "operation": "validation", "amount": 0,
                "payment_method_id": token.payment_method_id.id, "token_id": token.id,
                "reference": f"save {role}", "currency_id": self.subscription.currency_id.id,
                "partner_id": token.partner_id.id})._subscription_keep_token()
            self.assertEqual(
                self.subscription.token_id, token if role == "billing" else self.card)

    def test_contracts_are_made_by_who_pays_the_bills(self):
        for role, person in self.people.items():
            order = self.env["sale.order"].create({"partner_id": person.id})
            if role in ACT:
                order._cart_add_plan(self.pro.price_ids)
                self.assertTrue(order.order_line)
            else:
                with self.assertRaisesRegex(AccessError, "pay the bills of Acme"):
                    order._cart_add_plan(self.pro.price_ids)
        newcomer = self.make_customer("New", is_company=True)
        first = self.make_customer("First", parent_id=newcomer.id)
        self.env["sale.order"].create(
            {"partner_id": first.id})._cart_add_plan(self.pro.price_ids)

    def upgrade(self, role, quantity, day):
        """Ask for more seats in the portal.

        :return: the page that follows, and the new period
        """
        with self.at(day):
            self.sign_in(role)
            due = self.subscription._preview_change(quantity=quantity)["due"]
            page = self.post(
                "/change", price=self.starter.price_ids.id, quantity=quantity, due=repr(due))
        self.assertEqual(self.subscription.quantity, quantity)
        return page, self.subscription.period_ids.sorted("id")[-1]

    def test_large_charges_are_told_before(self):
        """More than twice the invoice before: managers are told, and it is charged a day later;
        a manager who asks for it sees the amount and is charged at once."""
        self.charge(date(2027, 1, 10))
        page, period = self.upgrade("billing", 50, date(2027, 1, 11))
        self.assertIn("Its managers were told", page.text)
        self.assertEqual((period.state, period.transaction_ids.ids), ("invoiced", []))
        for day, told in ((11, 1), (12, 1)):
            self.charge(date(2027, 1, day))
            mails = self.mails_to(self.people["manager"]).filtered(
                lambda mail: "Large charge ahead" in mail.subject)
            self.assertEqual(len(mails), told)
            self.assertEqual(period.state, "paid" if day == 12 else "invoiced")
        self.assertFalse(self.mails_to(self.people["billing"]))
        self.acme.charge_bound = 10
        page, period = self.upgrade("manager", 60, date(2027, 1, 13))
        self.assertEqual((period.state, period.managers_told_at), ("paid", False))
        self.acme.charge_bound = 1e6
        page, period = self.upgrade("billing", 600, date(2027, 1, 14))
        self.assertEqual((period.state, period.managers_told_at), ("paid", False))

    def test_bound_is_set_by_managers(self):
        for role in self.people:
            self.sign_in(role)
            for bound, kept in (("250.5", 250.5), ("-1", 250.5), ("nan", 250.5), ("", 0.0)):
                self.url_open("/my/people/bound", {
                    "csrf_token": http.Request.csrf_token(self), "bound": bound})
                self.assertEqual(self.acme.charge_bound, kept if role == "manager" else 0.0)
