from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import TABLE, RoleCommon


@tagged("post_install", "-at_install")
class TestDocuments(RoleCommon, HttpCase):
    """Orders, invoices and cards of a company × roles."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        product = cls.env["product.product"].create({
            "name": "Advice", "list_price": 10, "type": "service", "invoice_policy": "order"})
        cls.orders = {}
        for name in ("manager", "learner"):
            order = cls.env["sale.order"].create({
                "partner_id": cls.people[name].id, "partner_invoice_id": cls.acme.id,
                "order_line": [Command.create({"product_id": product.id})]})
            order.action_confirm()
            order._create_invoices().action_post()
            cls.orders[name] = order
        provider = cls.env["payment.provider"].search([("code", "=", "none")], limit=1)
        provider.state = "test"
        method = cls.env["payment.method"].with_context(active_test=False).search([], limit=1)
        method.active = True
        cls.tokens = {name: cls.env["payment.token"].create({
            "provider_id": provider.id, "payment_method_id": method.id, "partner_id": partner.id,
            "payment_details": "4242", "provider_ref": name})
            for name, partner in {**cls.people, "company": cls.acme}.items()}

    def seen(self, model, role):
        return self.env[model].with_user(self.people[role].user_ids).search([])

    def test_papers(self):
        """Who pays the bills sees all; others what they ordered; and strangers nothing."""
        every = self.orders["manager"] | self.orders["learner"]
        for role in TABLE:
            with self.subTest(role=role):
                expected = every if "bill" in TABLE[role] else self.orders.get(
                    role, every.browse())
                self.assertEqual(self.seen("sale.order", role), expected.sorted("id desc"))
                self.assertEqual(self.seen("sale.order.line", role), expected.order_line)
                moves = self.seen("account.move", role)
                self.assertEqual(moves, expected.invoice_ids)
                self.assertEqual(self.seen("account.move.line", role).move_id, moves)
                self.assertEqual(
                    moves.with_user(self.people[role].user_ids)._filtered_access("read"), moves)
                self.assertEqual((every.invoice_ids - moves).with_user(
                    self.people[role].user_ids)._filtered_access("read"), moves.browse())

    def test_papers_follow_the_contract(self):
        """Odoo's own rules remember a user's company: somebody who left would go on reading."""
        boss = self.people["manager"]
        self.assertEqual(len(self.seen("account.move", "manager")), 2)
        boss.parent_id = self.rivals
        self.assertFalse(self.seen("account.move", "manager"))
        boss.parent_id = self.acme
        self.assertEqual(
            self.seen("account.move", "manager"), self.orders["manager"].invoice_ids)
        self.acme._set_roles(boss, ["is_billing"])
        self.assertEqual(len(self.seen("account.move", "manager")), 2)

    @mute_logger("odoo.http")
    def test_cards(self):
        """The company's cards: listed for, charged by and removed by who pays its bills only."""
        tokens = self.env["payment.token"]
        for role, person in self.people.items():
            bills = "bill" in TABLE[role]
            with self.subTest(role=role):
                company = self.tokens["company"]
                listed = tokens.sudo()._get_available_tokens(None, person.id, is_validation=True)
                self.assertEqual(
                    listed, self.tokens[role] | (company if bills else company.browse()))
                for whose in ("company", "manager"):
                    self.assertEqual(
                        bool(self.tokens[whose]._usable_by(person)), bills or role == whose)
                self.sign_in(role)
                self.url_open(
                    "/payment/archive_token", json={"params": {"token_id": company.id}})
                self.assertEqual(company.active, not bills)
                company.active = True

    @mute_logger("odoo.http")
    def test_a_colleague_s_card_is_not_charged(self):
        order, token = self.orders["learner"], self.tokens["manager"]
        for role, refused in (("learner", True), ("billing", False)):
            self.sign_in(role)
            answer = self.url_open(f"/my/orders/{order.id}/transaction", json={"params": {
                "amount": order.amount_total, "access_token": order._portal_ensure_token(),
                "provider_id": token.provider_id.id, "payment_method_id": None,
                "token_id": token.id, "flow": "token", "tokenization_requested": False,
                "landing_route": "/my"}}).text
            self.assertEqual("do this" in answer and "Manager" in answer, refused, answer)

    def test_invoice_addresses(self):
        """Odoo lets each contact change and archive all addresses of the company."""
        company, own = self.env["res.partner"].create([
            {"name": "Accounts", "type": "invoice", "parent_id": parent.id}
            for parent in (self.acme, self.people["learner"])])
        for role, person in self.people.items():
            for address in (company, own):
                self.assertEqual(
                    address.with_user(person.user_ids).sudo()._can_be_edited_by_current_customer(),
                    "bill" in TABLE[role] or (role == "learner" and address == own))
