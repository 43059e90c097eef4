from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_amount, format_date

from odoo.addons.concurrency_base.tools import as_engine

from ..tools import format_siren


class AccountMove(models.Model):
    _inherit = "account.move"

    corrected_invoice_ids = fields.Many2many(
        "account.move", "account_move_corrected_rel", "credit_note_id", "invoice_id",
        string="Corrects", compute="_compute_corrected_invoice_ids", store=True, readonly=False,
        copy=False, domain="""[
            ("move_type", "=", "out_invoice"), ("state", "=", "posted"),
            ("company_id", "=", company_id),
            ("commercial_partner_id", "=", commercial_partner_id)]""",
        help="The invoices that the credit note corrects, which it names with their dates "
        "(Directive 2006/112/EC, art. 219; CGI, art. 289, I, 5).")

    @api.depends("reversed_entry_id")
    def _compute_corrected_invoice_ids(self):
        """Name the invoice that Odoo reverses; what somebody chose stays."""
        for move in self:
            reversed_invoice = move.reversed_entry_id.filtered(
                lambda entry: entry.move_type == "out_invoice")
            if move.move_type == "out_refund" and reversed_invoice:
                move.corrected_invoice_ids |= reversed_invoice
            else:
                move.corrected_invoice_ids = move.corrected_invoice_ids

    @api.constrains("corrected_invoice_ids")
    def _check_corrected_invoices(self):
        """Check the invoices that a credit note names.

        :raise ValidationError: one of them is no posted invoice of the same company and customer
        """
        for move in self:
            for invoice in move.corrected_invoice_ids - move.reversed_entry_id:
                if (move.move_type, invoice.move_type, invoice.state) != (
                        "out_refund", "out_invoice", "posted") or (
                        invoice.company_id, invoice.commercial_partner_id) != (
                        move.company_id, move.commercial_partner_id):
                    raise ValidationError(self.env._(
                        "%(credit_note)s cannot correct %(invoice)s: choose a posted invoice of "
                        "the same company to %(customer)s.",
                        credit_note=move.display_name, invoice=invoice.display_name,
                        customer=move.commercial_partner_id.display_name))

    def _set_reversed_entry(self, credit_note):
        """Name the invoices of the order on a credit note that the order makes."""
        result = super()._set_reversed_entry(credit_note)
        for note in credit_note.filtered(lambda move: move.move_type == "out_refund"):
            note.corrected_invoice_ids |= self.filtered(
                lambda invoice, note=note: (invoice.move_type, invoice.state) == (
                    "out_invoice", "posted") and (
                    invoice.invoice_line_ids.sale_line_ids
                    & note.invoice_line_ids.sale_line_ids)
                and invoice.commercial_partner_id == note.commercial_partner_id)
        return result

    def _legal_corrected_invoices(self):
        """Return the invoices that a credit note names, oldest first."""
        self.ensure_one()
        # sudo: the number and the date of invoices to the same customer, for whoever may read
        # the credit note
        return self.sudo().corrected_invoice_ids.sorted(
            lambda invoice: (invoice.invoice_date or fields.Date.today(), invoice.id))

    def _legal_corrected_labels(self):
        """Return what the credit note prints of each invoice that it corrects: number and date."""
        return [
            self.env._("%(invoice)s of %(date)s", invoice=invoice.name,
                       date=format_date(self.env, invoice.invoice_date))
            for invoice in self._legal_corrected_invoices()]

    def _legal_make_pdf(self):
        """Make the PDFs of these documents, as when they are sent, without sending them.

        Odoo takes them for sent then, and forgets that some wait to be mailed: neither is so.
        """
        if self:
            # sudo: the document is made for everyone, by whoever may read the invoice
            moves = as_engine(self.sudo())
            unsent = moves.filtered(lambda move: not move.is_move_sent)
            waiting = {move: move.sending_data for move in moves if move.sending_data}
            moves.env["account.move.send"]._generate_and_send_invoices(moves, sending_methods=[])
            unsent.is_move_sent = False
            for move, data in waiting.items():
                move.sending_data = data
            self.invalidate_recordset(["invoice_pdf_report_id"])

    def _notify_by_email_prepare_rendering_context(self, message, *args, **kwargs):
        """Put on top of a credit note's mail what it gives back, which is due on no day."""
        context = super()._notify_by_email_prepare_rendering_context(message, *args, **kwargs)
        if self.move_type == "out_refund":
            context["subtitles"] = [context["subtitles"][0], format_amount(
                self.env, self.amount_total, self.currency_id, lang_code=context.get("lang"))]
        return context

    # Mentions -------------------------------------------------------------------------------

    def _legal_is_concerned(self):
        """Tell whether French law asks for its mentions.

        :return: bool: a customer's document of a French seller
        """
        self.ensure_one()
        return self.is_sale_document() and self.company_id._legal_is_french()

    def _legal_mentions(self):
        """Return the mentions printed below the lines, in the language of the environment.

        Sources: CGI, annexe II, art. 242 nonies A (of which decree 2022-1299 added the customer's
        SIREN, the category of operations, the delivery address and VAT on debits); Code de
        commerce, art. L441-9.

        Extension point: add mentions of one's own.

        :return: dict of code to text, in printing order; empty texts are left out
        """
        self.ensure_one()
        if not self._legal_is_concerned():
            return {}
        company = self.company_id.with_context(lang=self.env.lang)
        professional = self.partner_id._legal_is_professional()
        mentions = {
            "customer": professional and self._legal_customer(),
            "delivery": self._legal_delivery(),
            "operation": self._legal_operation_label(),
            "debits": self._legal_debits(),
            "vat": self._legal_vat(),
        }
        if professional and self.move_type == "out_invoice":
            mentions.update(company._legal_payment_terms())
        return {code: text for code, text in mentions.items() if text}

    def _legal_customer(self):
        """Return the SIREN of a French professional (art. 242 nonies A, I, 1°), as printed."""
        siren = self.partner_id._legal_siren()
        return siren and self.env._("Customer: SIREN %(siren)s", siren=format_siren(siren))

    def _legal_delivery(self):
        """Return where goods are delivered, when it is elsewhere (decree 2022-1299), as printed."""
        place, customer = self.partner_shipping_id, self.partner_id
        if (not place or place == customer or self._legal_operation() == "services"
                or place.contact_address == customer.contact_address):
            return ""
        return self.env._("Delivery address: %(address)s", address=", ".join(
            filter(None, (line.strip() for line in place.contact_address.splitlines()))))

    # Operations -----------------------------------------------------------------------------

    def _legal_operation(self):
        """Return the category of operations (decree 2022-1299).

        :return: ``goods``, ``services`` or ``mixed``: what the taxes of the lines say, else
            their products, else the company
        """
        self.ensure_one()
        lines = self._legal_sold_lines()
        scopes = lines.filtered(lambda line: any(line.tax_ids.mapped("tax_scope")))
        kinds = {*scopes.tax_ids.mapped("tax_scope"), *(lines - scopes).product_id.mapped("type")}
        goods, services = "consu" in kinds, "service" in kinds
        if goods and services:
            return "mixed"
        if goods or services:
            return "goods" if goods else "services"
        return self.company_id.legal_operation

    def _legal_sold_lines(self):
        """Return the lines of what is sold: neither titles nor what only pays for it."""
        return self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and (line.tax_ids or line.product_id))

    def _legal_operation_label(self):
        """Return the category of operations as printed."""
        labels = {
            "goods": self.env._("Category of operations: goods"),
            "services": self.env._("Category of operations: services"),
            "mixed": self.env._("Category of operations: goods and services"),
        }
        return labels[self._legal_operation()]

    # VAT ------------------------------------------------------------------------------------

    def _legal_is_taxed(self):
        """Tell whether any line bears a tax that is not zero."""
        return any(tax.amount for tax in self.invoice_line_ids.tax_ids.flatten_taxes_hierarchy())

    def _legal_debits(self):
        """Return the mention of the option for debits, on invoices that it concerns.

        They are those of taxed services, whose VAT is otherwise owed when they are paid.
        """
        if (self.company_id.legal_vat_on_debits and self._legal_is_taxed()
                and self._legal_operation() != "goods"):
            return self.env._("Option for the payment of VAT on debits")
        return ""

    def _legal_is_reverse_charged(self):
        """Tell whether it is a service to a business of another member state.

        The business owes the VAT itself (CGI, art. 283-2; Directive 2006/112/EC, art. 196).
        """
        self.ensure_one()
        customer, seller = self.commercial_partner_id, self.company_id.account_fiscal_country_id
        # sudo: the list of countries is nobody's secret
        union = self.env.ref("base.europe").sudo().country_ids
        return bool(customer.vat and not self._legal_is_taxed()
                    and customer._vat_country() in union - seller)

    def _legal_vat(self):
        """Return why there is no VAT (art. 242 nonies A, I, 12° and 13°), as printed."""
        if self._legal_is_taxed():
            return ""
        company = self.company_id.with_context(lang=self.env.lang)
        if company.legal_vat_regime != "normal" and self._legal_operation() == "goods":
            return company._legal_exemption()
        # Of services the place comes first: the exemptions are those of sales in France.
        if self._legal_is_reverse_charged():
            return self.env._(
                "Reverse charge (Autoliquidation), CGI art. 283-2, Directive 2006/112/EC art. 44 "
                "and 196")
        # sudo: the list of countries is nobody's secret
        union = self.env.ref("base.europe").sudo().country_ids
        customer = self.commercial_partner_id
        country = customer._vat_country()
        if customer.country_id and country not in union and country.code != "MC":
            return self.env._(
                "Not subject to French VAT, CGI art. 259, 1° (Directive 2006/112/EC, art. 44)")
        if company.legal_vat_regime != "normal":
            return company._legal_exemption()
        return company._legal_exemption() if self.invoice_line_ids.tax_ids else ""

    # Totals carried over --------------------------------------------------------------------

    def _legal_carried(self):
        """Return what the lines add up to, for the foot of a page and the head of the next.

        :return: dict of line id to (carried forward, brought forward) texts
        """
        self.ensure_one()
        total, texts = 0.0, {}
        included = self.company_price_include == "tax_included"
        for line in self._get_move_lines_to_report():
            if line.display_type == "product":
                total += line.price_total if included else line.price_subtotal
            amount = format_amount(self.env, total, self.currency_id)
            texts[line.id] = (
                self.env._("Carried forward: %(amount)s", amount=amount),
                self.env._("Brought forward: %(amount)s", amount=amount))
        return texts

    # Warnings -------------------------------------------------------------------------------

    def _get_alerts(self):
        """Tell whoever edits the document what the law misses on it; nothing is blocked."""
        alerts = super()._get_alerts()
        if self._legal_is_concerned() and self.state != "cancel":
            if missing := self._legal_missing_of_customer():
                alerts["legal_customer"] = {"level": "warning", "message": self.env._(
                    "The invoice lacks the customer’s %(mentions)s.",
                    mentions=", ".join(missing)),
                    "action": self.partner_id._get_records_action(),
                    "action_text": self.env._("Complete the customer")}
            if missing := self.company_id._legal_missing():
                alerts["legal_company"] = {"level": "warning", "message": self.env._(
                    "The invoice lacks these mentions of %(company)s: %(mentions)s.",
                    company=self.company_id.name,
                    mentions=", ".join(item["name"] for item in missing))}
            if self.move_type == "out_refund" and not self._legal_corrected_invoices():
                alerts["legal_corrected"] = {"level": "warning", "message": self.env._(
                    "The credit note does not name the invoice that it corrects: choose it in "
                    "“Corrects”.")}
        return alerts

    def _legal_missing_of_customer(self):
        """List what the invoice misses of the customer (art. 242 nonies A, I, 1°), as texts."""
        partner = self.partner_id
        missing = []
        if partner and not (partner.street and partner.city):
            missing.append(self.env._("address"))
        if partner and not partner.country_id:
            missing.append(self.env._("country"))
        commercial = partner.commercial_partner_id
        if (commercial.is_company and commercial.country_id == self.company_id.country_id
                and not commercial._legal_siren()):
            missing.append(self.env._("SIRET"))
        return missing
