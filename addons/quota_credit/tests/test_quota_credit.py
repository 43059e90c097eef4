"""Extra units paid from the wallet: one debit, one grant, one invoice of nothing to pay."""

from datetime import date

from odoo import http
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.credit_wallet.exceptions import InsufficientCredits
from odoo.addons.subscription_billing.tests.common import SubscriptionCommon

START = date(2027, 1, 1)


@tagged("post_install", "-at_install")
class TestQuotaForCredits(HttpCase, SubscriptionCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.credit_tz = "Europe/Paris"
        cls.company._credit_create_accounts()
        cls.vat = cls.env["account.tax"].search([
            ("type_tax_use", "=", "sale"), ("amount", "=", 20.0), ("tax_scope", "=", "service"),
            ("price_include_override", "!=", "tax_included"),
            ("company_id", "=", cls.company.id)], limit=1)
        cls.credit_pack = cls.env["product.template"].create({
            "name": "10 credits", "type": "service", "service_tracking": "credit_pack",
            "invoice_policy": "order", "credit_count": 10, "list_price": 100.0,
            "taxes_id": [Command.set(cls.vat.ids)]})
        cls.wallet = cls.env["credit.wallet"]._of(cls.customer, cls.company)
        cls.scans = cls.env["quota.metric"].create(
            {"name": "Test scans", "code": "test_scans", "unit": "scans"})
        cls.starter.quota_limit_ids = [
            Command.create({"metric_id": cls.scans.id, "limit_value": 100})]
        cls.pack = cls.env["product.template"].create({
            "name": "50 more", "type": "service", "service_tracking": "quota_pack",
            "invoice_policy": "order", "quota_metric_id": cls.scans.id, "quota_units": 50,
            "list_price": 20.0, "quota_credit_price": 4, "is_published": True,
            "taxes_id": [Command.set(cls.vat.ids)]})

    def tearDown(self):
        self.assertEqual(self.env["credit.wallet"]._check_invariants(), [])
        super().tearDown()

    def bought(self, partner=None):
        """Make a subscription that runs, and a paid pack of 10 credits at 100.00 for its customer.
        """
        partner = partner or self.customer
        self.credit_invoice = self.buy_credits(partner)
        return self.subscribe(self.starter, START, partner_id=partner.id)

    def buy_credits(self, partner):
        with self.at(START):
            order = self.env["sale.order"].create({
                "partner_id": partner.id, "order_line": [Command.create({
                    "product_id": self.credit_pack.product_variant_id.id})]})
            order.action_confirm()
            invoice = order._create_invoices()
            invoice.action_post()
            self.pay(invoice)
        return invoice

    def buy(self, subscription, key="click"):
        with self.at(START):
            return subscription._quota_buy_with_credits(self.pack, self.customer, key)

    def limit(self, subscription):
        with self.at(START):
            return subscription._quota_state()[0]["limit"]

    def entries(self):
        return self.wallet.entry_ids.filtered(lambda entry: entry.kind == "quota")

    def test_same_click_twice_pays_once(self):
        """The value of the credits becomes income, by an invoice of nothing to pay."""
        subscription = self.bought()
        for _each in range(2):
            grant = self.buy(subscription)
        self.assertEqual((self.wallet.balance, self.limit(subscription)), (6, 150))
        self.assertEqual(len(subscription.quota_grant_ids), 1)
        self.assertEqual(grant.quantity, 50)
        entry = self.entries()
        self.assertEqual((entry.credits, entry.value), (-4, -40.0))
        invoice = entry.move_ids
        self.assertEqual((len(invoice), invoice.amount_total, invoice.payment_state), (
            1, 0.0, "paid"))
        self.assertEqual(invoice.invoice_line_ids[0].product_id, self.pack.product_variant_id)
        self.assertEqual(self.wallet.lot_ids.value_remaining, 60.0)
        with self.at(START):  # staff do the same by a wizard
            wizard = self.env["quota.credit.purchase"].with_user(self.user).with_context(
                active_id=subscription.id).create({"pack_id": self.pack.id})
            self.assertEqual((wizard.balance, wizard.credits), (6, 4))
            wizard.action_confirm()
            wizard.action_confirm()
        self.assertEqual((self.wallet.balance, self.limit(subscription)), (2, 200))

    def test_refused_changes_nothing(self):
        firm = self.make_customer("Firm", is_company=True, vat=False)
        employee = self.make_customer("Employee", parent_id=firm.id)
        subscription = self.bought(firm)
        wallet = self.env["credit.wallet"]._of(firm, self.company)
        for buyer, price, error, message in (
                (firm, 11, InsufficientCredits, "11 credits needed"),
                (firm, 0, UserError, "not sold for credits"),
                (employee, 4, UserError, "may not spend")):
            self.pack.quota_credit_price = price
            with self.assertRaisesRegex(error, message), self.env.cr.savepoint(), \
                    self.at(START):
                subscription._quota_buy_with_credits(self.pack, buyer, "click")
        self.assertEqual((wallet.balance, self.limit(subscription)), (10, 100))

    def test_credits_refunded_after_they_bought_units_are_owed(self):
        """As after a booking: the pack's refund takes back what is left and states the rest."""
        subscription = self.bought()
        self.buy(subscription)
        with self.at(START):
            self.credit_invoice._reverse_moves([{"invoice_date": START}], cancel=True)
        self.assertEqual(self.wallet.balance, 0)
        self.assertEqual(self.wallet.debt_ids.credits, 4)

    def test_portal(self):
        """The button of one page pays once, and another customer's is 404."""
        owner, stranger = self.make_portal("credit_owner"), self.make_portal("credit_stranger")
        subscription = self.draft(self.starter, partner_id=owner.partner_id.id)
        subscription._start()
        self.buy_credits(owner.partner_id)
        wallet = self.env["credit.wallet"]._of(owner.partner_id, self.company)
        url = f"/my/subscriptions/{subscription.id}/packs"
        self.authenticate("credit_owner", "credit_owner")
        page = self.url_open(url).text
        self.assertIn("Pay 4 credits", page)
        key = page.split('name="key" value="')[1].split('"')[0]
        data = {"csrf_token": http.Request.csrf_token(self), "key": key}
        for _each in range(2):
            page = self.url_open(f"{url}/{self.pack.id}/credits", data).text
        self.assertIn("added to your quota", page)
        self.assertEqual((wallet.balance, subscription._quota_state()[0]["limit"]), (6, 150))
        self.assertIn("Extra units", self.url_open("/my/credits?filterby=quota").text)
        self.authenticate(stranger.login, stranger.login)
        data["csrf_token"] = http.Request.csrf_token(self)
        self.assertEqual(
            self.url_open(f"{url}/{self.pack.id}/credits", data).status_code, 404)
        self.assertEqual(wallet.balance, 6)

