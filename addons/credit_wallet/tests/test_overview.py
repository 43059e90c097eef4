from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged

from .common_backoffice import BackofficeCase


@tagged("post_install", "-at_install")
class TestOverview(BackofficeCase, HttpCase):
    def setUp(self):
        super().setUp()
        # A company of its own: the figures are exact whatever else the database holds.
        self.company = self.env["res.company"].create({
            "name": "Overview", "credit_tz": "UTC", "chart_template": "fr"})
        self.company._credit_create_accounts()
        self.env["account.journal"].create({
            "name": "Miscellaneous", "code": "MISC", "type": "general",
            "company_id": self.company.id})
        for user in (self.viewer, self.accountant):
            user.write({"company_ids": [(4, self.company.id)], "company_id": self.company.id})
        self.today = self.company._credit_today()

    def overview(self, user=None):
        return self.env["credit.overview"].with_user(
            user or self.viewer).with_company(self.company).get_overview()

    def wallet(self, partner):
        return self.env["credit.wallet"]._of(partner, self.company)

    def grant(self, partner, credits, value=0.0, **kwargs):
        return self.wallet(partner)._grant(
            credits, value, f"overview:{partner.id}:{credits}:{value}", **kwargs)

    def test_empty(self):
        overview = self.overview()
        self.assertEqual(overview["outstanding"]["credits"], 0)
        self.assertEqual(overview["used"]["credits"], 0)
        self.assertEqual(len(overview["used"]["months"]), 12)
        self.assertEqual(overview["top"], [])

    def test_figures(self):
        self.grant(self.ana, 10, 100, expiry_date=self.today + timedelta(days=30))
        self.grant(self.ana, 5, 50, expiry_date=self.today + timedelta(days=31))
        self.grant(self.bob, 20, 60)
        with freeze_time(self.today - timedelta(days=400)):
            self.wallet(self.bob)._spend(1, "overview:long ago")
        self.wallet(self.ana)._spend(4, "overview:1")
        undone = self.wallet(self.ana)._spend(2, "overview:2")
        undone._reverse("overview:3", kind="refund")
        self.wallet(self.bob)._spend(7, "overview:4")
        overview = self.overview()
        self.assertEqual(overview["outstanding"]["credits"], 23)
        self.assertEqual(overview["outstanding"]["customers"], 2)
        self.assertAlmostEqual(overview["owed"]["value"], 146, 2)
        self.assertEqual(
            (overview["expiring"]["credits"], overview["expiring"]["customers"]), (6, 1))
        self.assertAlmostEqual(overview["expiring"]["value"], 60, 2)
        self.assertEqual(overview["used"]["credits"], 11)
        self.assertEqual([month["credits"] for month in overview["used"]["months"]],
                         [0] * 11 + [11])
        self.assertEqual([(customer["name"], customer["credits"]) for customer in overview["top"]],
                         [("Bob", 7), ("Ana", 4)])

    def test_lists_behind_the_figures(self):
        self.grant(self.ana, 10, 100, expiry_date=self.today + timedelta(days=3))
        self.grant(self.bob, 2, 10)
        overview = self.overview()
        lots = self.env["credit.lot"].search(overview["expiring"]["domain"])
        self.assertEqual(sum(lots.mapped("remaining")), overview["expiring"]["credits"])
        wallets = self.env["credit.wallet"].search(overview["outstanding"]["domain"])
        self.assertEqual(sum(wallets.mapped("balance")), overview["outstanding"]["credits"])

    def test_access(self):
        self.assertTrue(self.overview(self.accountant))
        for user in (self.portal, self.env.ref("base.public_user")):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.env["credit.overview"].with_user(user).get_overview()

    def test_constant_queries(self):
        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.env.cr.sql_log_count
            self.overview()
            return self.env.cr.sql_log_count - start

        def use(partners):
            for partner in partners:
                self.grant(partner, 10, 100)
                self.wallet(partner)._spend(1, f"overview:use:{partner.id}")
        use(self.ana)
        queries()  # fills the caches
        few = queries()
        use(self.env["res.partner"].create([{"name": f"Many {number}"} for number in range(9)]))
        self.assertEqual(queries(), few)

    def test_screen(self):
        """The page shows the figures and the chart."""
        # Debian's Odoo leaves this file out, and every page would log an error.
        self.env["ir.asset"].create({
            "name": "Left out", "bundle": "web.assets_backend", "directive": "remove",
            "path": "mail/static/lib/selfie_segmentation/selfie_segmentation.js"})
        self.grant(self.ana, 12345, 100)
        self.browser_js(
            "/odoo/credits", """
                const chart = () => document.querySelector(".o_credit_overview canvas");
                const wait = setInterval(() => {
                    const text = document.querySelector(".o_credit_overview")?.innerText || "";
                    if (text.includes("12,345") && chart()?.height > 0) {
                        clearInterval(wait);
                        console.log("test successful");
                    }
                }, 100);""", login=self.viewer.login)
