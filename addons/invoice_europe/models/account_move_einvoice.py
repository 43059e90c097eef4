import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import as_engine

EINVOICE_STATES = [
    ("outside", "Outside the obligation"),
    ("to_fix", "Data missing"),
    ("to_make", "To make"),
    ("made", "Made"),
    ("deposited", "Deposited"),
    ("accepted", "Accepted"),
    ("refused", "Refused"),
]
NOT_MADE = (False, "outside", "to_fix", "to_make")
# Codes of the exemptions of CGI art. 261 to 261 E, whose operations need no invoice (art. 289, I).
EXEMPT_FROM_INVOICING = "VATEX-FR-CGI261"
NUMBER = re.compile(r"[A-Za-z0-9+_/-]{1,35}")  # BR-FR-01, BR-FR-02
RATE_TOLERANCE = 0.01  # per line: what rounding may make of a tax (BR-CO-17)


class AccountMove(models.Model):
    """Electronic invoices: the part of ``account.move`` that the French reform asks for."""

    _inherit = "account.move"

    einvoice_state = fields.Selection(
        EINVOICE_STATES, string="E-invoice", readonly=True, engine=True, copy=False,
        index="btree_not_null",
        help="How far the electronic invoice is; empty when the customer is not a business "
        "in France.")
    einvoice_missing = fields.Text(compute="_compute_einvoice_missing")
    einvoice_exclusion = fields.Text(compute="_compute_einvoice_exclusion")

    @api.depends("einvoice_state")
    def _compute_einvoice_missing(self):
        for move in self:
            move.einvoice_missing = move.einvoice_state == "to_fix" and "\n".join(
                move._einvoice_errors())

    @api.depends("einvoice_state")
    def _compute_einvoice_exclusion(self):
        for move in self:
            move.einvoice_exclusion = (
                move.einvoice_state == "outside" and move._einvoice_exclusion())

    # Which documents --------------------------------------------------------------------------

    def _is_between_french_businesses(self):
        """Tell whether the document is one that a business established in France gives another
        (CGI art. 289 bis)."""
        self.ensure_one()
        return (
            self.is_sale_document()
            and self.company_id.account_fiscal_country_id.code == "FR"
            and self.commercial_partner_id._is_french_business())

    def _is_french_einvoice(self):
        """Tell whether the French reform wants the document electronic."""
        return self._is_between_french_businesses() and not self._einvoice_exclusion()

    def _is_taxable_document(self):
        """Tell whether the document invoices something.

        Extension point: vouchers make documents that invoice nothing anew, of which no file is
        made. :meth:`_einvoice_exclusion` says why.
        """
        self.ensure_one()
        return True

    def _einvoice_exclusion(self):
        """Say why a document between French businesses is outside the obligation.

        Extension point.

        :return: translated text, empty when the document has to be electronic
        """
        self.ensure_one()
        if self._is_exempt_from_invoicing():
            return self.env._(
                "Operations that art. 261 to 261 E of the CGI exempt from VAT, such as vocational "
                "training (art. 261-4-4° a), need no invoice (art. 289, I) and no electronic one "
                "(art. 289 bis). The file made with the PDF says that it is out of scope.")
        return ""

    def _is_exempt_from_invoicing(self):
        """Tell whether all that is sold is exempt by CGI art. 261 to 261 E."""
        exempt_seller = self.company_id.legal_vat_regime == "exempt"

        def is_exempt(line):
            grounds = line.tax_ids.mapped("ubl_cii_tax_exemption_reason_code")
            return all((ground or "").startswith(EXEMPT_FROM_INVOICING) for ground in grounds) \
                if line.tax_ids else exempt_seller

        sold = self._einvoice_sold_lines()
        return bool(sold) and all(map(is_exempt, sold))

    def _einvoice_payment_lines(self):
        """Return the lines that stand for a payment, not for a sale: what was paid ahead.

        Extension point.
        """
        return self.env["account.move.line"]

    # The paper --------------------------------------------------------------------------------

    def _einvoice_paper_payments(self):
        """Return the lines that the paper shows below the total, as the file does (BT-113).

        What was paid ahead is a payment, not a line of another rate: without it, what is untaxed,
        the tax and the total are those of the file (EN 16931, BR-CO-10 to BR-CO-16).
        """
        self.ensure_one()
        payments = self._einvoice_payment_lines()
        return payments if self._is_taxable_document() else payments.browse()

    def _get_move_lines_to_report(self):
        """Leave the lines that stand for a payment to the foot of the paper."""
        return super()._get_move_lines_to_report() - self._einvoice_paper_payments()

    def _einvoice_paper_totals(self):
        """Return the totals of what is sold; see :meth:`_einvoice_paper_payments`."""
        self.ensure_one()
        payments = self._einvoice_paper_payments()
        if not payments or not self.tax_totals:
            return self.tax_totals
        base_lines, _tax_lines = self._get_rounded_base_and_tax_lines()
        totals = self.env["account.tax"]._get_tax_totals_summary(
            base_lines=[line for line in base_lines if line["record"] not in payments],
            currency=self.currency_id, company=self.company_id,
            cash_rounding=self.invoice_cash_rounding_id)
        return {**self.tax_totals, **totals}

    # What is missing --------------------------------------------------------------------------

    def _einvoice_errors(self):
        """List what the electronic invoice lacks (CGI, annex II, art. 242 nonies A; XP Z12-012).

        :return: list of translated texts, each with its remedy
        """
        self.ensure_one()
        return [
            *self._einvoice_party_errors(), *self._einvoice_number_errors(),
            *self._einvoice_tax_errors()]

    def _einvoice_party_errors(self):
        """List what the file lacks of seller and buyer (BR-FR-10, BR-FR-11)."""
        parties = (self.company_id.partner_id, self.commercial_partner_id)
        return [
            *(self.env._("%(partner)s has no valid SIREN: type its SIRET on its contact form.",
                         partner=partner.display_name)
              for partner in parties if not partner._legal_siren()),
            *(self.env._("%(partner)s has no city or no country: complete its address.",
                         partner=partner.display_name)
              for partner in parties if not (partner.city and partner.country_id)),
        ]

    def _einvoice_number_errors(self):
        """List what the file lacks of numbers and dates (BR-FR-01, -02, -CO-05 and -CO-07)."""
        errors = []
        corrected = self._legal_corrected_invoices()
        for number in (self | corrected).mapped("name"):
            if not NUMBER.fullmatch(number or ""):
                errors.append(self.env._(
                    "“%(number)s” cannot be the number of an electronic invoice: it takes "
                    "up to 35 letters, digits, “-”, “+”, “_” and “/”. Change the numbering "
                    "of the journal.", number=number))
        if self.move_type == "out_refund" and not corrected:
            errors.append(self.env._(
                "The credit note does not name the invoice that it corrects: choose it in "
                "“Corrects”."))
        due = self.invoice_date_due
        if due and self.invoice_date and due < self.invoice_date and self.amount_residual:
            errors.append(self.env._(
                "The due date is before the date of the invoice: correct one of them."))
        return errors

    def _einvoice_tax_errors(self):
        """List what the file lacks of taxes (BR-CO-04, BR-CO-17, BR-E-01, BR-S-02)."""
        errors = []
        sold = self._einvoice_sold_lines()
        taxes = sold.tax_ids.flatten_taxes_hierarchy()
        if untaxed := sold.filtered(lambda line: not line.tax_ids)[:1]:
            errors.append(self.env._(
                "“%(line)s” has no tax: choose one, such as 0%% with its legal ground.",
                line=untaxed.name or untaxed.product_id.display_name))
        if any(taxes.mapped("amount")) and not (
                self.company_id.vat or self.fiscal_position_id.foreign_vat):
            errors.append(self.env._(
                "%(company)s charges VAT and has no VAT number: type it on the company’s form.",
                company=self.company_id.name))
        exempt = taxes.filtered(lambda tax: tax.ubl_cii_tax_category_code == "E")
        if len(set(exempt.mapped("ubl_cii_tax_exemption_reason_code"))) > 1:
            errors.append(self.env._(
                "The lines are exempt on different grounds: make an invoice of each."))
        return errors + [self.env._(
            "The rate of “%(tax)s” is no longer the one of the invoice: give it back to the tax, "
            "and make a new tax for the new rate.", tax=tax.name)
            for tax in self._taxes_with_other_rates()]

    def _einvoice_sold_lines(self):
        """Return the lines of what is sold: neither titles nor what only pays for it."""
        return self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product") - self._einvoice_payment_lines()

    def _taxes_with_other_rates(self):
        """Return the taxes whose rate no longer makes the amounts of the document."""
        tolerance = RATE_TOLERANCE * max(1, len(self.invoice_line_ids))

        def is_other(item):
            rated = (item.tax_base_amount * item.tax_line_id.amount / 100
                     * item.tax_repartition_line_id.factor)
            return abs(abs(item.balance) - abs(rated)) > tolerance

        return self.line_ids.filtered(
            lambda item: item.tax_line_id.amount_type == "percent" and is_other(item)).tax_line_id

    # States -----------------------------------------------------------------------------------

    def _einvoice_refresh(self):
        """Set the state of documents whose electronic invoice is not made yet."""
        for move in self.filtered(lambda move: move.einvoice_state in NOT_MADE):
            state = move._einvoice_next_state()
            if move.einvoice_state != state:
                as_engine(move).einvoice_state = state

    def _einvoice_next_state(self):
        """Return the state of a document whose electronic invoice is not made yet."""
        if self.state != "posted" or not self._is_between_french_businesses():
            return False
        if self._einvoice_exclusion():
            return "outside"
        return "to_fix" if self._einvoice_errors() else "to_make"

    def action_einvoice_refresh(self):
        """Look again, after the data that was missing was typed."""
        self._einvoice_refresh()

    def _einvoice_set_state(self, state):
        """Record what a platform answered: the door for a connector (PDP, Peppol).

        :param str state: deposited, accepted or refused
        :raise UserError: nothing was made that could be deposited
        """
        for move in self:
            if move.einvoice_state in NOT_MADE:
                raise UserError(self.env._(
                    "%(invoice)s has no electronic invoice yet: send it first.",
                    invoice=move.display_name))
        as_engine(self).einvoice_state = state

    def _need_ubl_cii_xml(self, ubl_cii_format):
        """Make no Factur-X that lacks what the French rules want: the paper goes out meanwhile."""
        needed = super()._need_ubl_cii_xml(ubl_cii_format)
        if needed and ubl_cii_format == "facturx" and self.company_id.country_code == "FR":
            return self._is_taxable_document() and not (
                self._is_between_french_businesses() and self._einvoice_errors())
        return needed
