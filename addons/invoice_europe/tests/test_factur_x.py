import io
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from unittest.mock import patch

from lxml import etree
from pypdf import PdfReader

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import config

from .common import EuropeCase

VALIDATE = Path(__file__).parent / "validate.py"
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


class TestFacturX(EuropeCase):
    """Electronic invoices of French businesses (issue 7): an independent validator, its schemas
    and schematrons of EN 16931 and of the French reform, finds nothing; amounts are the books'."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buyer = cls.make_business(0)
        cls.builder = cls.env["account.edi.xml.cii"]
        tax = cls.company._europe_chart_tax
        cls.reduced = tax("tva_reduite_encaissement")
        cls.exempt, cls.franchise = map(cls.company._europe_tax, ("training", "franchise"))
        cls.goods = cls.make_product("Book", cls.goods_tax, type="consu")

    def line(self, price=100.0, taxes=None, **vals):
        taxes = {} if taxes is None else {"tax_ids": [Command.set(taxes.ids)]}
        return {"price_unit": price, **taxes, **vals}

    def sold(self, *lines, partner=None, **vals):
        return self.invoice(partner or self.buyer, *lines, **vals)

    def credited(self, invoice, **line):
        return self.sold(
            self.line(**line), move_type="out_refund", reversed_entry_id=invoice.id)

    def paid(self, invoice, amount=None):
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create(
                {"amount": amount} if amount else {})
        wizard._create_payments()
        return invoice

    def varied(self):
        """Invoices of every shape a customer may get, by name."""
        contact = self.env["res.partner"].create({
            "name": "Service comptable", "parent_id": self.buyer.id, "type": "invoice",
            "street": "2 rue du Contact", "zip": "69001", "city": "Lyon",
            "country_id": self.env.ref("base.fr").id})
        included = self.service_tax.copy({
            "name": "20% included", "price_include_override": "tax_included"})
        dollar = self.env.ref("base.USD")
        dollar.active = True
        term = self.env.ref("account.account_payment_term_30days")
        first = self.sold()
        return {
            "service": first,
            "known by its VAT number": self.sold(partner=self.make_customer(
                "FR", "FR23334175221")),
            "discount": self.sold(self.line(99.99, discount=15.0)),
            "thirds": self.sold(self.line(33.333, quantity=3)),
            "two rates": self.sold(self.line(), self.line(12.34, self.reduced)),
            "goods": self.sold(self.line(product_id=self.goods.id)),
            "goods and services": self.sold(self.line(), self.line(product_id=self.goods.id)),
            "exempt training": self.sold(self.line(taxes=self.exempt)),
            "exempt and taxed": self.sold(self.line(taxes=self.exempt), self.line(49.99)),
            "franchise": self.sold(self.line(taxes=self.franchise)),
            "credit note": self.credited(first),
            "part of a credit note": self.credited(first, price=33.33),
            "paid": self.paid(self.sold(self.line(59.9))),
            "partly paid": self.paid(self.sold(self.line(59.9)), 20.0),
            "a year": self.sold(self.line(
                deferred_start_date=date(2026, 10, 5), deferred_end_date=date(2027, 10, 4))),
            "any script": self.sold(
                self.line(name="Café ☕ <b>& more</b>"),
                partner=self.make_business(1, name="Élève 🎓 שלום مرحبا SARL")),
            "thirty lines": self.sold(*[self.line(index * 1.11) for index in range(1, 31)]),
            "dollars": self.sold(self.line(123.45), currency_id=dollar.id),
            "note and order": self.sold(
                self.line(), ref="PO 2026/7", narration="<p>Merci &amp; à bientôt</p>",
                invoice_payment_term_id=term.id),
            "tax included": self.sold(self.line(120.0, included), self.line(9.99, included)),
            "rebate": self.sold(self.line(), self.line(-30.0)),
            "Réunion": self.sold(partner=self.make_business(
                2, country_id=self.env.ref("base.re").id)),
            "contact of a company": self.sold(partner=contact),
            "given": self.sold(self.line(), self.line(50.0, discount=100.0)),
            "no product": self.sold(self.line(
                product_id=False, name="Conseil\nen deux lignes", taxes=self.service_tax)),
        }

    def export(self, invoice):
        xml, errors = self.builder._export_invoice(invoice)
        self.assertFalse(errors, invoice.name)
        return xml

    def validate(self, files):
        """:param dict files: XML or PDF by name; :return: dict of name to list of failures"""
        with tempfile.TemporaryDirectory() as folder:
            paths = {}
            for number, (name, content) in enumerate(files.items()):
                kind = "pdf" if content.startswith(b"%PDF") else "xml"
                path = Path(folder) / f"{number}.{kind}"
                path.write_bytes(content)
                paths[str(path)] = name
            done = subprocess.run(
                [sys.executable, str(VALIDATE), *paths], capture_output=True, text=True,
                check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            return {paths[path]: found for path, found in json.loads(done.stdout).items()}

    def text(self, tree, name):
        return tree.findtext(f".//{RAM}{name}")

    def assertAmounts(self, invoice, xml):
        """The file, the document and the ledger say the same amounts."""
        tree = etree.fromstring(xml)
        summary = tree.find(f".//{RAM}SpecifiedTradeSettlementHeaderMonetarySummation")
        shown = [float(summary.findtext(f"{RAM}{name}")) for name in (
            "TaxBasisTotalAmount", "TaxTotalAmount", "GrandTotalAmount", "DuePayableAmount")]
        self.assertEqual(shown, [
            invoice.amount_untaxed, invoice.amount_tax, invoice.amount_total,
            invoice.amount_residual])
        sign = -1 if invoice.move_type == "out_invoice" else 1
        books = [round(sign * sum(lines.mapped("amount_currency")), 2) for lines in (
            invoice.line_ids.filtered(lambda line: line.display_type == "product"),
            invoice.line_ids.filtered(lambda line: line.display_type == "tax"))]
        self.assertEqual(shown[:2], books)
        due = invoice.line_ids.filtered(lambda line: line.display_type == "payment_term")
        self.assertEqual(shown[2], round(-sign * sum(due.mapped("amount_currency")), 2))
        lines = [float(line.text) for line in tree.iter(f"{RAM}LineTotalAmount")]
        self.assertEqual(round(sum(lines[:-1]), 2), lines[-1])

    def test_varied_invoices(self):
        """Valid for another's validator, and equal to the books."""
        invoices = self.varied()
        self.assertGreaterEqual(len(invoices), 20)
        files = {name: self.export(invoice) for name, invoice in invoices.items()}
        for name, invoice in invoices.items():
            with self.subTest(name):
                self.assertAmounts(invoice, files[name])
        # The validator's own control: a file with a wrong total and no SIREN.
        files["broken"] = files["service"].replace(b"120.00", b"121.00").replace(
            b'schemeID="0002">732829320', b'schemeID="0002">7328')
        found = self.validate(files)
        broken = " ".join(found.pop("broken"))
        self.assertIn("BR-CO-15", broken)
        self.assertIn("BR-FR-10", broken)
        found = {name: errors for name, errors in found.items() if errors}
        self.assertFalse(found, json.dumps(found, indent=1, ensure_ascii=False))

    def test_what_the_reform_adds(self):
        tree = etree.fromstring(self.export(self.sold()))
        ids = [node.text for node in tree.iter(f"{RAM}ID")]
        self.assertIn("732829320", ids)
        self.assertIn("356000000", ids)
        self.assertIn("urn:cen.eu:en16931:2017", ids)
        self.assertIn("S1", ids)
        self.assertEqual(
            {node.text for node in tree.iter(f"{RAM}SubjectCode")} & {"PMT", "PMD", "AAB", "BAR"},
            {"PMT", "PMD", "AAB", "BAR"})
        self.assertEqual(self.text(tree, "DueDateTypeCode"), "72")
        goods = etree.fromstring(self.export(self.sold(self.line(product_id=self.goods.id))))
        self.assertEqual(self.text(goods, "DueDateTypeCode"), "5")
        self.assertIn("B1", [node.text for node in goods.iter(f"{RAM}ID")])

    # States -------------------------------------------------------------------------------------

    def test_made_by_default_for_french_businesses(self):
        self.assertEqual(self.buyer.invoice_edi_format, "facturx")
        for partner in (self.make_customer("FR"), self.make_customer("DE", "DE123456788")):
            self.assertFalse(partner.invoice_edi_format)
            self.assertFalse(self.sold(partner=partner).einvoice_state)

    def test_data_missing(self):
        """The paper goes out; the invoice says what the electronic one lacks, until it is there."""
        buyer = self.make_business(0, company_registry=False, name="Sans numéro")
        invoice = self.sold(partner=buyer)
        self.assertEqual(invoice.einvoice_state, "to_fix")
        self.assertIn("Sans numéro", invoice.einvoice_missing)
        self.assertFalse(invoice._need_ubl_cii_xml("facturx"))
        buyer.company_registry = "44306184100047"
        invoice.action_einvoice_refresh()
        self.assertEqual(invoice.einvoice_state, "to_make")
        self.assertFalse(invoice.einvoice_missing)
        self.assertTrue(invoice._need_ubl_cii_xml("facturx"))
        no_tax = self.sold(self.line(taxes=self.env["account.tax"]), partner=buyer)
        self.assertIn("has no tax", no_tax.einvoice_missing)

    def test_platform(self):
        invoice = self.sold()
        with self.assertRaisesRegex(UserError, "no electronic invoice yet"):
            invoice._einvoice_set_state("deposited")
        self.env["account.move.send"]._generate_and_send_invoices(
            invoice, sending_methods=["manual"])
        self.assertEqual(invoice.einvoice_state, "made")
        self.assertEqual(
            self.validate({"sent": invoice.ubl_cii_xml_id.raw}), {"sent": []})
        invoice._einvoice_set_state("deposited")
        self.assertEqual(invoice.einvoice_state, "deposited")
        invoice.button_draft()
        self.assertFalse(invoice.einvoice_state)

    # Paper --------------------------------------------------------------------------------------

    def printed(self, *invoices):
        """Sent as in production, where a PDF is made; the files, in order."""
        send = self.env["account.move.send"].with_context(force_report_rendering=True)
        with patch.dict(config._runtime_options, {"test_enable": False}):
            for invoice in invoices:
                send._generate_and_send_invoices(invoice, sending_methods=["manual"])
        return [invoice.invoice_pdf_report_id.raw for invoice in invoices]

    def assertArchival(self, reader):
        """PDF/A-3b as far as its structure tells: metadata, colours, fonts, the file it carries."""
        root = reader.trailer["/Root"]
        metadata = root["/Metadata"].get_data().decode()
        for sign in ("pdfaid:part", "pdfaid:conformance", "<fx:ConformanceLevel>EN 16931<",
                     "<fx:DocumentFileName>factur-x.xml<"):
            self.assertIn(sign, metadata)
        self.assertEqual(root["/OutputIntents"][0]["/S"], "/GTS_PDFA1")
        self.assertTrue(reader.trailer["/ID"])
        self.assertFalse(reader.is_encrypted)
        (carried,) = root["/AF"]
        carried = carried.get_object()
        self.assertIn(carried["/AFRelationship"], ("/Data", "/Alternative", "/Source"))
        self.assertIsInstance(carried["/EF"]["/F"]["/Params"]["/Size"], int)
        for page in reader.pages:
            for font in page["/Resources"]["/Font"].values():
                for descendant in font.get_object()["/DescendantFonts"]:
                    descriptor = descendant.get_object()["/FontDescriptor"]
                    self.assertTrue({"/FontFile2", "/FontFile3"} & set(descriptor))

    def test_paper(self):
        """The PDF/A-3 carries the very file, and its text shows the amounts of the file."""
        invoices = [
            self.sold(self.line(99.99, discount=15.0), self.line(12.34, self.reduced)),
            self.sold(self.line(taxes=self.exempt))]
        invoices.append(self.credited(invoices[0], price=33.33))
        files = self.printed(*invoices)
        found = self.validate(dict(zip("abc", files, strict=True)))
        self.assertEqual(found, {"a": [], "b": [], "c": []})
        for invoice, pdf in zip(invoices, files, strict=True):
            reader = PdfReader(io.BytesIO(pdf))
            self.assertArchival(reader)
            (xml,) = reader.attachments["factur-x.xml"]
            self.assertEqual(xml, invoice.ubl_cii_xml_id.raw)
            self.assertAmounts(invoice, xml)
            text = subprocess.run(
                ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True,
                check=True).stdout.decode()
            for amount in (invoice.amount_untaxed, invoice.amount_total):
                self.assertIn(f"{amount:.2f}", text)
