from odoo.tests import tagged

from .common import LegalCase


@tagged("post_install", "-at_install")
class TestPaymentMethod(LegalCase):

    def test_named_as_the_company_speaks(self):
        """« Paiement manuel » stands before payments in a French journal, whoever made it."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.company.partner_id.lang = "fr_FR"
        journal = self.env["account.journal"].with_context(lang="en_US").create({
            "name": "Caisse", "type": "cash", "code": "CAI", "company_id": self.company.id})
        lines = journal.inbound_payment_method_line_ids
        self.assertEqual(lines.mapped("name"), ["Paiement manuel"])
        lines.name = "Manual Payment"  # as in a database older than this addon
        lines._name_again()
        self.assertEqual(lines.mapped("name"), ["Paiement manuel"])
        lines.name = "Espèces"
        lines._name_again()
        self.assertEqual(lines.mapped("name"), ["Espèces"])

    def test_terms_on_invoices(self):
        """« Conditions de paiement : 30 jours », not the English that Odoo prints."""
        self.env["res.lang"]._activate_lang("fr_FR")
        terms = self.env["account.payment.term"].with_context(lang="en_US")
        term = terms.create({
            "name": "30 Days", "note": "<span>Payment terms: 30 Days</span>"})
        term.with_context(lang="fr_FR").name = "30 jours"
        own = terms.create({"name": "Own", "note": "<span>When you like</span>"})
        terms._note_in_french()
        self.assertEqual(
            term.with_context(lang="fr_FR").note, "<span>Conditions de paiement : 30 jours</span>")
        self.assertEqual(term.note, "<span>Payment terms: 30 Days</span>")
        self.assertEqual(own.with_context(lang="fr_FR").note, "<span>When you like</span>")
