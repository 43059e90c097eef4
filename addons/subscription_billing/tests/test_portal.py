"""What customers do by themselves: plans, cart, « Mon compte › Abonnements »."""

from datetime import date
from urllib.parse import urlencode

from freezegun import freeze_time

from odoo import http
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools.misc import formatLang

from .common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestPortal(HttpCase, SubscriptionCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = cls.make_portal("subscriber")
        cls.stranger = cls.make_portal("stranger")
        (cls.starter + cls.pro).is_published = True
        cls.starter.description_sale = "For one person"
        cls.subscription = cls.draft(cls.starter, partner_id=cls.owner.partner_id.id)
        cls.subscription._start()
        cls.url = f"/my/subscriptions/{cls.subscription.id}"

    def post(self, url, **data):
        return self.url_open(url, {"csrf_token": http.Request.csrf_token(self), **data})

    def test_state_next_invoice_and_history(self):
        self.authenticate("subscriber", "subscriber")
        page = self.url_open("/my/subscriptions").text
        self.assertIn("Starter", page)
        page = self.url_open(self.url).text
        self.assertIn("An invoice waits for your payment", page)
        self.assertIn("Next invoice", page)
        self.assertIn(self.subscription.period_ids.invoice_id.name, page)
        self.assertIn("Pay invoice", page)
        self.pay(self.subscription.period_ids.invoice_id)
        page = self.url_open(self.url).text
        self.assertIn("All is well", page)
        self.assertNotIn("Pay invoice", page)

    def test_another_customer_gets_404(self):
        """Every page and action of somebody else's subscription: 404, and nothing happens."""
        self.authenticate("stranger", "stranger")
        self.assertNotIn("Starter", self.url_open("/my/subscriptions").text)
        for path in ("", "/change?quantity=2"):
            self.assertEqual(self.url_open(self.url + path).status_code, 404)
        for path in ("/change", "/cancel", "/keep", "/resume", "/drop", "/token"):
            self.assertEqual(self.post(self.url + path, quantity=2).status_code, 404, path)
        self.assertEqual((self.subscription.state, self.subscription.quantity), ("active", 1))
        self.assertFalse(self.subscription.end_date)
        portal = self.env["subscription.subscription"].with_user(self.stranger)
        self.assertFalse(portal.search([]))
        self.assertFalse(self.env["subscription.period"].with_user(self.stranger).search([]))

    def test_change_previewed_then_confirmed(self):
        self.authenticate("subscriber", "subscriber")
        price = self.pro.price_ids
        preview = self.subscription._preview_change(price)
        page = self.url_open(f"{self.url}/change?{urlencode({'price': price.id})}").text
        self.assertIn("To pay now", page)
        self.assertIn(f"{preview['due']:.2f}", page)
        self.assertEqual(self.subscription.plan_id, self.starter)
        for _each in range(2):  # the same click twice: effect once
            self.post(f"{self.url}/change", price=price.id, quantity=1, timing="now",
                      due=preview["due"])
        self.assertEqual(self.subscription.plan_id, self.pro)
        changes = self.subscription.change_ids
        self.assertEqual(len(changes), 1)
        self.assertEqual(changes.invoice_id.amount_total, preview["charge"]["total"])
        self.assertEqual(changes.credit_note_id.amount_total, preview["credit"]["total"])

    def test_change_of_amount_since_shown(self):
        self.authenticate("subscriber", "subscriber")
        for due in ("1.00", "nonsense", "nan", "inf"):
            page = self.post(f"{self.url}/change", price=self.pro.price_ids.id, due=due)
            self.assertIn("Look at it again", page.text)
        self.assertEqual(self.subscription.plan_id, self.starter)

    def test_price_of_another_family_is_not_offered(self):
        family = self.env["subscription.family"].create({"name": "Hidden"})
        hidden = self.make_plan("Hidden", 1.0, family_id=family.id)
        self.authenticate("subscriber", "subscriber")
        self.post(f"{self.url}/change", price=hidden.price_ids.id, quantity=1, due=0)
        self.assertEqual(self.subscription.plan_id, self.starter)

    def test_cancel_and_keep(self):
        self.authenticate("subscriber", "subscriber")
        for _each in range(2):
            page = self.post(f"{self.url}/cancel").text
        self.assertIn("Keep my subscription", page)
        self.assertEqual(self.subscription.end_date, self.subscription.next_date)
        self.assertEqual(self.events(self.subscription).count("cancel"), 1)
        self.post(f"{self.url}/keep")
        self.assertFalse(self.subscription.end_date)

    def test_token_of_another_customer_is_refused(self):
        provider = self.env.ref("payment.payment_provider_demo")
        provider.write({"state": "test", "company_id": self.company.id})
        tokens = self.env["payment.token"].create([{
            "provider_id": provider.id, "payment_details": "4242", "provider_ref": user.login,
            "payment_method_id": provider.payment_method_ids[:1].id,
            "partner_id": user.partner_id.id, "demo_simulated_state": "done",
        } for user in (self.owner, self.stranger)])
        self.authenticate("subscriber", "subscriber")
        self.post(f"{self.url}/token", token=tokens[1].id)
        self.assertFalse(self.subscription.token_id)
        self.post(f"{self.url}/token", token=tokens[0].id)
        self.assertEqual(self.subscription.token_id, tokens[0])
        self.post(f"{self.url}/token", token=0)
        self.assertFalse(self.subscription.token_id)

    def test_prices_say_whether_taxed(self):
        """« 49,00 € HT »: what is asked for without tax says so, and what consumers pay."""
        price = self.starter.price_ids.with_context(lang="en_US")
        amount = formatLang(price.env, price.amount, currency_obj=price.currency_id)
        self.assertEqual(price._amount_label(), amount)  # no tax, no word
        tax = self.env["account.tax"].create({
            "name": "20 %", "amount": 20.0, "type_tax_use": "sale",
            "price_include_override": "tax_excluded"})
        self.starter.taxes_id = tax
        website = self.env["website"].search([], limit=1)
        paid = formatLang(price.env, price.amount * 1.2, currency_obj=price.currency_id)
        for shown in ("tax_included", "tax_excluded"):
            website.show_line_subtotals_tax_selection = shown
            page = self.url_open("/subscriptions").text
            self.assertIn(f"{amount} excl. tax", page)
            self.assertEqual(f"{paid} incl. tax" in page, shown == "tax_included")
        tax.price_include_override = "tax_included"
        self.assertEqual(price._amount_label(), f"{amount} incl. tax")
        self.assertEqual(price._total_label(), "")

    def test_two_invoices_wait(self):
        self.subscription._renew()
        sentence = self.subscription.with_context(lang="en_US")._state_sentence()
        self.assertIn("2 invoices wait for your payment", sentence)

    def test_sign_up_from_the_pricing_page(self):
        """A visitor sees the plans and cycles, and one goes into the cart at its price."""
        self.starter.price_ids.setup_fee = 25.0
        yearly = self.env["subscription.plan.price"].create({
            "plan_id": self.starter.id, "interval_unit": "year", "amount": 990.0,
            "setup_fee": 40.0})
        page = self.url_open("/subscriptions").text
        for text in ("Starter", "For one person", "per month", "per year"):
            self.assertIn(text, page)
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        before = self.env["sale.order"].search([], order="id desc", limit=1)
        for price in (self.starter.price_ids[0], yearly, yearly):
            answer = self.url_open("/subscriptions/subscribe", {
                "csrf_token": token, "price_id": price.id})
            self.assertEqual(answer.status_code, 200)
        order = self.env["sale.order"].search([("id", ">", before.id or 0)])
        self.assertEqual(len(order), 1)
        self.assertEqual(order.order_line.mapped("price_unit"), [990.0, 40.0])
        self.assertEqual(
            self.url_open("/subscriptions/subscribe", {
                "csrf_token": token, "price_id": 0}).status_code, 404)

    def test_plans_are_not_shown_when_not_published(self):
        self.pro.is_published = False
        self.assertNotIn("Pro<", self.url_open("/subscriptions").text)


@tagged("post_install", "-at_install")
class TestOrder(SubscriptionCommon):
    """Recurring services on a normal order."""

    def order(self, plan, **line):
        return self.env["sale.order"].create({
            "partner_id": self.customer.id,
            "order_line": [Command.create({"product_id": plan.product_variant_id.id, **line})]})

    def test_order_bills_the_first_period(self):
        self.starter.price_ids.setup_fee = 25.0
        with freeze_time("2027-01-10 12:00:00"):
            order = self.order(self.starter, product_uom_qty=2, discount=10)
            self.assertEqual(order.amount_untaxed, 205.0)
            order.action_confirm()
            subscription = order.order_line.subscription_ids
            self.assertEqual(len(subscription), 1)
            invoice = order._create_invoices()
            invoice.action_post()
        period = subscription.period_ids
        self.assertEqual((period.state, period.amount), ("invoiced", 180.0))
        self.assertEqual(invoice.amount_untaxed, 205.0)
        self.run_due(date(2027, 2, 10))
        self.assertEqual(self.invoices(subscription)[-1].amount_untaxed, 200.0)

    def test_credit_note_by_hand_counts(self):
        """A credit note made with Odoo's own wizard lowers what can still be credited."""
        with freeze_time("2027-01-01 12:00:00"):
            subscription = self.draft(self.starter)
            subscription._start()
        period = subscription.period_ids
        reversal = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=period.invoice_id.ids).create(
                {"journal_id": period.invoice_id.journal_id.id})
        note = self.env["account.move"].browse(reversal.refund_moves()["res_id"])
        note.invoice_line_ids.price_unit = 60.0
        note.action_post()
        self.assertEqual(period.credited, 60.0)
        with freeze_time("2027-01-11 12:00:00"):
            subscription._cancel(now=True)
        # 20 of 31 days would be 64.52; what is left of the invoice above the 11 days is less
        self.assertEqual(period.credited, 64.52)

    def test_trial_costs_nothing_today(self):
        self.pro.trial_days = 14
        self.pro.price_ids.setup_fee = 25.0
        order = self.order(self.pro)
        self.assertEqual(order.amount_total, 0.0)
        order.action_confirm()
        subscription = order.order_line.subscription_ids
        self.assertEqual(subscription.state, "trial")
        self.run_due(subscription.trial_end)
        self.assertEqual(self.invoices(subscription).amount_untaxed, 225.0)
        self.assertEqual(self.order(self.starter).order_line.price_unit, 100.0)
