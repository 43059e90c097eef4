from lxml import etree

from odoo import models
from odoo.tools import float_round, html2plaintext

EN16931 = "urn:cen.eu:en16931:2017"
# Subjects of the notes between professionals (UNTDID 4451, BR-FR-05), by mention.
LEGAL_NOTES = {"PMT": "recovery", "PMD": "penalties", "AAB": "early_payment"}
OPERATIONS = {"goods": "B", "services": "S", "mixed": "M"}
VAT_DUE = {"on_invoice": "5", "on_payment": "72"}  # UNTDID 2475: date of invoice, of payment
# What Odoo asks of every CII invoice: rules of the German CIUS, and a tax on each line, which
# ours ask of what is sold only.
FOREIGN_RULES = (
    "seller_payment_instructions_1", "seller_payment_instructions_2", "seller_identifier",
    "seller_phone", "seller_email", "tax_on_line")
UNIT_DECIMALS = 6
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
RSM = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}"
ROUTING_SCHEME = "0225"  # addresses of the French directory start with the SIREN


class AccountEdiXmlCii(models.AbstractModel):
    """Factur-X of French businesses: profile EN 16931 with the rules of the reform.

    Source: standard XP Z12-012 (rules BR-FR-*, checked by the FNFE's schematrons).
    """

    _inherit = "account.edi.xml.cii"

    def _export_invoice(self, invoice):
        """Write the notes of the reform into the finished file; see :meth:`_french_write_notes`."""
        xml, errors = super()._export_invoice(invoice)
        xml = self._leave_out_vat_numbers(xml)
        if self._is_french_file(invoice):
            customer = invoice.with_context(lang=invoice.partner_id.lang)
            xml = self._french_write_notes(xml, self._french_notes(customer))
        return xml, errors

    def _leave_out_vat_numbers(self, xml):
        """Leave rates and VAT numbers out of a file all of which is out of scope (BR-O-02, -05).

        :param bytes xml: the file
        :return: bytes
        """
        tree = etree.fromstring(xml)
        taxes = [tax for tax in tree.iter(f"{RAM}ApplicableTradeTax")
                 if tax.find(f"{RAM}CategoryCode") is not None]
        if not taxes or any(tax.findtext(f"{RAM}CategoryCode") != "O" for tax in taxes):
            return xml
        numbers = [number for number in tree.iter(f"{RAM}SpecifiedTaxRegistration")
                   if number.find(f"{RAM}ID").get("schemeID") == "VA"]
        rates = [rate for tax in taxes for rate in tax.findall(f"{RAM}RateApplicablePercent")]
        for node in numbers + rates:
            node.getparent().remove(node)
        return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")

    def _is_french_file(self, invoice):
        """Tell whether the file follows the rules of the French reform."""
        return invoice._is_between_french_businesses() and invoice._is_taxable_document()

    def _export_invoice_vals(self, invoice):
        """Add the invoices that a credit note corrects, and what the reform changes."""
        vals = super()._export_invoice_vals(invoice)
        vals["corrected_invoices"] = invoice._legal_corrected_invoices()
        vals["french"] = self._is_french_file(invoice)
        if vals["french"]:
            vals.update(self._prepare_french_vals(invoice))
            self._french_leave_out_payments(invoice, vals)
            self._french_set_unit_prices(vals)
            self._french_set_period(vals)
        return vals

    def _prepare_french_vals(self, invoice):
        """Return the values of the template that the reform adds or changes."""
        seller, buyer = invoice.company_id.partner_id, invoice.commercial_partner_id
        vat = invoice.fiscal_position_id.foreign_vat or invoice.company_id.vat
        return {
            "document_context_id": EN16931,
            "business_process": self._french_billing_mode(invoice),
            "french_due_code": VAT_DUE[self._french_exigibility(invoice)],
            "seller_specified_legal_organization": seller._legal_siren(),
            "buyer_specified_legal_organization": buyer._legal_siren(),
            "seller_siret": seller._french_siret(),
            "buyer_siret": buyer._french_siret(),
            # BT-32: a seller under art. 293 B needs no VAT number, and the file a registration
            # (BR-E-02); the SIREN is the one by which the tax office knows it.
            "french_tax_number": "" if vat else seller._legal_siren(),
            "routing_scheme": ROUTING_SCHEME,
            "purchase_order_reference": invoice.ref or "",
            "prepaid_amount": invoice.amount_total - invoice.amount_residual,
            "grand_total": invoice.amount_total,
            "euro_tax_amount": invoice.currency_id != invoice.company_currency_id and abs(
                invoice.amount_tax_signed),
        }

    def _french_billing_mode(self, invoice):
        """Return BT-23: B for goods, S for services or M for both, then 1, or 2 once paid."""
        letter = OPERATIONS[invoice._legal_operation()]
        ahead = -sum(invoice._einvoice_payment_lines().mapped("price_subtotal"))
        paid = invoice.move_type == "out_invoice" and (
            invoice.amount_total + ahead and not invoice.amount_residual)
        return f"{letter}{2 if paid else 1}"

    def _french_exigibility(self, invoice):
        """Tell when VAT falls due.

        :return: ``on_payment`` (services, CGI art. 269, 2, c), or ``on_invoice`` when all of it
            falls due with the invoice (goods, the option for debits, what was paid ahead)
        """
        taxes = invoice.invoice_line_ids.tax_ids.filtered("amount")
        waits = "on_payment" in taxes.mapped("tax_exigibility") and (
            not invoice.always_tax_exigible)
        debits = invoice.company_id.legal_vat_on_debits
        return "on_payment" if waits and not debits else "on_invoice"

    def _french_notes(self, invoice):
        """Return the notes of the reform with their subject (BG-1, UNTDID 4451).

        :return: list of (code, text), each code once
        """
        company = invoice.company_id.with_context(lang=invoice.env.lang)
        legal = company._legal_payment_terms()
        notes = [(code, legal[mention]) for code, mention in LEGAL_NOTES.items()]
        # How platforms process it (BR-FR-20).
        notes.append(("BAR", "B2B" if invoice._is_french_einvoice() else "OUTOFSCOPE"))
        notes.append(("ABL", company._legal_identity()))
        if invoice.taxes_legal_notes:
            notes.append(("REG", html2plaintext(invoice.taxes_legal_notes)))
        if invoice.narration:
            notes.append(("AAI", html2plaintext(invoice.narration)))
        return [(code, text) for code, text in notes if text]

    def _french_write_notes(self, xml, notes):
        """Put notes into a file, in place of those that say the same.

        Odoo writes the conditions of the invoice without a code, and newer versions the notes
        PMT, PMD and AAB as well; a code may occur once (BR-FR-06).

        :param bytes xml: the file
        :param list notes: (code, text)
        :return: bytes
        """
        tree = etree.fromstring(xml)
        document = tree.find(f"{RSM}ExchangedDocument")
        codes = {code for code, _text in notes}
        words = [text.split() for _code, text in notes]
        for note in document.findall(f"{RAM}IncludedNote"):
            if (note.findtext(f"{RAM}SubjectCode") in codes
                    or note.findtext(f"{RAM}Content", "").split() in words):
                document.remove(note)
        for code, text in notes:
            note = etree.SubElement(document, f"{RAM}IncludedNote")
            etree.SubElement(note, f"{RAM}Content").text = text
            etree.SubElement(note, f"{RAM}SubjectCode").text = code
        return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")

    def _french_leave_out_payments(self, invoice, vals):
        """Move what was paid ahead from the lines of what is sold to the payments (BT-113)."""
        payments = invoice._einvoice_payment_lines()
        paid = -sum(payments.mapped("price_subtotal"))
        lines = [line for line in vals["invoice_line_vals_list"] if line["line"] not in payments]
        for index, line in enumerate(lines, start=1):
            line["index"] = index
        vals["invoice_line_vals_list"] = lines
        vals["grand_total"] += paid
        vals["prepaid_amount"] += paid

    def _french_set_unit_prices(self, vals):
        """Set the lines as they are in the books, and unit prices that make them.

        Of prices that include their taxes, Odoo's lines may add up to a cent more than the books
        (BR-CO-10). Unit prices are exact to six decimals, as BR-FR-DEC-03 allows: Odoo's, rounded
        to the cent, times the quantity are not the line.
        """
        for line_vals in vals["invoice_line_vals_list"]:
            line, quantity = line_vals["line"], line_vals["quantity"]
            if not quantity or line_vals["allowance_charge_vals_list"]:
                continue
            total = line.move_id.direction_sign * line.amount_currency + 0.0  # no -0.0
            net = float_round(total / quantity, UNIT_DECIMALS)
            discount = line.discount if line.discount != 100.0 else 0.0
            gross = float_round(net / (1 - discount / 100), UNIT_DECIMALS)
            line_vals.update({
                "line_total_amount": total, "price_subtotal_unit": net,
                "gross_price_total_unit": gross, "price_discount_unit": gross - net,
                "unit_decimals": UNIT_DECIMALS})

    def _french_set_period(self, vals):
        """Set the invoicing period (BG-14, BT-73 and BT-74) to the days of the services.

        Without any, Odoo would tell when payment is due. With one, the day of the invoice is no
        day of delivery (BT-72): periods may be invoiced before, within or after them.
        """
        lines = [line for line in vals["invoice_line_vals_list"]
                 if line.get("billing_start") and line.get("billing_end")]
        vals["billing_start"] = min((line["billing_start"] for line in lines), default=None)
        vals["billing_end"] = max((line["billing_end"] for line in lines), default=None)
        if lines:
            vals["scheduled_delivery_time"] = None

    def _export_invoice_constraints(self, invoice, vals):
        """Ask of French files what the reform does, instead of what Odoo asks of others."""
        constraints = super()._export_invoice_constraints(invoice, vals)
        if vals["french"]:
            for name in FOREIGN_RULES:
                constraints.pop(name, None)
            constraints.update({
                f"french_{index}": error
                for index, error in enumerate(invoice._einvoice_errors())})
        return constraints
