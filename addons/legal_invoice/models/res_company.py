from odoo import fields, models
from odoo.tools import format_amount

from ..tools import format_siren, format_siret, is_siren_or_siret, without_separators
from ..tools.numbers import INSEE_COUNTRIES

WITHOUT_CAPITAL = ("ei", "association")
WITHOUT_REGISTER = ("ei", "association")


class ResCompany(models.Model):
    _inherit = "res.company"

    legal_form = fields.Selection(
        [("sas", "SAS"), ("sasu", "SASU"), ("sarl", "SARL"), ("eurl", "EURL"), ("sa", "SA"),
         ("snc", "SNC"), ("scop", "SCOP"), ("ei", "EI"), ("association", "Association")],
        help="Printed on every invoice (Code de commerce, art. R123-238; “EI”: art. R526-27).")
    legal_capital = fields.Monetary(
        string="Share capital", help="Code de commerce, art. R123-238.")
    legal_rcs_city = fields.Char(
        string="City of the register (RCS)",
        help="Where the company is registered in trade and companies (Code de commerce, "
        "art. R123-237). Empty for those that are not registered.")
    legal_vat_regime = fields.Selection(
        [("normal", "Subject to VAT"),
         ("franchise", "Small business exemption (art. 293 B)"),
         ("exempt", "Exempt training (art. 261-4-4°)")],
        string="VAT regime", required=True, default="normal")
    legal_vat_mention = fields.Char(
        string="Mention of untaxed invoices", translate=True,
        help="The law that exempts from VAT, as printed (CGI, annexe II, art. 242 nonies A, I, "
        "12°). Empty: the mention of the VAT regime.")
    legal_operation = fields.Selection(
        [("services", "Services"), ("goods", "Goods"), ("mixed", "Goods and services")],
        string="Category of operations", required=True, default="services",
        help="Printed when the lines do not tell (decree 2022-1299).")
    legal_vat_on_debits = fields.Boolean(
        string="VAT on debits",
        help="The company chose to owe the VAT of services when it invoices them (CGI, "
        "art. 269, 2, c); printed on its invoices (decree 2022-1299).")
    legal_late_penalty = fields.Char(
        string="Late payment penalties", translate=True,
        help="Code de commerce, art. L441-9 and L441-10. Empty: the rate of the law.")
    legal_recovery_fee = fields.Monetary(
        string="Fixed recovery charge", default=40.0,
        help="Owed by professionals who pay late (Code de commerce, art. D441-5).")
    legal_early_payment = fields.Char(
        string="Discount for early payment", translate=True,
        help="Code de commerce, art. L441-9. Empty: no discount.")

    legal_secured_from = fields.Date(
        string="Invoices secured from", default=lambda self: fields.Date.context_today(self),
        readonly=True, engine=True,
        help="From this day on, the invoices of a French seller are secured by a hash in the "
        "night after their day, and are not changed any more (CGI, art. 286, I, 3° bis).")

    _legal_amounts_positive = models.Constraint(
        "CHECK(legal_capital >= 0 AND legal_recovery_fee >= 0)",
        "The share capital and the recovery charge are amounts of zero or more.")

    # Who sells ------------------------------------------------------------------------------

    def _legal_is_french(self):
        """Tell whether the mentions of French law concern the company."""
        self.ensure_one()
        return self.account_fiscal_country_id.code in INSEE_COUNTRIES

    def _legal_siret(self):
        """Return the 14 (or 9) figures of the company, or nothing when they are not right."""
        self.ensure_one()
        number = without_separators(self.company_registry)
        return number if is_siren_or_siret(number) else ""

    def _legal_identity(self):
        """Return who sells, in one line of the language of the environment.

        Name, form and capital (Code de commerce, art. R123-238), address, SIREN and register
        (R123-237), SIRET, VAT number (CGI, annexe II, art. 242 nonies A, I, 1° and 2°).
        """
        self.ensure_one()
        return " – ".join(filter(None, [
            ", ".join(filter(None, [self.name, self._legal_form_label()])),
            ", ".join(filter(None, [
                self.street, self.street2, f"{self.zip or ''} {self.city or ''}".strip()])),
            self._legal_number_label(),
            self.vat and self.env._("VAT %(number)s", number=self.vat),
        ]))

    def _legal_form_label(self):
        """Return the legal form with the share capital, as printed."""
        form = dict(self._fields["legal_form"]._description_selection(self.env)).get(
            self.legal_form, "")
        if form and self.legal_capital and self.legal_form not in WITHOUT_CAPITAL:
            return self.env._(
                "%(form)s with a capital of %(capital)s", form=form,
                capital=format_amount(self.env, self.legal_capital, self.currency_id))
        return form

    def _legal_number_label(self):
        """Return the SIREN or SIRET with the register, as printed."""
        number = self._legal_siret()
        if not number:
            return ""
        label = f"SIRET {format_siret(number)}" if len(number) == 14 else (
            f"SIREN {format_siren(number)}")
        if self.legal_rcs_city:
            label += f" – RCS {self.legal_rcs_city} {format_siren(number[:9])}"
        return label

    # What is missing ------------------------------------------------------------------------

    def _legal_checklist(self):
        """List what the law wants on the company's invoices, and whether it is there.

        Extension point: add items of one's own.

        :return: list of dicts: ``code``, ``name`` (text), ``done`` (bool), ``source`` (the
            article), ``required`` (bool: without it the company may not sell)
        """
        self.ensure_one()
        if not self._legal_is_french():
            return []
        return [
            {"code": code, "name": name, "done": bool(done), "source": source,
             "required": required}
            for code, name, done, source, required in (
                *self._legal_identity_items(), *self._legal_vat_items())]

    def _legal_identity_items(self):
        """Return the items of the checklist that say who sells; see :meth:`_legal_checklist`."""
        trade = "Code de commerce, art. R123-237, R123-238"
        items = [
            ("address", self.env._("its address"),
             self.street and self.zip and self.city and self.country_id,
             "CGI, annexe II, art. 242 nonies A, I, 1°", True),
            ("siret", self.env._("its SIRET"), len(self._legal_siret()) == 14,
             "CGI, annexe II, art. 242 nonies A, I, 1°", True),
            ("form", self.env._("its legal form"), self.legal_form, trade, True),
        ]
        if self.legal_form not in WITHOUT_CAPITAL:
            items.append(
                ("capital", self.env._("its share capital"), self.legal_capital, trade, True))
        if self.legal_form not in WITHOUT_REGISTER:
            items.append(("rcs", self.env._("the city of its register (RCS)"),
                          self.legal_rcs_city, trade, True))
        return items

    def _legal_vat_items(self):
        """Return the items of the checklist on VAT and payment; see :meth:`_legal_checklist`."""
        items = []
        if self.legal_vat_regime == "normal":
            items.append(("vat", self.env._("its VAT number"), self.vat,
                          "CGI, annexe II, art. 242 nonies A, I, 2°", True))
        items.append(("bank", self.env._("its bank account"), self.bank_ids,
                      self.env._("For customers who pay by bank transfer"), False))
        return items

    def _legal_missing(self):
        """Return the items of the checklist without which the company may not sell."""
        return [item for item in self._legal_checklist()
                if item["required"] and not item["done"]]

    # What is printed ------------------------------------------------------------------------

    def _legal_exemption(self):
        """Return the law that exempts the company, as printed on its untaxed invoices.

        Since 1 September 2026 the CIBS holds these rules; invoices may name the articles of the
        CGI until 31 December 2027, and ``legal_vat_mention`` says otherwise when it must.
        """
        self.ensure_one()
        if self.legal_vat_regime == "franchise":
            return self.legal_vat_mention or self.env._(
                "VAT not applicable, art. 293 B of the CGI")
        if self.legal_vat_regime == "exempt":
            return self.legal_vat_mention or self.env._(
                "Exempt from VAT, art. 261-4-4° a of the CGI")
        return self.legal_vat_mention or ""

    def _legal_payment_terms(self):
        """Return the mentions of payment between professionals.

        Source: Code de commerce, art. L441-9, I.

        :return: dict of code to text
        """
        self.ensure_one()
        fee = self.env["ir.qweb.field.monetary"].value_to_html(
            self.legal_recovery_fee, {"display_currency": self.currency_id}).striptags()
        return {
            "penalties": self.legal_late_penalty or self.env._(
                "Late payment penalties: the refinancing rate of the European Central Bank plus "
                "10 points (Code de commerce, art. L441-10)."),
            "recovery": self.env._(
                "Fixed charge for recovery costs in case of late payment: %(fee)s (Code de "
                "commerce, art. D441-5).", fee=fee),
            "early_payment": self.legal_early_payment or self.env._(
                "No discount for early payment."),
        }
