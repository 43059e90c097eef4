"""« Mettre à jour » the card and pay all that is due, in one step of the portal."""

from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, JsonRpcException, tagged
from odoo.tools import mute_logger

from .common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestPortalPay(HttpCase, SubscriptionCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.env.ref("payment.payment_provider_demo")
        cls.provider.write({
            "state": "test", "is_published": True, "company_id": cls.company.id,
            "allow_tokenization": True})
        cls.method = cls.provider.payment_method_ids.filtered("support_tokenization")[:1]
        cls.owner = cls.make_portal("subscriber")
        cls.stranger = cls.make_portal("stranger")
        cls.refused = cls.env["payment.token"].create({
            "provider_id": cls.provider.id, "payment_method_id": cls.method.id,
            "payment_details": "0341", "provider_ref": "demo",
            "partner_id": cls.owner.partner_id.id, "demo_simulated_state": "error"})
        cls.subscription = cls.draft(cls.starter, partner_id=cls.owner.partner_id.id)
        cls.subscription._start()
        cls.subscription.token_id = cls.refused
        cls.first = cls.subscription.period_ids
        cls.url = f"/my/subscriptions/{cls.subscription.id}"

    def suspend(self):
        """Leave two months unpaid, so that the service is off."""
        with self.at(self.subscription._today()):
            periods = self.first + self.subscription._bill_next_period()
            periods.charge_at = False
            periods._start_dunning()
            self.subscription._suspend()
        return periods

    def start(self, page, **more):
        """Press « Payer » on the page: what the form sends, as Odoo's script does."""
        form = page.split('id="o_payment_form"')[1]
        value = {name: form.split(f'data-{name}="')[1].split('"')[0] for name in (
            "amount", "access-token", "transaction-route", "landing-route")}
        return self.make_jsonrpc_request(value["transaction-route"], {
            "provider_id": self.provider.id, "payment_method_id": self.method.id,
            "token_id": None, "amount": float(value["amount"]), "flow": "direct",
            "tokenization_requested": False, "landing_route": value["landing-route"],
            "is_validation": False, "access_token": value["access-token"], **more})

    def answer(self, values, state):
        """Let the provider answer, then do what the page of the payment's state does."""
        self.make_jsonrpc_request("/payment/demo/simulate_payment", {
            "reference": values["reference"], "payment_details": "4444",
            "simulated_state": state})
        return self.make_jsonrpc_request("/payment/status/poll")

    def test_new_card_pays_all_that_is_due_and_the_renewals(self):
        periods = self.suspend()
        self.authenticate("subscriber", "subscriber")
        page = self.url_open(self.url).text
        self.assertIn("Update my card and pay", page)
        self.assertIn("200.00", page.split("o_subscription_pay")[1][:400])
        page = self.url_open(f"{self.url}/pay").text
        for invoice in periods.invoice_id:
            self.assertIn(invoice.name, page)
        self.assertNotIn("o_payment_tokenize_checkbox", page)
        status = self.answer(self.start(page), "done")
        self.assertEqual(status["landing_route"], self.url)
        self.assertEqual(periods.mapped("state"), ["paid", "paid"])
        self.assertEqual(self.subscription.state, "active")
        self.assertEqual(self.subscription.token_id.payment_details, "4444")
        self.assertFalse(self.subscription.dunning_next_date)
        subjects = self.mails_to(self.owner.partner_id).mapped("subject")
        self.assertEqual(
            subjects.count(f"Your subscription {self.subscription.name} is on again"), 1)
        self.assertEqual(len([each for each in subjects if each.startswith("Payment rec")]), 2)
        page = self.url_open(self.url).text
        self.assertNotIn("Update my card", page)
        self.assertIn("4444", page)
        # Back on the page of the payment: there is nothing to pay.
        self.assertTrue(self.url_open(f"{self.url}/pay").url.endswith(self.url))

    def test_refused_card_changes_nothing(self):
        periods = self.suspend()
        self.authenticate("subscriber", "subscriber")
        self.answer(self.start(self.url_open(f"{self.url}/pay").text), "error")
        self.assertEqual(periods.mapped("state"), ["invoiced", "invoiced"])
        self.assertEqual(self.subscription.state, "suspended")
        self.assertEqual(self.subscription.token_id, self.refused)
        page = self.url_open(self.url).text
        self.assertIn("alert-danger", page, "the refusal is said where the customer lands")
        self.assertNotIn("alert-danger", self.url_open(self.url).text)

    def test_another_customer_gets_404(self):
        self.suspend()
        self.authenticate("subscriber", "subscriber")
        page = self.url_open(f"{self.url}/pay").text
        self.authenticate("stranger", "stranger")
        self.assertEqual(self.url_open(f"{self.url}/pay").status_code, 404)
        count = self.env["payment.transaction"].search_count([])
        with self.assertRaisesRegex(JsonRpcException, "NotFound"), mute_logger("odoo.http"):
            self.start(page)
        self.assertEqual(self.env["payment.transaction"].search_count([]), count)

    def test_another_amount_is_refused(self):
        """Neither another amount, nor the one shown when something else is due by now."""
        periods = self.suspend()
        self.authenticate("subscriber", "subscriber")
        page = self.url_open(f"{self.url}/pay").text
        with self.assertRaisesRegex(JsonRpcException, "ValidationError"), mute_logger("odoo.http"):
            self.start(page, amount=1.0)
        for period in periods:
            self.pay(period.invoice_id)
            with self.assertRaisesRegex(JsonRpcException, "ValidationError"), \
                    mute_logger("odoo.http"):
                self.start(page)
        self.assertFalse(periods.invoice_id.transaction_ids)

    def test_what_is_being_charged_is_not_paid_twice(self):
        """The saved card is about to be charged, or its answer is awaited: no button, no form."""
        self.first.charge_at = fields.Datetime.now() + timedelta(days=1)
        self.authenticate("subscriber", "subscriber")
        self.assertNotIn("o_subscription_pay", self.url_open(self.url).text)
        self.assertTrue(self.url_open(f"{self.url}/pay").url.endswith(self.url))
        self.first.charge_at = False
        self.assertIn("o_subscription_pay", self.url_open(self.url).text)
        self.first._create_transaction().state = "pending"
        self.assertNotIn("o_subscription_pay", self.url_open(self.url).text)

    def test_second_tab_gives_the_first_up(self):
        """Two tabs take the money once; while a payment is under way, there is no other one."""
        self.first.charge_at = False
        self.authenticate("subscriber", "subscriber")
        page = self.url_open(f"{self.url}/pay").text
        tabs = [self.start(page), self.start(page)]
        made = self.env["payment.transaction"].search(
            [("reference", "in", [each["reference"] for each in tabs])], order="id")
        self.assertEqual(made.mapped("state"), ["cancel", "draft"])
        self.answer(tabs[1], "pending")
        with self.assertRaisesRegex(JsonRpcException, "UserError|ValidationError"), \
                mute_logger("odoo.http"):
            self.start(page)
        self.assertEqual(self.first.invoice_id.transaction_ids, made)

    def test_only_where_a_card_can_be_saved(self):
        self.first.charge_at = False
        self.authenticate("subscriber", "subscriber")
        self.provider.allow_tokenization = False
        page = self.url_open(self.url).text
        self.assertNotIn("o_subscription_pay", page)
        self.assertIn("Pay invoice", page)
