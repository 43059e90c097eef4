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

from odoo.addons.report_paper.tests import archival

from . import amounts
from .common import EuropeCase

VALIDATE = Path(__file__).parent / "validate.py"
FX = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"
PROPERTY = "{http://www.aiim.org/pdfa/ns/property#}"
UBL = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
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
        """Make invoices of every shape a customer may get, by name."""
        contact = self.env["res.partner"].create({
            "name": "Service comptable", "parent_id": self.buyer.id, "type": "invoice",
            "street": "2 rue du Contact", "zip": "69001", "city": "Lyon",
            "country_id": self.env.ref("base.fr").id})
        included = self.service_tax.copy({
            "name": "20% included", "price_include_override": "tax_included"})
        dollar = self.env.ref("base.USD")
        dollar.active = True
        dollar.rate_ids.create({
            "currency_id": dollar.id, "company_id": self.company.id, "name": "2026-10-01",
            "rate": 1.25})
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
        """Validate files.

        :param dict files: XML or PDF by name
        :return: dict of name to list of failures
        """
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

    def printed(self, invoices):
        """Send all invoices in one go as in production, where a PDF is made.

        :param dict invoices: by name; :return: dict of name to PDF
        """
        send = self.env["account.move.send"].with_context(force_report_rendering=True)
        with patch.dict(config._runtime_options, {"test_enable": False}):
            send._generate_and_send_invoices(
                self.env["account.move"].union(*invoices.values()), sending_methods=["manual"])
        return {name: invoice.invoice_pdf_report_id.raw for name, invoice in invoices.items()}

    def assertCarried(self, invoice, pdf):
        """Check that the archival PDF of the invoice carries its file, and return it."""
        self.assertEqual(archival.faults(pdf), [])
        reader = PdfReader(io.BytesIO(pdf))
        metadata = archival.metadata(reader)
        for name, value in (("DocumentType", "INVOICE"), ("DocumentFileName", "factur-x.xml"),
                            ("Version", "1.0"), ("ConformanceLevel", "EN 16931")):
            self.assertEqual(archival.said(metadata, f"{FX}{name}"), value)
            self.assertIn(name, [node.text for node in metadata.iter(f"{PROPERTY}name")])
        (carried,) = reader.trailer["/Root"]["/AF"]
        carried = carried.get_object()
        self.assertEqual(carried["/AFRelationship"], "/Data")
        self.assertIsInstance(carried["/EF"]["/F"]["/Params"]["/Size"], int)
        (xml,) = reader.attachments["factur-x.xml"]
        self.assertEqual(xml, invoice.ubl_cii_xml_id.raw)
        return xml

    def assertAmounts(self, invoice, xml, pdf):
        """Check that the file, the paper and the ledger say the same: untaxed, tax, total, due, and
        base and tax of each rate.
        """
        books = amounts.of_books(invoice)
        self.assertEqual(amounts.of_file(xml), books)
        self.assertEqual(amounts.of_paper(pdf), books)
        lines = [float(line.text) for line in etree.fromstring(xml).iter(f"{RAM}LineTotalAmount")]
        self.assertEqual(round(sum(lines[:-1]), 2), lines[-1])

    def test_varied_invoices(self):
        """Archival, valid for another's validator, and equal to the paper and to the books."""
        invoices = self.varied()
        self.assertGreaterEqual(len(invoices), 20)
        files = self.printed(invoices)
        for name, invoice in invoices.items():
            with self.subTest(name):
                xml = self.assertCarried(invoice, files[name])
                self.assertAmounts(invoice, xml, files[name])
        # The validator's own control: a file with a wrong total and no SIREN.
        files["broken"] = invoices["service"].ubl_cii_xml_id.raw.replace(
            b"120.00", b"121.00").replace(b'schemeID="0002">732829320', b'schemeID="0002">7328')
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

    def notes(self, xml):
        """Return the notes of a file: list of (code, text)."""
        return [(note.findtext(f"{RAM}SubjectCode"), note.findtext(f"{RAM}Content"))
                for note in etree.fromstring(xml).iter(f"{RAM}IncludedNote")]

    def registrations(self, xml):
        return [(node.get("schemeID"), node.text)
                for node in etree.fromstring(xml).iterfind(f".//{RAM}SellerTradeParty"
                                                           f"/{RAM}SpecifiedTaxRegistration/*")]

    def assertValid(self, invoice):
        xml = self.export(invoice)
        self.assertEqual(self.validate({"file": xml})["file"], [])
        return xml

    # Sellers without VAT number -----------------------------------------------------------------

    def test_seller_without_vat_number(self):
        """A small business under art. 293 B has none: it is known by its SIREN (BR-E-02)."""
        self.company.write({"legal_vat_regime": "franchise", "vat": False})
        invoice = self.sold(self.line(taxes=self.franchise))
        self.assertEqual(invoice.einvoice_state, "to_make")
        self.assertEqual(self.registrations(self.assertValid(invoice)), [("FC", "732829320")])
        self.company.vat = "FR44732829320"
        self.assertEqual(
            self.registrations(self.assertValid(invoice)), [("VA", "FR44732829320")])

    def test_vat_charged_without_number(self):
        """Not lawful (CGI, annex II, art. 242 nonies A, I, 2°), so not made."""
        self.company.vat = False
        invoice = self.sold()
        self.assertEqual(invoice.einvoice_state, "to_fix")
        self.assertIn("has no VAT number", invoice.einvoice_missing)
        self.assertFalse(invoice._need_ubl_cii_xml("facturx"))

    # Notes --------------------------------------------------------------------------------------

    def test_notes_that_odoo_wrote_already(self):
        """Newer versions of Odoo write PMT, PMD and AAB themselves: each code occurs once."""
        self.env["ir.ui.view"].create({
            "name": "Newer Odoo", "type": "qweb", "key": "invoice_europe.test_newer_notes",
            "mode": "extension",
            "inherit_id": self.env.ref(
                "account_edi_ubl_cii.account_invoice_facturx_export_22").id,
            "arch": f"""<data><xpath expr="//*[local-name()='IncludedNote']" position="after">
                <t xmlns:ram="{RAM.strip('{}')}" t-foreach="['PMT', 'PMD', 'AAB', 'TXD']"
                   t-as="code">
                    <ram:IncludedNote>
                        <ram:Content>As Odoo says</ram:Content>
                        <ram:SubjectCode t-out="code"/>
                    </ram:IncludedNote></t></xpath></data>"""})
        xml = self.assertValid(self.sold(self.line(), narration="<p>Merci &amp; à bientôt</p>"))
        notes = self.notes(xml)
        codes = [code for code, _text in notes]
        self.assertEqual(sorted(codes), sorted({*codes}))
        self.assertIn(("TXD", "As Odoo says"), notes, "what we do not write stays")
        self.assertEqual(dict(notes)["AAB"], "No discount for early payment.")
        self.assertEqual([text for code, text in notes if "Merci" in text], ["Merci & à bientôt"])

    # Exempt training ----------------------------------------------------------------------------

    def test_exempt_training_is_outside_the_obligation(self):
        """CGI art. 261-4-4° a, 289, I and 289 bis: no electronic invoice is due, and the file that
        goes with the paper says so."""
        invoice = self.sold(self.line(taxes=self.exempt))
        self.assertEqual(invoice.einvoice_state, "outside")
        self.assertIn("261-4-4°", invoice.einvoice_exclusion)
        self.assertIn(("BAR", "OUTOFSCOPE"), self.notes(self.assertValid(invoice)))
        self.printed({"training": invoice})
        self.assertTrue(invoice.ubl_cii_xml_id)
        self.assertEqual(invoice.einvoice_state, "outside")
        with self.assertRaisesRegex(UserError, "no electronic invoice yet"):
            invoice._einvoice_set_state("deposited")

    def test_part_of_it_taxed_is_within(self):
        for taxes in (self.service_tax, self.franchise):
            mixed = self.sold(self.line(taxes=self.exempt), self.line(taxes=taxes))
            self.assertIn(mixed.einvoice_state, ("to_make", "to_fix"))
        self.assertEqual(mixed.einvoice_state, "to_fix")
        self.assertIn("different grounds", mixed.einvoice_missing)
        taxed = self.sold()
        self.assertFalse(taxed.einvoice_exclusion)
        self.assertIn(("BAR", "B2B"), self.notes(self.export(taxed)))

    def test_exempt_seller_without_a_tax(self):
        """Training sold without any tax: neither due nor made, and nobody is asked to fix it."""
        self.company.legal_vat_regime = "exempt"
        invoice = self.sold(self.line(taxes=self.env["account.tax"]))
        self.assertEqual(invoice.einvoice_state, "outside")
        self.assertFalse(invoice.einvoice_missing)
        self.assertFalse(invoice._need_ubl_cii_xml("facturx"))

    # Credit notes -------------------------------------------------------------------------------

    def references(self, xml):
        """List (number, date) of BG-3."""
        return [(node.findtext(f"{RAM}IssuerAssignedID"),
                 node.findtext(f"{RAM}FormattedIssueDateTime/{{*}}DateTimeString"))
                for node in etree.fromstring(xml).iter(f"{RAM}InvoiceReferencedDocument")]

    def test_credit_note_of_several_invoices(self):
        first, second = self.sold(), self.sold(day=date(2026, 11, 2))
        note = self.sold(self.line(50.0), move_type="out_refund", day=date(2026, 11, 9),
                         corrected_invoice_ids=[Command.set((second + first).ids)])
        self.assertEqual(self.references(self.assertValid(note)), [
            (first.name, "20261005"), (second.name, "20261102")])

    def test_credit_note_of_nothing(self):
        """BR-FR-CO-05: it is not made until it names an invoice."""
        note = self.sold(move_type="out_refund")
        self.assertEqual(note.einvoice_state, "to_fix")
        self.assertIn("“Corrects”", note.einvoice_missing)
        note.corrected_invoice_ids = self.sold()
        note.action_einvoice_refresh()
        self.assertEqual(note.einvoice_state, "to_make")
        self.assertValid(note)

    def test_other_formats_name_the_invoice(self):
        """Peppol's file of a Belgian customer, too."""
        buyer = self.make_customer("BE", "BE0477472701", invoice_edi_format="ubl_bis3", ref="B1")
        invoice = self.sold(partner=buyer)
        note = self.sold(partner=buyer, move_type="out_refund", reversed_entry_id=invoice.id)
        xml, _errors = self.env["account.edi.xml.ubl_bis3"]._export_invoice(note)
        reference, = etree.fromstring(xml).iter("{*}BillingReference")
        self.assertEqual(
            (reference.findtext(".//{*}ID"), reference.findtext(".//{*}IssueDate")),
            (invoice.name, "2026-10-05"))
        xml, _errors = self.env["account.edi.xml.ubl_bis3"]._export_invoice(invoice)
        self.assertFalse(list(etree.fromstring(xml).iter("{*}BillingReference")))

    def test_rate_changed_behind_the_invoice(self):
        """In the database: the form refuses it. The credit note would name the wrong rate."""
        tax = self.service_tax.copy({"name": "20 % own"})
        invoice = self.sold(self.line(taxes=tax))
        with self.assertRaisesRegex(UserError, "20 % own"), self.env.cr.savepoint():
            tax.amount = 10
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_tax SET amount = 10 WHERE id = %s", [tax.id])
        self.env.invalidate_all()
        invoice.action_einvoice_refresh()
        self.assertEqual(invoice.einvoice_state, "to_fix")
        self.assertIn("20 % own", invoice.einvoice_missing)

    # Numbers and dates --------------------------------------------------------------------------

    def test_numbers_that_platforms_refuse(self):
        """BR-FR-01 and 02."""
        for number in ("FAC 2026 1", "FAC.2026.1", "F" * 36):
            invoice = self.sold(post=False, name=number)
            invoice.action_post()
            self.assertEqual(invoice.einvoice_state, "to_fix", number)
            self.assertIn(number, invoice.einvoice_missing)

    def test_due_before_the_invoice(self):
        """BR-FR-CO-07."""
        invoice = self.sold(invoice_date_due=date(2026, 10, 1))
        self.assertIn("due date", invoice.einvoice_missing)

    def test_invoicing_period(self):
        """BT-73 and BT-74 are the days of the services, whatever the day of the invoice; which is
        then no day of delivery (BT-72)."""
        for start, end in ((date(2026, 7, 1), date(2026, 9, 30)),
                           (date(2026, 10, 1), date(2026, 10, 31)),
                           (date(2027, 1, 1), date(2027, 12, 31))):
            with self.subTest(start=start):
                invoice = self.sold(
                    self.line(deferred_start_date=start, deferred_end_date=end), self.line())
                tree = etree.fromstring(self.assertValid(invoice))
                header = tree.find(f".//{RAM}ApplicableHeaderTradeSettlement")
                self.assertEqual([node.text for node in header.find(
                    f"{RAM}BillingSpecifiedPeriod").iter("{*}DateTimeString")],
                    [f"{start:%Y%m%d}", f"{end:%Y%m%d}"])
                self.assertIsNone(tree.find(f".//{RAM}ActualDeliverySupplyChainEvent"))
        tree = etree.fromstring(self.export(self.sold()))
        self.assertIsNotNone(tree.find(f".//{RAM}ActualDeliverySupplyChainEvent"))
        self.assertIsNone(tree.find(f".//{RAM}BillingSpecifiedPeriod"))

    def test_businesses_overseas(self):
        """Where French VAT does not apply, the reform does not: by postcode, too."""
        for postcode, state in (("97400", "to_make"), ("97300", False), ("97600", False)):
            buyer = self.make_business(0, zip=postcode, city="Ville")
            self.assertEqual(self.sold(partner=buyer).einvoice_state, state, postcode)

    # States -------------------------------------------------------------------------------------

    def test_made_by_default_for_french_businesses(self):
        self.assertEqual(self.buyer.invoice_edi_format, "facturx")
        for partner in (self.make_customer("FR"), self.make_customer("DE", "DE123456788")):
            self.assertFalse(partner.invoice_edi_format)
            self.assertFalse(self.sold(partner=partner).einvoice_state)

    def test_other_formats_for_others(self):
        """What Odoo makes for customers elsewhere is made as Odoo does: here Peppol's UBL."""
        buyer = self.make_customer("BE", "BE0477472701", invoice_edi_format="ubl_bis3")
        invoice = self.sold(self.line(123.45), partner=buyer)
        pdf = self.printed({"Belgian": invoice})["Belgian"]
        xml = etree.fromstring(invoice.ubl_cii_xml_id.raw)
        self.assertEqual(etree.QName(xml).namespace, UBL)
        total, = xml.iter("{*}TaxInclusiveAmount")
        self.assertEqual(float(total.text), amounts.of_paper(pdf)["total"])
        self.assertFalse(invoice.einvoice_state)

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
        invoice._einvoice_set_state("deposited")
        self.assertEqual(invoice.einvoice_state, "deposited")
        with self.assertRaisesRegex(UserError, "credit note"), self.env.cr.savepoint():
            invoice.button_draft()
        self.assertEqual(invoice.einvoice_state, "deposited")
        unsent = self.sold()
        unsent.button_draft()
        self.assertFalse(unsent.einvoice_state)
