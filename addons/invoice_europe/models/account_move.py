from odoo import api, fields, models
from odoo.exceptions import UserError

EINVOICE_STATES = [
    ("to_fix", "Data missing"),
    ("to_make", "To make"),
    ("made", "Made"),
    ("deposited", "Deposited"),
    ("accepted", "Accepted"),
    ("refused", "Refused"),
]
NEEDED_EVIDENCE = 2  # pieces, Implementing Regulation (EU) 282/2011, art. 24b, (f)


class AccountMove(models.Model):
    _inherit = "account.move"

    einvoice_state = fields.Selection(
        EINVOICE_STATES, string="E-invoice", readonly=True, copy=False, index="btree_not_null",
        help="How far the electronic invoice is; empty when the law asks for none.")
    einvoice_missing = fields.Text(compute="_compute_einvoice_missing")
    vat_evidence_ids = fields.One2many(
        "vat.evidence", "move_id", string="Evidence of the customer's country", readonly=True)
    vat_evidence_state = fields.Selection(
        [("enough", "Enough"), ("short", "One piece is missing"),
         ("contradictory", "Contradictory")],
        string="Evidence", readonly=True, copy=False)
    is_revenue_deferral = fields.Boolean(readonly=True, copy=False)
    revenue_deferral_ids = fields.One2many("revenue.deferral", "move_id", readonly=True)
    revenue_deferral_count = fields.Integer(compute="_compute_revenue_deferral_count")

    @api.depends("revenue_deferral_ids")
    def _compute_revenue_deferral_count(self):
        counts = dict(self.env["revenue.deferral"]._read_group(
            [("move_id", "in", self.ids), ("is_void", "=", False)], ["move_id"], ["__count"]))
        for move in self:
            move.revenue_deferral_count = counts.get(move._origin, 0)

    # Posting ----------------------------------------------------------------------------------

    def _post(self, soft=True):
        """Posted documents get what follows: deferred revenue, evidence, an e-invoice's state."""
        posted = super()._post(soft)
        documents = posted.filtered(lambda move: move.is_sale_document())
        documents._defer_revenue()
        documents._collect_vat_evidence()
        documents._einvoice_refresh()
        return posted

    def _check_draftable(self):
        """:raise UserError: the shares of deferred revenue rest on the entry"""
        result = super()._check_draftable()
        entries = self.filtered("is_revenue_deferral")
        if entries:
            raise UserError(self.env._(
                "%(entries)s spread the revenue of invoices over months. Reset the invoice to "
                "draft or make a credit note, and they follow.",
                entries=", ".join(entries.mapped("display_name"))))
        return result

    def button_draft(self):
        """An invoice taken back to draft takes its deferred revenue with it."""
        result = super().button_draft()
        # sudo: the shares follow from the invoice
        shares = self.env["revenue.deferral"].sudo().search(
            [("move_id", "in", self.ids), ("is_void", "=", False)])
        shares._undo()
        self.einvoice_state = False
        return result

    def _invoice_paid_hook(self):
        """The payment brings evidence of its own: now is the time to see whether it is enough."""
        result = super()._invoice_paid_hook()
        self._collect_vat_evidence()
        self._judge_vat_evidence()
        return result

    # Deferred revenue -------------------------------------------------------------------------

    def _defer_revenue(self):
        lines = self.invoice_line_ids.filtered(lambda line: line._is_spread())
        if lines:
            # sudo: the books follow from the invoice, whoever posts it
            self.env["revenue.deferral"].sudo()._defer(lines)

    def action_view_revenue_deferrals(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "invoice_europe.revenue_deferral_action")
        return {**action, "domain": [("move_id", "=", self.id)], "context": {}}

    # Evidence of the customer's country -------------------------------------------------------

    def _sold_to_consumer(self, union):
        """Whether VAT depends on where the customer, who is no business, lives.

        :param union: the countries of the European Union
        """
        self.ensure_one()
        return (
            self.move_type == "out_invoice" and not self.commercial_partner_id.vat
            and not self.commercial_partner_id.is_company
            and self.company_id.account_fiscal_country_id in union)

    def _collect_vat_evidence(self):
        """Keep what is known of where consumers are, each kind of evidence once an invoice.

        Invoices of the seller's own country are left alone while nothing else is known.
        """
        # sudo: the law asks for it, whoever posts the invoice or pays it
        union = self.env.ref("base.europe").sudo().country_ids
        moves = self.sudo().filtered(lambda move: move._sold_to_consumer(union))
        known = {(piece.move_id, piece.kind) for piece in moves.vat_evidence_ids}
        vals_list = []
        for move in moves:
            pieces = move._vat_pieces()
            domestic = move.company_id.account_fiscal_country_id
            if any(kind != "billing" or country != domestic for kind, country, _text in pieces):
                vals_list += [
                    {"move_id": move.id, "kind": kind, "country_id": country.id, "detail": detail}
                    for kind, country, detail in pieces if (move, kind) not in known]
        moves.env["vat.evidence"].create(vals_list)

    def _vat_pieces(self):
        """What is known of where the customer is.

        Extension point.

        :return: list of (kind, ``res.country``, text), each kind once
        """
        self.ensure_one()
        payments = self._vat_payments()
        seen = payments.filtered("ip_country_id")[-1:]
        cards = payments.filtered("card_country_id")[-1:]
        account = self.commercial_partner_id.bank_ids.filtered(
            lambda bank: bank.acc_type == "iban")[:1]
        iban = account.sanitized_acc_number or ""
        countries = self.env["res.country"]
        pieces = [
            ("billing", self.partner_id.country_id, self.partner_id.contact_address_inline),
            ("ip", seen.ip_country_id, seen.ip_network),
            ("card", cards.card_country_id, cards.reference),
            ("bank", iban and countries.search([("code", "=", iban[:2])], limit=1) or countries,
             f"{iban[:4]}…{iban[-4:]}"),
        ]
        return [piece for piece in pieces if piece[1]]

    def _vat_payments(self):
        """Payments of the invoice and of its orders that were not refused, oldest first."""
        payments = (
            self.transaction_ids | self.line_ids.sale_line_ids.order_id.transaction_ids)
        return payments.filtered(
            lambda payment: payment.state not in ("cancel", "error")).sorted("id")

    def _judge_vat_evidence(self):
        """Tell staff, once, of consumers whose country is not proved; no sale is held up."""
        for move in self.sudo().filtered("vat_evidence_ids"):  # sudo: see _collect_vat_evidence
            state = move._vat_evidence_verdict()
            if state == move.vat_evidence_state:
                continue
            move.vat_evidence_state = state
            if state != "enough":
                move._warn_of_vat_evidence()

    def _vat_evidence_verdict(self):
        self.ensure_one()
        countries = self.vat_evidence_ids.country_id
        if len(countries) > 1:
            return "contradictory"
        foreign = countries != self.company_id.account_fiscal_country_id
        return "short" if foreign and len(self.vat_evidence_ids) < NEEDED_EVIDENCE else "enough"

    def _warn_of_vat_evidence(self):
        """In the language of who is told: it may be the system that posts the payment."""
        self.ensure_one()
        user = self.invoice_user_id or self.env.ref("base.user_admin")
        move = self.with_context(lang=user.lang)
        pieces = "\n".join(
            f"{dict(piece._fields['kind']._description_selection(move.env))[piece.kind]}: "
            f"{piece.country_id.name}" for piece in move.vat_evidence_ids)
        move.activity_schedule(
            "mail.mail_activity_data_warning",
            summary=move.env._("Where is this customer? VAT depends on it"),
            note=move.env._(
                "Two pieces of evidence that agree are needed (Implementing Regulation (EU) "
                "282/2011, art. 24b). Ask the customer, or correct the address.\n%(pieces)s",
                pieces=pieces).replace("\n", "<br/>"),
            user_id=user.id)

    # Mentions ---------------------------------------------------------------------------------

    @api.depends_context("lang")
    def _compute_taxes_legal_notes(self):
        """In the language of who reads: Odoo keeps the first one it was asked in."""
        return super()._compute_taxes_legal_notes()

    def _legal_vat(self):
        """Taxes that tell their own ground print it themselves, line by line as it may be."""
        return "" if self.taxes_legal_notes else super()._legal_vat()

    # Electronic invoices ----------------------------------------------------------------------

    def _is_french_einvoice(self):
        """Whether the French reform wants it electronic: between businesses established in France
        (CGI art. 289 bis), and it invoices something."""
        self.ensure_one()
        return (
            self.is_sale_document()
            and self.company_id.account_fiscal_country_id.code == "FR"
            and self.commercial_partner_id._is_french_business()
            and self._is_taxable_document())

    def _is_taxable_document(self):
        """Extension point: vouchers make documents that invoice nothing anew."""
        self.ensure_one()
        return True

    def _einvoice_errors(self):
        """What the electronic invoice lacks (CGI, annex II, art. 242 nonies A; XP Z12-012).

        :return: list of translated texts, each with its remedy
        """
        self.ensure_one()
        seller, buyer = self.company_id.partner_id, self.commercial_partner_id
        missing = [self.env._(
            "%(partner)s has no valid SIREN: type its SIRET on its contact form.",
            partner=partner.display_name)
            for partner in (seller, buyer) if not partner._legal_siren()]
        missing += [self.env._(
            "%(partner)s has no city or no country: complete its address.",
            partner=partner.display_name)
            for partner in (seller, buyer) if not (partner.city and partner.country_id)]
        untaxed = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and not line.tax_ids
            and line not in self._einvoice_payment_lines())
        if untaxed:
            missing.append(self.env._(
                "“%(line)s” has no tax: choose one, such as 0%% with its legal ground.",
                line=untaxed[0].name or untaxed[0].product_id.display_name))
        return missing

    def _einvoice_payment_lines(self):
        """Lines that stand for a payment, not for a sale: what was paid ahead.

        Extension point.
        """
        return self.env["account.move.line"]

    @api.depends("einvoice_state")
    def _compute_einvoice_missing(self):
        for move in self:
            move.einvoice_missing = move.einvoice_state == "to_fix" and "\n".join(
                move._einvoice_errors())

    def _einvoice_refresh(self):
        """The state of posted documents whose electronic invoice is not made yet."""
        for move in self.filtered(lambda move: move.einvoice_state in (
                False, "to_fix", "to_make")):
            wanted = move.state == "posted" and move._is_french_einvoice()
            state = wanted and ("to_fix" if move._einvoice_errors() else "to_make")
            if move.einvoice_state != state:
                move.einvoice_state = state

    def action_einvoice_refresh(self):
        """Look again, after the data that was missing was typed."""
        self._einvoice_refresh()

    def _einvoice_set_state(self, state):
        """What a platform answered: the door for a connector (PDP, Peppol).

        :param str state: deposited, accepted or refused
        :raise UserError: nothing was made that could be deposited
        """
        for move in self:
            if move.einvoice_state in (False, "to_fix", "to_make"):
                raise UserError(self.env._(
                    "%(invoice)s has no electronic invoice yet: send it first.",
                    invoice=move.display_name))
        self.einvoice_state = state

    def _need_ubl_cii_xml(self, ubl_cii_format):
        """No Factur-X without what the French rules want in it: the paper goes out meanwhile."""
        needed = super()._need_ubl_cii_xml(ubl_cii_format)
        if needed and ubl_cii_format == "facturx" and self.company_id.country_code == "FR":
            if not self._is_taxable_document():
                return False
            return not (self._is_french_einvoice() and self._einvoice_errors())
        return needed
