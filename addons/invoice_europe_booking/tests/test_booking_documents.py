from datetime import timedelta

from lxml import etree

from odoo import fields

from odoo.addons.invoice_europe.tests import amounts
from odoo.addons.invoice_europe.tests.common import EuropeCase

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


class TestBookingDocuments(EuropeCase):
    """Bookings of a French company: what is an electronic invoice and what is not, and which
    analytic account earns."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company._credit_create_accounts()
        cls.plan = cls.env["account.analytic.plan"].create({"name": "Offers"})
        cls.training = cls.env["event.type"].create({
            "name": "Public speaking", "is_training": True, "credit_price": 4,
            "training_product_id": cls.service.id})
        begin = fields.Datetime.now() + timedelta(days=30)
        cls.session = cls.env["event.event"].create({
            "name": "Public speaking", "event_type_id": cls.training.id,
            "date_begin": begin, "date_end": begin + timedelta(hours=2)})
        cls.buyer = cls.make_business()
        cls.wallet = cls.env["credit.wallet"]._of(cls.buyer, cls.company)

    def book(self, kind, key="seat"):
        self.wallet._grant(4, 120.0, f"grant:{key}", kind="adjustment", reason="Sold",
                           voucher_kind=kind)
        return self.session._book(self.wallet, self.buyer, key).credit_entry_id.move_ids

    def test_single_purpose_booking_is_no_invoice(self):
        """The pack was invoiced (VAT Directive, art. 30b, 1): there is no file, and the booking
        says why."""
        booking = self.book("single")
        self.assertEqual(booking.einvoice_state, "outside")
        self.assertIn("the one of the pack", booking.einvoice_exclusion)
        self.assertFalse(booking._need_ubl_cii_xml("facturx"))

    def test_multi_purpose_booking(self):
        """Invoiced with its VAT and paid ahead by the credits: BT-113, nothing due, cadre S2."""
        invoice = self.book("multi")
        self.assertEqual(invoice.einvoice_state, "to_make")
        xml, errors = self.env["account.edi.xml.cii"]._export_invoice(invoice)
        self.assertFalse(errors)
        tree = etree.fromstring(xml)
        totals = {name: float(tree.findtext(f".//{RAM}{name}")) for name in (
            "TaxBasisTotalAmount", "TaxTotalAmount", "GrandTotalAmount", "TotalPrepaidAmount",
            "DuePayableAmount")}
        self.assertEqual(totals, {
            "TaxBasisTotalAmount": 100.0, "TaxTotalAmount": 20.0, "GrandTotalAmount": 120.0,
            "TotalPrepaidAmount": 120.0, "DuePayableAmount": 0.0})
        self.assertEqual(len(list(tree.iter(f"{RAM}IncludedSupplyChainTradeLineItem"))), 1)
        self.assertIn("S2", [node.text for node in tree.iter(f"{RAM}ID")])
        self.assertEqual(tree.findtext(f".//{RAM}DueDateTypeCode"), "5", "due with the invoice")

    def test_paper_agrees_with_the_file(self):
        """Credits are a payment on the paper, too, not a line without VAT: one rate, and what is
        untaxed is what was sold."""
        invoice = self.book("multi")
        xml, _errors = self.env["account.edi.xml.cii"]._export_invoice(invoice)
        pdf, _kind = self.env["ir.actions.report"].with_context(
            force_report_rendering=True)._render_qweb_pdf(
                "account.report_invoice_with_payments", invoice.ids)
        paper = amounts.of_paper(pdf)
        self.assertEqual(paper, amounts.of_file(xml))
        self.assertEqual(paper, {"untaxed": 100.0, "tax": 20.0, "total": 120.0, "due": 0.0,
                                 "rates": {20.0: (100.0, 20.0)}})
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "account.report_invoice_with_payments", invoice.ids)
        self.assertEqual(html.decode().count("Paid with 4 credits"), 1)

    def test_paper_of_credits_of_both_kinds(self):
        """What its pack invoiced is paid ahead like the credits that pay for it."""
        self.wallet._grant(2, 60.0, "grant:single", kind="adjustment", reason="Sold",
                           voucher_kind="single")
        self.wallet._grant(2, 60.0, "grant:multi", kind="adjustment", reason="Sold",
                           voucher_kind="multi")
        invoice = self.session._book(self.wallet, self.buyer, "both").credit_entry_id.move_ids
        xml, _errors = self.env["account.edi.xml.cii"]._export_invoice(invoice)
        found = amounts.of_file(xml)
        self.assertEqual(found["rates"], {20.0: (50.0, 10.0)})
        totals = invoice._einvoice_paper_totals()
        self.assertEqual(
            (totals["base_amount_currency"], totals["tax_amount_currency"],
             totals["total_amount_currency"]),
            (found["untaxed"], found["tax"], found["total"]))
        paid = sum(invoice._einvoice_paper_payments().mapped("price_total"))
        self.assertEqual(found["total"] + paid, found["due"])

    def test_paper_of_single_purpose_credits_stays(self):
        """It is no invoice, and shows the service and the credits that pay for it."""
        booking = self.book("single")
        self.assertEqual(len(booking._get_move_lines_to_report()), 2)
        self.assertEqual(booking._einvoice_paper_totals(), booking.tax_totals)

    def test_multi_purpose_pack_is_no_invoice(self):
        """The sale of such a voucher is no supply (art. 30b, 2)."""
        self.company.credit_voucher_kind = "multi"
        pack = self.make_product(
            "Pack", self.service_tax, service_tracking="credit_pack", credit_count=10)
        sale = self.invoice(self.buyer, {"product_id": pack.id})
        self.assertEqual(sale.einvoice_state, "outside")
        self.assertIn("the one of each booking", sale.einvoice_exclusion)
        self.assertFalse(sale._need_ubl_cii_xml("facturx"))

    def test_consumers_are_told_nothing(self):
        """Who is no business gets no electronic invoice anyway."""
        self.wallet = self.env["credit.wallet"]._of(self.make_customer("FR"), self.company)
        self.buyer = self.wallet.partner_id
        self.assertFalse(self.book("single").einvoice_state)

    def test_training_earns_on_its_analytic_account(self):
        self.assertFalse(self.training.analytic_account_id)
        self.company.analytic_offer_plan_id = self.plan
        account = self.training.analytic_account_id
        self.assertEqual((account.name, account.plan_id), ("Public speaking", self.plan))
        self.training._make_analytic_accounts()
        self.assertEqual(self.training.analytic_account_id, account)
        invoice = self.book("single")
        service, credits = invoice.invoice_line_ids
        self.assertEqual(service.analytic_distribution, {str(account.id): 100})
        self.assertFalse(credits.analytic_distribution)
        items = self.env["account.analytic.line"].search([
            (self.plan._column_name(), "=", account.id)])
        self.assertEqual(items.mapped("amount"), [120.0])
        later = self.env["event.type"].create({
            "name": "Writing", "is_training": True, "credit_price": 2})
        self.assertEqual(later.analytic_account_id.name, "Writing")
