import itertools
from collections import Counter
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user

from odoo.addons.invoice_europe.models import payment_transaction

from .common import EuropeCase


class TestEvidence(EuropeCase):
    """Where a consumer is: two pieces that agree, kept with the invoice (Implementing Regulation
    (EU) 282/2011, art. 24b); no sale is blocked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.germany, cls.belgium = cls.env.ref("base.de"), cls.env.ref("base.be")
        cls.customer = cls.make_customer("DE")
        cls.method = cls.env.ref("payment.payment_method_card")
        cls.provider = cls.env["payment.provider"].search([("code", "=", "demo")], limit=1)

    def transaction(self, invoice, **vals):
        return self.env["payment.transaction"].create({
            "provider_id": self.provider.id, "payment_method_id": self.method.id,
            "amount": invoice.amount_total, "currency_id": invoice.currency_id.id,
            "partner_id": invoice.partner_id.id, "reference": f"T-{invoice.id}",
            "invoice_ids": [Command.set(invoice.ids)], **vals})

    def sell(self, customer=None, **vals):
        """Make an invoice, then the transaction that pays it."""
        invoice = self.invoice(customer or self.customer)
        if vals:
            self.transaction(invoice, **vals)
        self.pay(invoice)
        return invoice

    def pieces(self, invoice):
        return {piece.kind: piece.country_id.code for piece in invoice.vat_evidence_ids}

    def warnings(self, invoice):
        return invoice.activity_ids.filtered(
            lambda activity: activity.activity_type_id == self.env.ref(
                "mail.mail_activity_data_warning"))

    def test_two_that_agree(self):
        invoice = self.sell(card_country_id=self.germany.id, ip_country_id=self.germany.id,
                            ip_network="203.0.113.0/24")
        self.assertEqual(self.pieces(invoice), {"billing": "DE", "card": "DE", "ip": "DE"})
        self.assertEqual(invoice.vat_evidence_state, "enough")
        self.assertFalse(self.warnings(invoice))

    def test_two_of_three_agree(self):
        """A traveller's IP address takes nothing from what the address and the card say."""
        invoice = self.sell(card_country_id=self.germany.id, ip_country_id=self.belgium.id,
                            ip_network="203.0.113.0/24")
        self.assertEqual(self.pieces(invoice), {"billing": "DE", "card": "DE", "ip": "BE"})
        self.assertEqual(invoice.vat_evidence_state, "enough")
        self.assertFalse(self.warnings(invoice))

    def test_two_that_agree_on_another_country(self):
        """The VAT of the billing address is the one that was charged."""
        invoice = self.sell(card_country_id=self.belgium.id, ip_country_id=self.belgium.id,
                            ip_network="203.0.113.0/24")
        self.assertEqual(invoice.vat_evidence_state, "contradictory")
        self.assertEqual(len(self.warnings(invoice)), 1)

    def test_two_against_two(self):
        self.env["res.partner.bank"].create({
            "acc_number": "DE89370400440532013000", "partner_id": self.customer.id})
        invoice = self.sell(card_country_id=self.belgium.id, ip_country_id=self.belgium.id,
                            ip_network="203.0.113.0/24")
        self.assertEqual(invoice.vat_evidence_state, "contradictory")

    def test_every_combination(self):
        """Enough: two for the country whose VAT was charged, more than for any other."""
        codes = {"DE": self.germany, "BE": self.belgium, "FR": self.env.ref("base.fr")}
        invoice = self.invoice(self.customer)
        for lot in itertools.product([None, *codes], repeat=3):
            found = {"billing": "DE"} | {
                kind: code for kind, code in zip(("card", "ip", "bank"), lot, strict=True) if code}
            self.env.cr.execute("DELETE FROM vat_evidence WHERE move_id = %s", [invoice.id])
            self.env.invalidate_all()
            self.env["vat.evidence"].create([
                {"move_id": invoice.id, "kind": kind, "country_id": codes[code].id}
                for kind, code in found.items()])
            votes = Counter(found.values())
            agreeing = votes.pop("DE")
            others = max(votes.values(), default=0)
            with self.subTest(found):
                self.assertEqual(
                    invoice._vat_evidence_verdict(),
                    "enough" if agreeing >= 2 and agreeing > others
                    else "contradictory" if others else "short")

    def test_card_of_the_mainland(self):
        """A French card speaks for Réunion, whose banks are French; its IP address is its own."""
        reunion = self.env.ref("base.re")
        home = self.make_customer("FR", zip="97400", city="Saint-Denis")
        invoice = self.sell(home, card_country_id=self.env.ref("base.fr").id)
        self.assertEqual(self.pieces(invoice), {"billing": "RE", "card": "FR"})
        self.assertEqual(invoice.vat_evidence_state, "enough")
        self.assertEqual(self.sell(
            home, ip_country_id=reunion.id, ip_network="203.0.113.0/24").vat_evidence_state,
            "enough")
        self.assertEqual(self.sell(
            home, ip_country_id=self.germany.id).vat_evidence_state, "contradictory")

    def test_contradictory(self):
        invoice = self.sell(card_country_id=self.belgium.id)
        self.assertEqual(invoice.vat_evidence_state, "contradictory")
        self.assertEqual((invoice.state, len(self.warnings(invoice))), ("posted", 1))
        self.assertIn("Belgium", self.warnings(invoice).note)
        invoice._invoice_paid_hook()
        self.assertEqual((len(self.warnings(invoice)), len(invoice.vat_evidence_ids)), (1, 2))

    def test_one_piece(self):
        invoice = self.sell()
        self.assertEqual(self.pieces(invoice), {"billing": "DE"})
        self.assertEqual(invoice.vat_evidence_state, "short")
        self.assertEqual(len(self.warnings(invoice)), 1)

    def test_bank_account(self):
        self.env["res.partner.bank"].create({
            "acc_number": "DE89370400440532013000", "partner_id": self.customer.id})
        self.assertEqual(self.pieces(self.sell()), {"billing": "DE", "bank": "DE"})

    def test_at_home(self):
        """French consumers leave no evidence until a piece says they are elsewhere."""
        home = self.make_customer("FR")
        self.assertFalse(self.sell(home).vat_evidence_ids)
        invoice = self.sell(home, card_country_id=self.germany.id)
        self.assertEqual(invoice.vat_evidence_state, "contradictory")

    def test_businesses_prove_it_by_their_number(self):
        self.assertFalse(self.sell(self.make_customer("DE", "DE123456788")).vat_evidence_ids)

    def test_kept(self):
        piece = self.sell().vat_evidence_ids
        for user in (self.env.user, new_test_user(
                self.env, "evidence_accountant", "account.group_account_manager", lang="en_US")):
            with self.assertRaises(UserError):
                piece.with_user(user).write({"country_id": self.belgium.id})
            with self.assertRaises(UserError):
                piece.with_user(user).unlink()
        portal = new_test_user(self.env, "evidence_portal", "base.group_portal", lang="en_US")
        with self.assertRaises(AccessError):
            piece.with_user(portal).read(["country_id"])

    def test_refused_payments_prove_nothing(self):
        invoice = self.sell(card_country_id=self.belgium.id, state="error")
        self.assertEqual(self.pieces(invoice), {"billing": "DE"})

    def test_card_of_stripe(self):
        read = self.env["payment.transaction"]._card_country_code
        self.assertEqual(read({"payment_method": {"card": {"country": "DE"}}}), "DE")
        for data in ({}, {"payment_method": "pm_1"}, {"payment_method": {"card": None}}, None):
            self.assertIsNone(read(data))
        payment = self.transaction(self.invoice(self.customer))
        payment._apply_updates({
            "simulated_state": "done", "payment_details": "1234",
            "payment_method": {"card": {"country": "be"}}})
        self.assertEqual(payment.card_country_id, self.belgium)

    def test_address_of_the_payer(self):
        """The country and the network are kept, not the address; staff leave none."""
        class Request:
            env = self.env(user=new_test_user(
                self.env, "payer", "base.group_portal", lang="en_US"))
            geoip = type("GeoIP", (), {"country_code": "DE"})
            httprequest = type("HTTP", (), {"remote_addr": "203.0.113.77"})

        invoice = self.invoice(self.customer)
        with patch.object(payment_transaction, "request", Request):
            transaction = self.transaction(invoice)
            self.assertEqual(
                (transaction.ip_country_id, transaction.ip_network),
                (self.germany, "203.0.113.0/24"))
            Request.env = self.env(user=self.env.ref("base.user_admin"))
            self.assertEqual(self.env["payment.transaction"]._prepare_ip_vals(), {})
