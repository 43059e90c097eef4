"""Two purchases in one session: the buyer sees the order just paid, or why it was refused."""

import re

from odoo.tests import HttpCase, tagged

from .common import SubscriptionCommon

THANKS = "Thank you for your order"


@tagged("post_install", "-at_install")
class TestShopPayment(HttpCase, SubscriptionCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        provider = cls.env.ref("payment.payment_provider_demo")
        provider.write({"state": "test", "is_published": True, "company_id": cls.company.id})
        cls.provider, cls.method = provider, provider.payment_method_ids.filtered("active")[:1]
        website = cls.env["website"].get_current_website()
        website.company_id = cls.company
        (cls.starter + cls.pro).write({"is_published": True})
        cls.buyer = cls.make_portal("buyer")
        cls.buyer.partner_id.phone = "+33612345678"

    def put_in_cart(self, plan):
        page = self.url_open("/subscriptions").text
        token = re.search(r'name="csrf_token" value="([^"]*)"', page)[1]
        answer = self.url_open("/subscriptions/subscribe", data={
            "csrf_token": token, "price_id": plan.price_ids.id})
        self.assertTrue(answer.url.endswith("/shop/cart"), answer.text)

    def start(self, checkout):
        """Press « Payer »; `checkout`: come by the page of the addresses.

        :return: the reference of the transaction
        """
        if checkout:
            self.url_open("/shop/checkout?try_skip_step=true")
        page = self.url_open("/shop/payment")
        self.assertTrue(page.url.endswith("/shop/payment"), page.url)
        page = page.text
        value = {name: re.search(rf'data-{name}="([^"]*)"', page)[1] for name in (
            "transaction-route", "access-token", "landing-route")}
        self.landing_route = value["landing-route"]
        return self.make_jsonrpc_request(value["transaction-route"], {
            "access_token": value["access-token"], "provider_id": self.provider.id,
            "payment_method_id": self.method.id, "token_id": None, "flow": "direct",
            "tokenization_requested": False, "landing_route": value["landing-route"],
            "is_validation": False})["reference"]

    def answer(self, reference, state):
        """Let the provider answer; return where the page of the payment's state leads.

        :return: the page on which the buyer ends
        """
        self.make_jsonrpc_request("/payment/demo/simulate_payment", {
            "reference": reference, "payment_details": "4444", "simulated_state": state})
        status = self.make_jsonrpc_request("/payment/status/poll")
        self.assertEqual(status["state"], state)
        return self.url_open(status["landing_route"])

    def order_of(self, reference):
        return self.env["payment.transaction"].search(
            [("reference", "=", reference)]).sale_order_ids

    def buy(self, plan, state, checkout=True):
        self.put_in_cart(plan)
        reference = self.start(checkout)
        return self.order_of(reference), self.answer(reference, state)

    def test_second_card_is_declined(self):
        self.authenticate("buyer", "buyer")
        first, page = self.buy(self.starter, "done")
        self.assertIn(THANKS, page.text)
        self.assertIn(first.name, page.text)
        for checkout in (False, True):  # as by a link to the payment page, and by the checkout
            second, page = self.buy(self.pro, "error", checkout)
            self.assertNotIn(THANKS, page.text)
            self.assertNotIn(first.name, page.text)
            self.assertTrue(page.url.endswith("/shop/payment"), page.url)
            self.assertIn("was not accepted", page.text)
            self.assertIn("demo payment status: error", page.text)  # the reason
            # Nor when the buyer asks for the confirmation.
            page = self.url_open("/shop/confirmation")
            self.assertNotIn(THANKS, page.text)
            self.assertEqual(second.state, "draft")
        # The cart is kept: another card pays it.
        page = self.answer(self.start(checkout=False), "done")
        self.assertIn(THANKS, page.text)
        self.assertIn(second.name, page.text)
        self.assertNotIn(first.name, page.text)
        self.assertEqual(second.state, "sale")

    def test_nobody_is_thanked_before_paying(self):
        """The confirmation page thanked for a cart that was looked at on the payment page."""
        self.authenticate("buyer", "buyer")
        for page in ("/shop/checkout?try_skip_step=true", "/shop/payment"):
            self.put_in_cart(self.starter)
            self.url_open(page)
            answer = self.url_open("/shop/confirmation")
            self.assertNotIn(THANKS, answer.text)
            self.assertTrue(answer.url.endswith("/shop/cart"), answer.url)
        self.start(checkout=False)  # « Payer » was pressed, and nothing came of it yet
        self.assertNotIn(THANKS, self.url_open("/shop/confirmation").text)

    def test_second_order_is_the_one_thanked_for(self):
        self.authenticate("buyer", "buyer")
        first, _page = self.buy(self.starter, "done")
        second, page = self.buy(self.pro, "done", checkout=False)
        self.assertIn(THANKS, page.text)
        self.assertIn(second.name, page.text)
        self.assertNotIn(first.name, page.text)

    def test_second_tab_gives_the_first_up(self):
        """Two tabs of the payment page take the money once."""
        self.authenticate("buyer", "buyer")
        self.put_in_cart(self.starter)
        references = [self.start(checkout=False), self.start(checkout=False)]
        for reference, state in zip(references, ("cancel", "done"), strict=True):
            self.make_jsonrpc_request("/payment/demo/simulate_payment", {
                "reference": reference, "payment_details": "4444", "simulated_state": "done"})
            self.assertEqual(self.env["payment.transaction"].search(
                [("reference", "=", reference)]).state, state)
