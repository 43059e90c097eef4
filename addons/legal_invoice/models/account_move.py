from odoo import models
from odoo.tools import format_amount

from ..tools import format_siren


class AccountMove(models.Model):
    _inherit = "account.move"

    def _legal_is_concerned(self):
        """Whether French law asks for its mentions: a customer's document of a French seller."""
        self.ensure_one()
        return self.is_sale_document() and self.company_id._legal_is_french()

    def _legal_mentions(self):
        """The mentions printed below the lines, in the language of the environment.

        Sources: CGI, annexe II, art. 242 nonies A (of which decree 2022-1299 added the customer's
        SIREN, the category of operations, the delivery address and VAT on debits); Code de
        commerce, art. L441-9. An extension adds its own.

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
        """The SIREN of a French professional (art. 242 nonies A, I, 1°)."""
        siren = self.partner_id._legal_siren()
        return siren and self.env._("Customer: SIREN %(siren)s", siren=format_siren(siren))

    def _legal_delivery(self):
        """Where goods are delivered, when it is elsewhere (decree 2022-1299)."""
        place, customer = self.partner_shipping_id, self.partner_id
        if (not place or place == customer or self._legal_operation() == "services"
                or place.contact_address == customer.contact_address):
            return ""
        return self.env._("Delivery address: %(address)s", address=", ".join(
            filter(None, (line.strip() for line in place.contact_address.splitlines()))))

    # Operations -----------------------------------------------------------------------------

    def _legal_operation(self):
        """The category of operations (decree 2022-1299).

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
        """What is sold: neither titles nor what only pays for it."""
        return self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and (line.tax_ids or line.product_id))

    def _legal_operation_label(self):
        labels = {
            "goods": self.env._("Category of operations: goods"),
            "services": self.env._("Category of operations: services"),
            "mixed": self.env._("Category of operations: goods and services"),
        }
        return labels[self._legal_operation()]

    # VAT ------------------------------------------------------------------------------------

    def _legal_is_taxed(self):
        return any(tax.amount for tax in self.invoice_line_ids.tax_ids.flatten_taxes_hierarchy())

    def _legal_debits(self):
        """The option concerns services, whose VAT is else owed when they are paid."""
        if (self.company_id.legal_vat_on_debits and self._legal_is_taxed()
                and self._legal_operation() != "goods"):
            return self.env._("Option for the payment of VAT on debits")
        return ""

    def _legal_is_reverse_charged(self):
        """Services to a business of another member state: it owes the VAT itself (CGI,
        art. 283-2; Directive 2006/112/EC, art. 196)."""
        self.ensure_one()
        customer, seller = self.commercial_partner_id, self.company_id.account_fiscal_country_id
        # sudo: the list of countries is nobody's secret
        union = self.env.ref("base.europe").sudo().country_ids
        return bool(customer.vat and not self._legal_is_taxed()
                    and customer.country_id in union - seller)

    def _legal_vat(self):
        """Why there is no VAT (art. 242 nonies A, I, 12° and 13°)."""
        if self._legal_is_taxed():
            return ""
        company = self.company_id.with_context(lang=self.env.lang)
        if company.legal_vat_regime != "normal":
            return company._legal_exemption()
        if self._legal_is_reverse_charged():
            return self.env._("Reverse charge (Autoliquidation)")
        # sudo: the list of countries is nobody's secret
        union = self.env.ref("base.europe").sudo().country_ids
        country = self.commercial_partner_id.country_id
        if country and country not in union and country.code != "MC":
            return self.env._("Not subject to French VAT, art. 259 of the CGI")
        return company._legal_exemption() if self.invoice_line_ids.tax_ids else ""

    # Totals carried over --------------------------------------------------------------------

    def _legal_carried(self):
        """What the lines add up to, for the foot of a page and the head of the next.

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
        """What the law misses on the document, told to who edits it; nothing is blocked."""
        alerts = super()._get_alerts()
        if self._legal_is_concerned() and self.state != "cancel":
            if missing := self._legal_missing_of_customer():
                alerts["legal_customer"] = {"level": "warning", "message": self.env._(
                    "The invoice misses the customer’s %(mentions)s.",
                    mentions=", ".join(missing)),
                    "action": self.partner_id._get_records_action(),
                    "action_text": self.env._("Complete the customer")}
            if missing := self.company_id._legal_missing():
                alerts["legal_company"] = {"level": "warning", "message": self.env._(
                    "The invoice misses of %(company)s: %(mentions)s.",
                    company=self.company_id.name,
                    mentions=", ".join(item["name"] for item in missing))}
        return alerts

    def _legal_missing_of_customer(self):
        """What the invoice misses of the customer (art. 242 nonies A, I, 1°), as texts."""
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
