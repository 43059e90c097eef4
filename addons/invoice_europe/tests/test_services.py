import logging

from lxml import etree

from odoo.tests import Form, tagged

from odoo.addons.legal_invoice.tests.common import pages

from .common import EuropeCase

_logger = logging.getLogger(__name__)

# Who buys: country, VAT number, is it a company?, language.
CUSTOMERS = {
    "French person": ("FR", False, False, "fr_FR"),
    "French company": ("FR", "FR23334175221", True, "fr_FR"),
    "German company": ("DE", "DE123456788", True, "en_US"),
    "German, no number": ("DE", False, True, "fr_FR"),
    "Swiss company": ("CH", False, True, "fr_FR"),
}
REVERSE = "Reverse charge: CGI art. 283-2, Directive 2006/112/EC art. 44 and 196"
ABROAD = "TVA française non applicable : art. 259, 1° du CGI (art. 44 de la directive 2006/112/CE)"
TRAINING = "Exonération de TVA : art. 261-4-4° a du CGI"
SMALL = "TVA non applicable, art. 293 B du CGI"
BELGIAN_REVERSE = "art. 44 et 196 de la directive 2006/112/CE"
BELGIAN_ABROAD = "TVA belge non applicable"
SERVICES = "prestation de services"
S, E_TRAINING, E_SMALL = (
    ("S", None), ("E", "VATEX-FR-CGI261-4"), ("E", "VATEX-FR-FRANCHISE"))
AE, OUT = ("AE", "VATEX-EU-AE"), ("O", "VATEX-EU-O")

# By regime and customer: tax, its account, income account, mention, category and reason code.
TABLE = {
    "normal": {
        "French person": ("20% S", "445740", "706000", "", S),
        "French company": ("20% S", "445740", "706000", "", S),
        "German company": ("0% EU S", None, "706000", REVERSE, AE),
        "German, no number": ("20% S", "445740", "706000", "", S),
        "Swiss company": ("0% EX S", None, "706000", ABROAD, OUT),
    },
    "exempt": {
        "French person": ("0% training", None, "706000", TRAINING, E_TRAINING),
        "French company": ("0% training", None, "706000", TRAINING, E_TRAINING),
        "German company": ("0% EU S", None, "706000", REVERSE, AE),
        "German, no number": ("0% training", None, "706000", TRAINING, E_TRAINING),
        "Swiss company": ("0% EX S", None, "706000", ABROAD, OUT),
    },
    "franchise": {
        "French person": ("0% 293 B", None, "706000", SMALL, E_SMALL),
        "French company": ("0% 293 B", None, "706000", SMALL, E_SMALL),
        "German company": ("0% EU S", None, "706000", REVERSE, AE),
        "German, no number": ("0% 293 B", None, "706000", SMALL, E_SMALL),
        "Swiss company": ("0% EX S", None, "706000", ABROAD, OUT),
    },
    "Belgian holding": {
        "French person": ("21% S", "451000", "700100", "", S),
        "French company": ("0% EU S", None, "700610", BELGIAN_REVERSE, AE),
        "German company": ("0% EU S", None, "700610", "Reverse charge", AE),
        "German, no number": ("21% S", "451000", "700100", "", S),
        "Swiss company": ("0% EX S", None, "700700", BELGIAN_ABROAD, OUT),
    },
}


