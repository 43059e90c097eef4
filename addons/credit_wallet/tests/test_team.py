from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.credit_wallet.exceptions import InsufficientCredits

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestTeam(HttpCase, CreditCommon):
    """INSAHO §4, « Processus entreprise »: the manager allots the company's credits."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.acme = cls.env["res.partner"].create(
            {"name": "ACME", "is_company": True, "lang": "en_US"})
        users = {}
        for login in ("boss", "worker", "stranger"):
            users[login] = new_test_user(cls.env, login, "base.group_portal", lang="en_US")
        cls.boss, cls.worker = users["boss"].partner_id, users["worker"].partner_id
        (cls.boss | cls.worker).parent_id = cls.acme
        cls.stranger = users["stranger"].partner_id
        cls.wallet = cls.env["credit.wallet"]._of(cls.acme, cls.company)
        cls.acme._set_roles(cls.boss, ["is_manager"])

    def own(self, partner):
        return self.env["credit.wallet"].search([("partner_id", "=", partner.id)])

    def test_allotted_credits_keep_value_and_expiry(self):
        expiry = self.company._credit_today().replace(month=12, day=31)
        self.give(4, value=40.0, expiry_date=expiry)
        self.give(6, value=90.0)
        given, received = self.wallet._allot(self.worker, 5, "allot:1")
        again = self.wallet._allot(self.worker, 5, "allot:1")
        self.assertEqual(again, given | received)
        own = self.own(self.worker)
        self.assertEqual((own.balance, self.wallet.balance), (5, 5))
        self.assertEqual((received.value, given.value), (55.0, -55.0))
        self.assertEqual(
            [(lot.remaining, lot.value_remaining, lot.expiry_date) for lot in own.lot_ids],
            [(4, 40.0, expiry), (1, 15.0, False)])
        self.assertLedgerAgrees()
        self.wallet._take_back(self.worker, 3, "back:1")
        self.assertEqual((own.balance, self.wallet.balance), (2, 8))
        self.assertLedgerAgrees()

    def test_refused_allotments_write_nothing(self):
        self.give(2)
        for employee, credits, error in (
                (self.worker, 3, InsufficientCredits), (self.stranger, 1, UserError),
                (self.worker, 0, UserError), (self.worker, -1, UserError)):
            with self.assertRaises(error), self.env.cr.savepoint():
                self.wallet._allot(employee, credits, f"bad:{employee.id}:{credits}")
        self.wallet.invalidate_recordset()
        self.assertEqual(self.wallet.balance, 2)

    def test_the_own_wallet_is_spent_before_the_company_s(self):
        self.give(10)
        wallets = self.env["credit.wallet"]
        self.assertFalse(wallets._to_spend(self.worker, self.company, 1))
        self.wallet._set_spender(self.worker, True)
        self.assertEqual(wallets._to_spend(self.worker, self.company, 1), self.wallet)
        self.wallet._allot(self.worker, 2, "allot:2")
        own = self.own(self.worker)
        self.assertEqual(wallets._to_spend(self.worker, self.company, 2), own)
        self.assertEqual(wallets._to_spend(self.worker, self.company, 3), self.wallet)
        self.wallet._set_spender(self.worker, False)
        self.assertEqual(wallets._to_spend(self.worker, self.company, 3), own)

    def test_manager_page(self):
        self.give(10)
        self.authenticate("boss", "boss")
        page = self.url_open("/my/credits").text
        self.assertIn("My team", page)
        form = {"csrf_token": http.Request.csrf_token(self), "partner_id": self.worker.id,
                "credits": "4", "token": "once"}
        for _twice in range(2):
            self.url_open(f"/my/credits/{self.wallet.id}/allot", form)
        self.assertEqual(self.own(self.worker).balance, 4)
        refused = self.url_open(
            f"/my/credits/{self.wallet.id}/allot", {**form, "credits": "99", "token": "two"})
        self.assertIn("Not enough credits", refused.text)
        self.url_open(f"/my/credits/{self.wallet.id}/spender", {**form, "allowed": "1"})
        self.assertIn(self.worker, self.wallet.spender_ids)

    def test_rights_end_with_the_contract(self):
        """Who has left neither moves nor spends nor sees the credits, from the next request on."""
        self.give(10)
        self.wallet._set_spender(self.worker, True)
        people = self.boss | self.worker
        wallets = self.env["credit.wallet"]
        for person in people:
            self.assertIn(self.wallet, wallets.with_user(person.user_ids).search([]))
        people.parent_id = False
        for person in people:
            self.assertFalse(self.wallet._may_manage(person) or self.wallet._may_spend(person))
            self.assertNotIn(self.wallet, wallets.with_user(person.user_ids).search([]))
            self.assertNotIn(person, self.wallet.reader_ids)
        self.authenticate("boss", "boss")
        answer = self.url_open(f"/my/credits/{self.wallet.id}/allot", {
            "csrf_token": http.Request.csrf_token(self), "partner_id": self.worker.id,
            "credits": "4", "token": "gone"})
        self.assertEqual((answer.status_code, self.wallet.balance), (404, 10))

    def test_others_cannot_manage(self):
        self.give(10)
        self.wallet._set_spender(self.worker, True)
        for login in ("worker", "stranger"):
            self.authenticate(login, login)
            answer = self.url_open(f"/my/credits/{self.wallet.id}/allot", {
                "csrf_token": http.Request.csrf_token(self),
                "partner_id": self.worker.id, "credits": "4",
                "token": login})
            self.assertEqual(answer.status_code, 404)
        with self.assertRaises(AccessError):
            self.wallet.with_user(self.stranger.user_ids).read(["balance"])
        self.assertEqual(self.wallet.balance, 10)
