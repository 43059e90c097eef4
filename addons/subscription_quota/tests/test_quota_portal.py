"""« Mon compte »: quotas, extra units and API keys, by HTTP."""

import re

from odoo import http
from odoo.tests import HttpCase, tagged

from odoo.addons.subscription_billing.exceptions import WrongState

from .common_quota_screens import QuotaScreensCommon


@tagged("post_install", "-at_install")
class TestQuotaPortal(HttpCase, QuotaScreensCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.owner = cls.make_portal("quota_owner")
        cls.stranger = cls.make_portal("quota_stranger")
        cls.subscription = cls.draft(cls.starter, partner_id=cls.owner.partner_id.id)
        cls.subscription._start()
        cls.url = f"/my/subscriptions/{cls.subscription.id}"

    def setUp(self):
        super().setUp()
        self.authenticate("quota_owner", "quota_owner")

    def post(self, url, **data):
        return self.url_open(url, {"csrf_token": http.Request.csrf_token(self), **data})

    def test_bars_and_what_to_do(self):
        """Spec §8: bars with used, left and reset date; at the limit, the way to more."""
        self.pay(self.subscription.period_ids.invoice_id)
        self.subscription._quota_consume("test_scans", 85)
        for page in (self.url_open("/my/subscriptions").text, self.url_open(self.url).text):
            self.assertIn("85 of 100 scans", page)
            self.assertIn('aria-valuenow="85"', page)
            self.assertIn("15 left", page)
        self.assertIn("Test API", page)
        self.assertRegex(page, r"o_quota_banner[^>]*alert-warning")
        self.assertRegex(page, f'o_quota_banner[\\s\\S]{{0,300}}{self.url}/packs"')
        self.starter.quota_limit_ids.unlink()
        self.assertNotIn("o_quota", self.url_open(self.url).text)

    def test_only_packs_of_the_metric_are_offered(self):
        """Accounts are full and no pack has accounts: a larger plan; packs stay one click away."""
        self.pay(self.subscription.period_ids.invoice_id)
        self.subscription._quota_consume("test_accounts", 3)
        page = self.url_open(self.url).text
        self.assertRegex(page, r"o_quota_banner[^>]*alert-danger[\s\S]{0,400}Change to Pro")
        self.assertRegex(page, f'o_quota_more[^>]*{self.url}/packs"')
        self.assertIn(f"<title>{self.starter.name} {self.subscription.name} |", page)
        packs = self.url_open(f"{self.url}/packs").text
        self.assertIn("<title>Extra units |", packs)
        self.assertRegex(packs, rf'breadcrumb-item"><a href="[^"]*{self.url}">')

    def test_suspended_shows_the_way_to_pay(self):
        self.subscription._suspend()
        page = self.url_open(self.url).text
        self.assertRegex(page, r"o_quota_off[\s\S]{0,400}Pay now")

    def test_paused_is_off_at_once_and_says_so(self):
        """The day of the pause is used, as that of a cancellation: word and deed agree."""
        self.subscription._quota_consume("test_scans")
        self.subscription._pause()
        with self.assertRaisesRegex(WrongState, "The service is off"):
            self.subscription._quota_consume("test_scans")
        page = self.url_open(self.url).text
        self.assertIn("The service is off, and nothing is billed until you resume.", page)
        self.assertRegex(page, r"o_quota_off[\s\S]{0,200}until it resumes")
        self.starter.quota_limit_ids.filtered(lambda limit: limit.metric_id == self.api).write(
            {"limit_value": 1})
        self.assertNotIn("not included", self.url_open(self.url).text)  # it is, and it is off
        self.assertFalse(self.subscription._quota_check("test_api"))
        [mail] = self.env["mail.mail"].search([("subject", "=like", "%is paused")])
        self.assertIn("the service is off", mail.body_html)
        form = self.env["subscription.subscription"].get_view(view_type="form")["arch"]
        self.assertRegex(form, r'name="action_pause"[^>]*confirm="The service stops at once\.')
        self.subscription.resume_date = "2027-05-01"
        self.assertIn("until it resumes on 05/01/2027", self.subscription.with_context(
            lang="en_US")._state_sentence())

    def test_next_invoice_tells_what_is_beyond_the_limits(self):
        self.starter.quota_limit_ids.filtered(lambda limit: limit.metric_id == self.scans).write(
            {"mode": "soft", "overage_price": 0.5})
        self.subscription._quota_consume("test_scans", 100)
        self.assertNotIn("o_subscription_overage", self.url_open(self.url).text)
        self.subscription._quota_consume("test_scans", 24)
        self.assertRegex(
            self.url_open(self.url).text,
            r"Next invoice[\s\S]*o_subscription_overage[\s\S]{0,200}12\.00[\s\S]{0,40}"
            "beyond the limits so far")
        self.subscription._send_mail("subscription_billing.mail_template_renewal_ahead")
        [mail] = self.env["mail.mail"].search([("subject", "=like", "%renews soon")])
        self.assertRegex(mail.body_html, r"and[\s\S]{0,60}12\.00[\s\S]{0,60}beyond the limits")

    def test_a_pack_goes_to_the_cart_for_its_subscription(self):
        second = self.draft(self.pro, partner_id=self.owner.partner_id.id)
        second._start()
        page = self.url_open(f"{self.url}/packs").text
        self.assertIn("50 scans, until the quota starts anew", page)
        last = self.env["sale.order"].search([], order="id desc", limit=1).id or 0
        for subscription in (self.subscription, self.subscription, second):
            answer = self.post(f"/my/subscriptions/{subscription.id}/packs/{self.pack.id}")
            self.assertTrue(answer.url.endswith("/shop/cart"), answer.url)
        order = self.env["sale.order"].search([("id", ">", last)])
        self.assertEqual(len(order), 1)
        self.assertEqual(
            [(line.quota_subscription_id, line.product_uom_qty) for line in order.order_line],
            [(self.subscription, 2.0), (second, 1.0)])
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        self.pay(invoice)
        self.assertEqual(self.limit_of(self.subscription), 200)
        self.assertEqual(self.limit_of(second), 1050)
        other = self.env["quota.metric"].create({"name": "Other", "code": "test_other"})
        pack = self.make_quota_pack(other, 5)
        self.assertEqual(self.post(f"{self.url}/packs/{pack.id}").status_code, 404)

    def test_another_customer_gets_404(self):
        key, _secret = self.env["quota.api.key"]._make_for_customer(
            self.owner.partner_id, self.company, "Mine", ["can_check"])
        self.authenticate("quota_stranger", "quota_stranger")
        self.assertEqual(self.url_open(f"{self.url}/packs").status_code, 404)
        for path in (f"{self.url}/packs/{self.pack.id}", f"/my/quota/keys/{key.id}/rotate",
                     f"/my/quota/keys/{key.id}/revoke"):
            self.assertEqual(self.post(path).status_code, 404, path)
        self.assertNotIn(key.token_label, self.url_open("/my/quota/keys").text)
        self.assertFalse(key.revoked_at)
        status = self.env["quota.status"].with_user(self.stranger)
        self.assertFalse(status.has_access("read"))
        self.assertFalse(self.env["quota.alert"].with_user(self.stranger).has_access("read"))

    # Keys ---------------------------------------------------------------------------------------

    def secret_in(self, page):
        return re.search(r"qk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", page.text)

    def keys(self):
        return self.env["quota.api.key"].search(
            [("commercial_partner_id", "=", self.owner.partner_id.id)], order="id")

    def test_key_is_shown_once(self):
        self.assertIn("You have no key yet", self.url_open("/my/quota/keys").text)
        for data in ({"name": " ", "scopes": "can_check"}, {"name": "Scanner"},
                     {"name": "Scanner", "scopes": "is_service"}):
            page = self.post("/my/quota/keys", **data)
            self.assertIn("a name and one right", page.text)
        self.assertFalse(self.keys())
        page = self.post("/my/quota/keys", name="Scanner", scopes=["can_consume", "can_check"])
        secret = self.secret_in(page)[0]
        self.assertEqual(page.headers["Cache-Control"], "no-store")
        # The browser is led to a page that it may load again: no other key, and no secret.
        self.assertEqual({each.status_code for each in page.history}, {303})
        self.assertFalse(self.secret_in(self.url_open(page.url)))
        key = self.keys()
        self.assertEqual(
            (key.name, key.can_consume, key.can_check, key.can_history, key.company_id),
            ("Scanner", True, True, False, self.company))
        page = self.url_open("/my/quota/keys")
        self.assertFalse(self.secret_in(page))
        self.assertIn(key.token_label, page.text)
        self.assertIn("never used", page.text)
        self.env.cr.execute("SELECT row_to_json(k)::text FROM quota_api_key k")
        rows = "".join(row[0] for row in self.env.cr.fetchall())
        self.assertNotIn(secret.rsplit("_", 1)[1], rows)

    def test_two_live_at_once_then_revoked(self):
        first, _secret = self.env["quota.api.key"]._make_for_customer(
            self.owner.partner_id, self.company, "Scanner", ["can_check"])
        self.assertTrue(self.secret_in(self.post(f"/my/quota/keys/{first.id}/rotate")))
        page = self.post(f"/my/quota/keys/{first.id}/rotate")
        self.assertIn("Two keys named Scanner", page.text)
        self.assertFalse(self.secret_in(page))
        self.assertEqual(len(self.keys()), 2)
        for _each in range(2):
            page = self.post(f"/my/quota/keys/{first.id}/revoke")
        self.assertIn("Revoked on", page.text)
        self.assertTrue(first.revoked_at)
        self.assertFalse(self.keys()[1].revoked_at)