@tagged("post_install", "-at_install")
class TestServices(EuropeCase):
    """What is sold is a service, and tax, account, mention and code say so (issue 20, part 1):
    a product of three clicks × the company's regime × the customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.holding = cls.env["res.company"].create({
            "name": "Holding SA", "street": "Rue Neuve 1", "zip": "1000", "city": "Bruxelles",
            "country_id": cls.env.ref("base.be").id, "vat": "BE0477472701",
            "phone": "+32 2 000 00 00", "email": "holding@example.com"})
        cls.env["account.chart.template"].try_loading(
            "be_comp", company=cls.holding, install_demo=False)
        cls.env.user.company_ids |= cls.holding
        cls.customers = {
            name: cls.make_customer(
                code, vat, name=name, is_company=company, lang=lang, vies_valid=bool(vat))
            for name, (code, vat, company, lang) in CUSTOMERS.items()}

    def in_company(self, regime):
        """Return the company of a row of the table, with its regime."""
        if regime == "Belgian holding":
            return self.holding
        self.company.legal_vat_regime = regime
        return self.company

    def three_clicks(self, company):
        """New, name, price, save."""
        products = self.env["product.template"].with_company(company).with_context(
            allowed_company_ids=company.ids, default_type="service")
        with Form(products) as form:
            form.name, form.list_price = "Coaching", 100.0
        self.assertFalse(form.record.service_problems)
        return form.record.product_variant_id

    def sell(self, company, product, customer):
        move = self.env["account.move"].with_company(company).with_context(
            allowed_company_ids=company.ids).create({
                "move_type": "out_invoice", "partner_id": customer.id,
                "invoice_date": "2026-10-05",
                "invoice_line_ids": [(0, 0, {"product_id": product.id, "quantity": 1})]})
        alerts = [name for name in move._get_alerts() if name.startswith("service_product")]
        self.assertFalse(alerts, "nothing is wrong with what three clicks made")
        move.action_post()
        return move

    def printed(self, moves):
        """Return the text of each document, one page each, in the customers' languages."""
        content, _kind = self.env["ir.actions.report"].with_context(
            force_report_rendering=True,
            allowed_company_ids=moves.company_id.ids)._render_qweb_pdf(
                "account.account_invoices", moves.ids)
        texts = [" ".join(page.split()) for page in pages(content)]
        self.assertEqual(len(texts), len(moves))
        return texts

    def code(self, move):
        """Return category and reason of the one VAT breakdown of the file."""
        xml, _errors = self.env["account.edi.xml.cii"].with_company(
            move.company_id)._export_invoice(move)
        settlement = etree.fromstring(xml).find(".//{*}ApplicableHeaderTradeSettlement")
        tax, = settlement.findall("{*}ApplicableTradeTax")
        line, = etree.fromstring(xml).iter("{*}SpecifiedLineTradeSettlement")
        code = tax.findtext("{*}CategoryCode")
        self.assertEqual(line.findtext("{*}ApplicableTradeTax/{*}CategoryCode"), code)
        return code, tax.findtext("{*}ExemptionReasonCode")

    def cell(self, move, text, expected_mention):
        """Return a cell of the table: what stands in the books, on the paper and in the file."""
        line = move.invoice_line_ids
        vat = move.line_ids.filtered("tax_line_id")
        self.assertEqual(vat.tax_line_id, line.tax_ids.filtered("amount"))
        mention = expected_mention if expected_mention in text else f"not in: {text}"
        return (line.tax_ids.with_context(lang="en_US").name, vat.account_id.code or None,
                line.account_id.code, mention, self.code(move))

    def test_table(self):
        """Twenty invoices, cell by cell, from journal items, paper and file."""
        for regime, row in TABLE.items():
            company = self.in_company(regime)
            product = self.three_clicks(company)
            moves = self.env["account.move"].union(*(
                self.sell(company, product, self.customers[name]) for name in row))
            texts = self.printed(moves)
            for (name, expected), move, text in zip(row.items(), moves, texts, strict=True):
                with self.subTest(regime=regime, customer=name):
                    found = self.cell(move.with_company(company), text, expected[3])
                    _logger.info("%-16s %-18s %s", regime, name, found)
                    self.assertEqual(found, expected)
                    self.assertNotIn("138", text.replace(move.name, ""))
                    french = regime != "Belgian holding" and CUSTOMERS[name][3] == "fr_FR"
                    self.assertEqual(SERVICES in text, french)
                    if not expected[3]:
                        for mention in ("Autoliquidation", "non applicable", "Exon"):
                            self.assertNotIn(mention, text)
