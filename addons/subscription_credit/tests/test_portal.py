"""What customers see: the pricing page, their subscription, their wallet."""

from odoo import http
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .common import SubscriptionCreditCase


@tagged("post_install", "-at_install")
class TestPortal(HttpCase, SubscriptionCreditCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = cls.make_portal("subscriber")
        cls.stranger = cls.make_portal("stranger")
        (cls.small + cls.large).is_published = True
        cls.subscription = cls.draft(cls.small, partner_id=cls.owner.partner_id.id)
        cls.subscription._start()
        cls.url = f"/my/subscriptions/{cls.subscription.id}"

    def page(self, url, login="subscriber", lang="en_US"):
        self.owner.lang = lang
        self.authenticate(login, login)
        self.opener.cookies.set("frontend_lang", lang)
        return self.url_open(url)

    def test_subscription_says_its_credits(self):
        """« 10 crédits par mois, à utiliser jusqu'au … »: it fits one credit as well as ten."""
        last_day = self.subscription.period_ids.last_day
        page = self.page(self.url).text
        self.assertIn("10 credits per month, valid until", page)
        self.assertIn(last_day.strftime("%m/%d/%Y"), page)
        self.assertIn("10 credits once it is paid", page)
        self.pay(self.invoices(self.subscription))
        page = self.page(self.url, lang="fr_FR").text
        self.assertIn("10 crédits par mois, à utiliser jusqu’au", page)
        self.assertIn(last_day.strftime("%d/%m/%Y"), page)
        self.assertNotIn("dès le paiement", page.split("o_subscription_period_credits")[1][:200])

    def test_trial_says_its_credits(self):
        self.large.write({"trial_days": 10, "trial_credits": 2})
        trial = self.draft(self.large, partner_id=self.owner.partner_id.id)
        trial._start()
        page = self.page(f"/my/subscriptions/{trial.id}").text
        self.assertIn("2 credits for the trial, valid until", page)

    def test_wallet_names_subscription_and_period(self):
        self.pay(self.invoices(self.subscription))
        page = self.page("/my/credits").text
        self.assertIn(self.subscription.name, page)
        period = self.subscription.period_ids.with_context(lang="en_US")
        self.assertIn(period._dates_label(), page)
        self.assertIn(self.invoices(self.subscription).name, page)
        self.assertIn("10 credits", page)

    def test_another_customer_sees_nothing(self):
        self.pay(self.invoices(self.subscription))
        self.assertEqual(self.page(self.url, "stranger").status_code, 404)
        self.assertNotIn(self.subscription.name, self.page("/my/credits", "stranger").text)
        for model in ("credit.entry", "credit.lot", "subscription.period"):
            self.assertFalse(self.env[model].with_user(self.stranger).search([]))

    def test_pricing_page_shows_the_credits(self):
        self.large.write({"credit_rollover": True, "credit_validity_months": 6,
                          "trial_days": 14, "trial_credits": 2})
        self.starter.is_published = True
        page = self.url_open("/subscriptions").text
        self.assertIn("10 credits per month, valid until the end of each period", page)
        self.assertIn("20 credits per month, valid for 6 months", page)
        self.assertIn("2 credits", page.split("days free of charge")[1][:100])
        self.assertEqual(page.count("o_plan_credits"), 2)

    def test_preview_of_a_change_shows_the_credits(self):
        self.pay(self.invoices(self.subscription))
        page = self.page(f"{self.url}/change?price={self.large.price_ids.id}").text
        self.assertIn("o_preview_credits_taken", page)
        self.assertIn("20 credits", page.split("o_preview_credits_granted")[1][:200])
        self.assertEqual(self.subscription.plan_id, self.small)

    def test_from_the_pricing_page_to_the_wallet(self):
        """INSAHO §3.2 and §3.3: the plan goes into the cart; its credits come with the payment."""
        self.authenticate("stranger", "stranger")
        self.url_open("/subscriptions/subscribe", {
            "csrf_token": http.Request.csrf_token(self), "price_id": self.small.price_ids.id})
        order = self.env["sale.order"].search(
            [("partner_id", "=", self.stranger.partner_id.id)], order="id desc", limit=1)
        self.assertEqual(order.order_line.product_template_id, self.small.product_tmpl_id)
        transaction = self.env["payment.transaction"].create({
            "provider_id": self.env.ref("payment.payment_provider_demo").id,
            "payment_method_id": self.env.ref("payment.payment_method_card").id,
            "reference": "insaho-1", "amount": order.amount_total,
            "currency_id": order.currency_id.id, "partner_id": order.partner_id.id,
            "operation": "online_direct", "sale_order_ids": [Command.set(order.ids)]})
        transaction._set_done()
        transaction._post_process()
        wallet = self.env["credit.wallet"]._of(self.stranger.partner_id, self.company)
        self.assertEqual((wallet.balance, wallet.value), (10, 100.0))
        self.assertIn("10 credits", self.url_open("/my/credits").text)

    def test_plan_page_in_a_fixed_number_of_queries(self):
        """Each plan more costs no query more for its credits."""
        self.url_open("/subscriptions")
        plans = self.small + self.large
        plans.invalidate_recordset()
        self.env.invalidate_all()
        with self.assertQueryCount(6):
            for plan in plans:
                for price in plan.price_ids:
                    price._credits_sentence()
