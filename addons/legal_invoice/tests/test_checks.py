from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import COMPANY, SIRET, LegalCase


@tagged("post_install", "-at_install")
class TestChecks(LegalCase):
    """What is typed is checked when it is saved, in words that say what to do."""

    def refused(self, pattern, record, vals):
        with self.assertRaisesRegex(ValidationError, pattern), self.env.cr.savepoint():
            record.with_context(lang="fr_FR").write(vals)

    def test_siret(self):
        """Bad input: a SIRET with a wrong key."""
        for number in ("73282932000075", "732829321", "7328293200007", "ABC"):
            self.refused("annuaire-entreprises", self.business, {"company_registry": number})
        self.refused("SIRET", self.company, {"company_registry": "73282932000075"})
        for number in (SIRET, "732 829 320 00074", "732829320", False, "356 000 000 00048"):
            self.business.company_registry = number
        # Elsewhere, other numbers.
        self.belgian.company_registry = "0477472701"

    def test_vat_of_another_country(self):
        """Bad input: the VAT number of another country than the address."""
        self.refused("Belgique", self.business, {"vat": "BE0477472701"})
        self.refused("France", self.belgian, {"country_id": self.france.id})
        self.refused("FR", self.business, {"vat": "FR40303265046"})
        greek = self.env["res.partner"].create({
            "name": "Athina", "country_id": self.env.ref("base.gr").id, "vat": "EL123456783"})
        self.assertEqual(greek.vat, "EL123456783")

    def test_iban(self):
        bank = self.env["res.partner.bank"].create({
            "partner_id": self.company.partner_id.id,
            "acc_number": "FR76 3000 6000 0112 3456 7890 189"})
        self.refused("IBAN", bank, {"acc_number": "FR76 3000 6000 0112 3456 7890 188"})
        bank.acc_number = "0123456789"  # an account number that is no IBAN

    def test_siren_of_customers(self):
        self.assertEqual(self.business._legal_siren(), "303265045", "out of the VAT number")
        self.business.company_registry = SIRET
        self.assertEqual(self.business._legal_siren(), "732829320")
        self.assertEqual(self.belgian._legal_siren(), "")

    # The checklist --------------------------------------------------------------------------

    def missing(self):
        return [item["code"] for item in self.company._legal_missing()]

    def test_complete(self):
        self.assertEqual([code for code in self.missing() if code != "training"], [])

    def test_missing(self):
        for code, vals in (
                ("address", {"street": False}), ("siret", {"company_registry": False}),
                ("form", {"legal_form": False}), ("capital", {"legal_capital": 0}),
                ("rcs", {"legal_rcs_city": False}), ("vat", {"vat": False})):
            self.company.write(vals)
            self.assertIn(code, self.missing())
            self.company.write(COMPANY)
        self.company.write({"legal_vat_regime": "franchise", "vat": False})
        self.assertNotIn("vat", self.missing())
        self.company.write({"legal_form": "ei", "legal_capital": 0, "legal_rcs_city": False})
        self.assertFalse({"capital", "rcs"} & set(self.missing()))

    def test_foreign_companies_have_no_list(self):
        self.company.account_fiscal_country_id = self.env.ref("base.be")
        self.assertEqual(self.company._legal_checklist(), [])

    def test_each_line_leads_somewhere(self):
        self.company.legal_form = False
        settings = self.env["res.config.settings"].create({})
        self.assertIn("forme juridique", settings.with_context(lang="fr_FR").legal_missing)
        action = settings.action_legal_checklist()
        lines = self.env["legal.check"].search(action["domain"])
        line = lines.filtered(lambda line: line.code == "form")
        self.assertEqual((line.is_done, line.is_required), (False, True))
        self.assertEqual(line.action_complete()["res_id"], self.company.id)
        self.assertTrue(lines.filtered(lambda line: line.code == "siret").is_done)

    # Selling --------------------------------------------------------------------------------

    def test_no_real_payment_without_the_mentions(self):
        """A company missing a legal mention cannot start selling in production."""
        provider = self.env["payment.provider"].create({
            "name": "Card", "code": "none", "company_id": self.company.id, "state": "test",
            "is_published": True})
        self.company.legal_form = False
        self.refused("forme juridique", provider, {"state": "enabled"})
        self.assertEqual(provider.state, "test", "what is only tried needs no mentions")
        provider.write({"state": "enabled", "is_published": False})
        self.refused("forme juridique", provider, {"is_published": True})
        self.company.write({**COMPANY, "training_declaration": "84 69 12345 69",
                            "training_region": "Auvergne-Rhône-Alpes"}
                           if "training_region" in self.company else COMPANY)
        provider.is_published = True
