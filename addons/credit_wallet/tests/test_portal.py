from odoo import http
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import HttpCase, new_test_user, tagged

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestPortal(HttpCase, CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal = new_test_user(cls.env, "camille_portal", "base.group_portal", lang="en_US")
        cls.other = new_test_user(cls.env, "other_portal", "base.group_portal", lang="en_US")
        cls.wallet = cls.env["credit.wallet"]._of(cls.portal.partner_id, cls.company)

    def test_wallet_page_shows_balance_expiry_and_history(self):
        """INSAHO §2.3: balance and history in « Mon compte »."""
        self.sell(self.make_pack(10, credit_validity_months=12), partner=self.portal.partner_id)
        self.wallet._spend(4, "spend:4", origin="Prise de parole")
        self.authenticate("camille_portal", "camille_portal")
        page = self.url_open("/my/credits").text
        for expected in ("6 credits", "Prise de parole", "+10", "-4"):
            self.assertIn(expected, page)
        self.assertNotIn("Prise de parole", self.url_open("/my/credits?filterby=purchase").text)

    def test_export_holds_ones_own_history_only(self):
        self.sell(self.make_pack(10), partner=self.portal.partner_id)
        for login, lines in (("camille_portal", 2), ("other_portal", 1)):
            self.authenticate(login, login)
            answer = self.url_open("/my/credits/export.csv")
            self.assertEqual(len(answer.text.strip().splitlines()), lines, answer.text)
            self.assertEqual(self.url_open("/my/credits/export.xlsx").status_code, 200)

    def test_history_links_to_the_invoice(self):
        invoice = self.sell(self.make_pack(10), partner=self.portal.partner_id)
        self.authenticate("camille_portal", "camille_portal")
        self.assertIn(f"/my/invoices/{invoice.id}", self.url_open("/my/credits").text)

    def test_empty_wallet_leads_to_the_packs(self):
        self.authenticate("other_portal", "other_portal")
        self.assertIn("/credits/packs", self.url_open("/my/credits").text)

    def test_another_customer_sees_nothing(self):
        entry = self.give(5)
        self.assertEqual(entry.with_user(self.portal).credits, 5)
        for record in (self.wallet, entry, entry.lot_move_ids.lot_id):
            with self.assertRaises(AccessError):
                record.with_user(self.other).read(["id"])

    def test_only_named_contacts_see_a_company_wallet(self):
        company = self.env["res.partner"].create({"name": "ACME", "is_company": True})
        self.portal.partner_id.parent_id = company
        wallet = self.env["credit.wallet"]._of(self.portal.partner_id, self.company)
        self.assertEqual(wallet.partner_id, company)
        self.assertFalse(wallet._may_spend(self.portal.partner_id))
        with self.assertRaises(AccessError):
            wallet.with_user(self.portal).read(["balance"])
        wallet.spender_ids = self.portal.partner_id
        self.assertTrue(wallet._may_spend(self.portal.partner_id))
        self.assertEqual(wallet.with_user(self.portal).balance, 0)

    def test_search_finds_what_may_be_read(self):
        """The portal rules are written as a search by index: it agrees with the field."""
        entry = self.give(5)
        shared = self.env["credit.wallet"]._of(self.customer, self.company)
        self.portal.partner_id.parent_id = self.customer
        shared.spender_ids = self.portal.partner_id
        for user, wallets in ((self.portal, self.wallet | shared), (self.other, shared.browse())):
            found = self.env["credit.wallet"].with_user(user).search([])
            self.assertEqual(found, wallets.sorted("id", reverse=True))
            self.assertEqual(found, self.env["credit.wallet"].search([]).filtered(
                lambda wallet, user=user: user.partner_id in wallet.reader_ids))
            for record in (entry, entry.lot_move_ids.lot_id):
                self.assertEqual(
                    record.with_user(user).search([("wallet_id", "=", self.wallet.id)]),
                    record if wallets else record.browse())

    def test_the_way_back_stays_on_this_site(self):
        self.authenticate("camille_portal", "camille_portal")
        for path in ("https://evil.example", "//evil.example", "/\\evil.example",
                     "/\t/evil.example", "/\n\\evil.example", " //evil.example", "//[", "trainings",
                     "////evil.example/x/..//", "javascript:alert(1)", "/" * 3000):
            with self.subTest(path=path):
                self.url_open("/credits/packs", params={"back": path})
                session = http.root.session_store.get(self.session.sid)
                kept = session.get("credit_return_path")
                self.assertTrue(kept is None or kept.count("//") == 0 and kept[0] == "/", kept)
        self.url_open("/credits/packs", params={"back": "/trainings/1?a=b#c"}, method="HEAD")
        self.assertNotIn("credit_return_path", http.root.session_store.get(self.session.sid))
        self.url_open("/credits/packs", params={"back": "/trainings/1?a=b#c"})
        self.assertEqual(http.root.session_store.get(self.session.sid)["credit_return_path"],
                         "/trainings/1?a=b#c")

    def test_numbers_that_are_none(self):
        """Issue 19, kind 3: digits without end are no server error."""
        self.wallet.manager_ids = self.portal.partner_id
        self.authenticate("camille_portal", "camille_portal")
        for digits in ("9" * 5000, "9" * 12, "-1", "x"):
            answer = self.url_open(f"/my/credits/{self.wallet.id}/allot", {
                "csrf_token": http.Request.csrf_token(self), "partner_id": digits,
                "credits": digits})
            self.assertLess(answer.status_code, 500)
        self.assertEqual(self.url_open("/my/credits/page/99999999999").status_code, 404)

    def test_lengths(self):
        """Issue 19, kind 3: a name or a street that no document has room for."""
        partner = self.portal.partner_id
        for name in ("name", "street", "city", "zip", "phone"):
            with self.subTest(field=name), self.assertRaisesRegex(
                    ValidationError, "characters at most"), self.env.cr.savepoint():
                partner[name] = "x" * 20_000
