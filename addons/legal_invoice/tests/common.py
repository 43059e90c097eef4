from odoo.fields import Command
from odoo.tests import TransactionCase

from odoo.addons.report_paper.tests import common as paper

SIRET = "73282932000074"
COMPANY = {
    "name": "Cap Légal", "street": "12 rue des Apprentis", "zip": "69003", "city": "Lyon",
    "vat": "FR44732829320", "company_registry": SIRET, "legal_form": "sas",
    "legal_capital": 10000.0, "legal_rcs_city": "Lyon",
}


def pages(content):
    """Return the text of each page of a PDF, with plain spaces."""
    return [page.replace("\xa0", " ").replace("\u202f", " ") for page in paper.pages(content)]


class LegalCase(TransactionCase):
    """A French company whose mentions are complete, and customers of several kinds."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.france = cls.env.ref("base.fr")
        cls.company = cls.env.company
        cls.company.write({
            **COMPANY, "country_id": cls.france.id, "account_fiscal_country_id": cls.france.id,
            "legal_vat_regime": "normal", "vat_check_vies": False})
        cls.vat20 = cls._tax(20, "service")
        cls.goods20 = cls._tax(20, "consu")
        partners = cls.env["res.partner"]
        address = {"street": "5 place des Terreaux", "zip": "69001", "city": "Lyon",
                   "country_id": cls.france.id, "lang": "fr_FR"}
        cls.person = partners.create({**address, "name": "Camille Client"})
        cls.business = partners.create({
            **address, "name": "ACME SAS", "is_company": True, "vat": "FR40303265045"})
        cls.belgian = partners.create({
            "name": "Brux SA", "is_company": True, "street": "Rue Neuve 1", "zip": "1000",
            "city": "Bruxelles", "country_id": cls.env.ref("base.be").id, "lang": "fr_FR",
            "vat": "BE0477472701"})

    @classmethod
    def _tax(cls, amount, scope):
        return cls.env["account.tax"].search([
            ("company_id", "=", cls.company.id), ("type_tax_use", "=", "sale"),
            ("amount", "=", amount), ("tax_scope", "=", scope),
            ("price_include_override", "!=", "tax_included")], limit=1)

    @classmethod
    def invoice(cls, partner, tax=None, lines=1, move_type="out_invoice", price=None, **vals):
        """Make a posted document of lines at 10.00 without tax.

        :param price: function of the number of a line, 1 and more, to its price
        """
        move = cls.env["account.move"].create({
            "move_type": move_type, "partner_id": partner.id, "company_id": cls.company.id,
            "invoice_line_ids": [Command.create({
                "name": f"Article {number}", "quantity": 1,
                "price_unit": price(number) if price else 10.0,
                "tax_ids": [Command.set(tax.ids if tax else [])]})
                for number in range(1, lines + 1)], **vals})
        move.action_post()
        return move

    @staticmethod
    def mentions(move, lang="fr_FR"):
        return move.with_context(lang=lang)._legal_mentions()

    def pages(self, moves):
        """Return the text of each page of the printed documents, read by poppler."""
        content, _kind = self.env["ir.actions.report"].with_context(
            force_report_rendering=True)._render_qweb_pdf("account.account_invoices", moves.ids)
        return pages(content)
