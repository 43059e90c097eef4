import io
import logging
import re
import time

from pypdf import PdfReader

from odoo.tests import tagged

from .common import LegalCase

_logger = logging.getLogger(__name__)
CARRIED = re.compile(r"À reporter : ([\d ]+,\d\d €)")
BROUGHT = re.compile(r"\bReport : ([\d ]+,\d\d €)")


def amount(number):
    """Write an amount as French paper shows it."""
    return f"{number:,.2f} €".replace(",", " ").replace(".", ",")


@tagged("post_install", "-at_install")
class TestMentions(LegalCase):
    """INSAHO §2.7: « Les factures respecteront les mentions légales en vigueur »."""

    def test_consumer(self):
        """Neither penalties nor the 40 € charge between a company and a private person."""
        mentions = self.mentions(self.invoice(self.person, self.vat20))
        self.assertEqual(
            mentions, {"operation": "Catégorie de l’opération\xa0: prestation de services"})

    def test_professional(self):
        mentions = self.mentions(self.invoice(self.business, self.vat20))
        self.assertEqual(list(mentions), [
            "customer", "operation", "penalties", "recovery", "early_payment"])
        self.assertIn("303 265 045", mentions["customer"])
        self.assertIn("40,00", mentions["recovery"])
        self.assertIn("D441-5", mentions["recovery"])
        self.assertIn("10 points", mentions["penalties"])
        self.assertEqual(
            mentions["early_payment"], "Pas d’escompte pour paiement anticipé.")

    def test_own_words(self):
        self.company.write({"legal_late_penalty": "Trois fois le taux légal.",
                            "legal_early_payment": "Escompte de 1 % sous huit jours."})
        mentions = self.mentions(self.invoice(self.business, self.vat20), self.env.lang)
        self.assertEqual(mentions["penalties"], "Trois fois le taux légal.")
        self.assertEqual(mentions["early_payment"], "Escompte de 1 % sous huit jours.")

    def test_credit_note(self):
        """What is paid back is neither paid late nor early."""
        mentions = self.mentions(self.invoice(self.business, self.vat20, move_type="out_refund"))
        self.assertEqual(list(mentions), ["customer", "operation"])

    def test_category_of_operations(self):
        """Decree 2022-1299: goods, services or both."""
        for taxes, expected in (
                (self.vat20, "services"), (self.goods20, "goods"), (None, "services")):
            self.assertEqual(self.invoice(self.person, taxes)._legal_operation(), expected)
        mixed = self.invoice(self.person, self.vat20, 2, invoice_date="2026-01-05")
        mixed.button_draft()
        mixed.invoice_line_ids[0].tax_ids = self.goods20
        self.assertEqual(mixed._legal_operation(), "mixed")
        self.company.legal_operation = "goods"
        self.assertEqual(self.invoice(self.person)._legal_operation(), "goods")

    def test_delivery_of_goods_elsewhere(self):
        """Decree 2022-1299: the delivery address of goods, when it differs."""
        shop = self.business.copy({
            "name": "ACME boutique", "street": "9 quai Sud", "type": "delivery",
            "parent_id": self.business.id})
        goods = self.invoice(self.business, self.goods20, partner_shipping_id=shop.id)
        self.assertIn("9 quai Sud", self.mentions(goods)["delivery"])
        service = self.invoice(self.business, self.vat20, partner_shipping_id=shop.id)
        self.assertNotIn("delivery", self.mentions(service))

    def test_vat_on_debits(self):
        """Printed by who chose it, on taxed services; Odoo prints it for any taxed goods."""
        self.assertNotIn("debits", self.mentions(self.invoice(self.person, self.vat20)))
        self.company.legal_vat_on_debits = True
        self.assertIn("débits", self.mentions(self.invoice(self.person, self.vat20))["debits"])
        self.assertNotIn("debits", self.mentions(self.invoice(self.person, self.goods20)))
        self.assertNotIn("débits", "".join(self.pages(self.invoice(self.person, self.goods20))))

    def test_regimes(self):
        for regime, article in (("franchise", "293 B"), ("exempt", "261-4-4° a")):
            self.company.legal_vat_regime = regime
            self.assertIn(article, self.mentions(self.invoice(self.person))["vat"])
        self.company.legal_vat_mention = "Exonération, art. L. 223-1 du CIBS"
        self.assertEqual(self.mentions(self.invoice(self.person), self.env.lang)["vat"],
                         "Exonération, art. L. 223-1 du CIBS")

    def test_reverse_charge(self):
        self.assertIn("Autoliquidation", self.mentions(self.invoice(self.belgian))["vat"])
        # Taxed all the same, a person of another state, or a business at home: no mention.
        self.assertNotIn("vat", self.mentions(self.invoice(self.belgian, self.vat20)))
        self.assertNotIn("vat", self.mentions(self.invoice(self.business)))
        person = self.belgian.copy({"name": "Bram", "is_company": False, "vat": False})
        self.assertNotIn("vat", self.mentions(self.invoice(person)))

    def test_outside_the_union(self):
        swiss = self.belgian.copy({
            "name": "Suisse SA", "vat": False, "country_id": self.env.ref("base.ch").id})
        self.assertIn("259", self.mentions(self.invoice(swiss))["vat"])

    def test_foreign_company(self):
        self.company.account_fiscal_country_id = self.env.ref("base.be")
        self.assertEqual(self.mentions(self.invoice(self.business)), {})

    def test_in_the_customers_language(self):
        self.business.lang = "en_US"
        text = "".join(self.pages(self.invoice(self.business, self.vat20)))
        self.assertIn("No discount for early payment.", text)
        self.assertIn("with a capital of", text)
        self.assertNotIn("escompte", text)

    def test_nothing_to_pay(self):
        """A booking paid by credits: no bank account to pay nothing to."""
        due, nothing = self.invoice(self.person), self.invoice(self.person)
        nothing.button_draft()
        nothing.invoice_line_ids.price_unit = 0
        nothing.action_post()
        report = self.env["ir.actions.report"].with_context(lang="fr_FR")
        for move, shown in ((due, True), (nothing, False)):
            html = report._render_qweb_html("account.account_invoices", move.ids)[0].decode()
            self.assertEqual("payment_communication" in html, shown)
        # No line ends within an amount.
        self.assertIn("10\xa0000,00\xa0€", self.company.with_context(
            lang="fr_FR")._legal_identity())

    def test_three_pages(self):
        """Seller and page on every page, totals carried over, mentions on the last one."""
        move = self.invoice(self.business, self.vat20, 44)
        printed = self.pages(move)
        self.assertEqual(len(printed), 3)
        self._check_every_page(printed)
        self._check_carried(printed, lambda _number: 10.0)
        for words in ("SIREN 303 265 045", "prestation de services", "D441-5", "10 points",
                      "Pas d’escompte", "528,00"):
            self.assertIn(words, printed[2])
            self.assertNotIn(words, "".join(printed[:2]))

    def test_three_hundred_lines(self):
        """Bad input: 300 lines: each is printed once, and every page stands for itself."""
        def price(number):
            return round(number * 7.13 % 97 + 0.07, 2)

        started = time.perf_counter()
        move = self.invoice(self.business, self.vat20, 300, price=price)
        posted = time.perf_counter()
        printed = self.pages(move)
        _logger.info("300 lines: posted in %.1f s; %s pages printed in %.1f s", posted - started,
                     len(printed), time.perf_counter() - posted)
        self.assertGreater(len(printed), 10)
        self.assertLess(len(printed), 16)
        self._check_every_page(printed)
        numbers = self._check_carried(printed, price)
        self.assertEqual(numbers, list(range(1, 301)))
        self.assertEqual(move.amount_untaxed, round(sum(map(price, numbers)), 2))
        self.assertIn(amount(move.amount_total), printed[-1])

    def _check_every_page(self, printed):
        """Check that each page has the seller, its number and the heads of the columns."""
        for number, page in enumerate(printed, start=1):
            self.assertRegex(page, rf"Page\s+{number}\s*/\s*{len(printed)}\b")
            for words in ("Cap Légal, SAS au capital de 10 000,00 €", "12 rue des Apprentis",
                          "SIRET 732 829 320 00074", "RCS Lyon 732 829 320",
                          "TVA FR44732829320"):
                self.assertIn(words, " ".join(page.split()))
            self.assertIn("Quantité", page)

    def _check_carried(self, printed, price):
        """Check that each page carries forward the sum of all lines so far, and the next begins
        with it.

        :return: the numbers of all lines, as they are printed
        """
        numbers = []
        for page, following in zip(printed, [*printed[1:], None], strict=True):
            if numbers:
                self.assertEqual(BROUGHT.findall(page), [amount(sum(map(price, numbers)))])
            else:
                self.assertNotIn("Report :", page)
            numbers += map(int, re.findall(r"^ *Article (\d+) ", page, re.M))
            carried = [amount(sum(map(price, numbers)))] if following else []
            self.assertEqual(CARRIED.findall(page), carried)
        return numbers

    def test_names_of_the_world(self):
        """Bad input: address too long, emoji and right-to-left names."""
        self.business.write({
            "name": "שלום Écoles 🎓 مرحبا", "street": "Lotissement " + "interminable " * 20,
            "street2": "X" * 180})
        printed, = self.pages(self.invoice(self.business, self.vat20))
        for words in ("Écoles", "🎓", "Article 1", "Pas d’escompte"):
            self.assertIn(words, printed)
        self.assertEqual("".join(printed.split()).count("X"), 180)

    def test_archival(self):
        """PDF/A-3, so that Factur-X can be attached."""
        content, _kind = self.env["ir.actions.report"].with_context(
            force_report_rendering=True)._render_qweb_pdf(
                "account.account_invoices", self.invoice(self.person, self.vat20).ids)
        metadata = PdfReader(io.BytesIO(content)).trailer["/Root"]["/Metadata"].get_data()
        self.assertIn(b"pdfaid", metadata)

    def test_without_the_paper_engine(self):
        """In the portal's page and with wkhtmltopdf the seller stands once, by the mentions."""
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", self.invoice(self.business, self.vat20).ids)
        text = html.decode()
        self.assertIn("SIRET 732 829 320 00074", text)
        self.assertNotIn("o_paper_every_page", text)
        self.assertNotIn("data-paper-carry", text)

    def test_alerts(self):
        """Bad input: a customer without country; nothing is blocked, the accountant is told."""
        nobody = self.env["res.partner"].create({"name": "Nemo"})
        move = self.invoice(nobody, self.vat20)
        self.assertEqual(move.state, "posted")
        self.assertIn("pays", move.with_context(
            lang="fr_FR")._get_alerts()["legal_customer"]["message"])
        self.assertNotIn("legal_customer", self.invoice(self.business, self.vat20)._get_alerts())
        self.company.legal_form = False
        self.assertIn("legal_company", move._get_alerts())
