from collections import Counter

from markupsafe import Markup, escape

from odoo import fields, models

NEEDED_EVIDENCE = 2  # pieces, Implementing Regulation (EU) 282/2011, art. 24b, (f)


class AccountMove(models.Model):
    """Where a consumer is: the part of ``account.move`` that collects and judges evidence."""

    _inherit = "account.move"

    vat_evidence_ids = fields.One2many(
        "vat.evidence", "move_id", string="Evidence of the customer's country", readonly=True)
    vat_evidence_state = fields.Selection(
        [("enough", "Enough"), ("short", "One piece is missing"),
         ("contradictory", "Contradictory")],
        string="Evidence", readonly=True, engine=True, copy=False)

    def _invoice_paid_hook(self):
        """Collect the evidence that the payment brings, and judge whether all is enough."""
        result = super()._invoice_paid_hook()
        self._collect_vat_evidence()
        self._judge_vat_evidence()
        return result

    def _sold_to_consumer(self, union):
        """Tell whether VAT depends on where the customer, who is no business, lives.

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
        """Return what is known of where the customer is.

        Extension point: add kinds of evidence.

        :return: list of (kind, ``res.country``, text), each kind once
        """
        self.ensure_one()
        payments = self._vat_payments()
        seen = payments.filtered("ip_country_id")[-1:]
        cards = payments.filtered("card_country_id")[-1:]
        account = self.commercial_partner_id.bank_ids.filtered(
            lambda bank: bank.acc_type == "iban")[:1]
        iban = account.sanitized_acc_number or ""
        address, countries = self.partner_id, self.env["res.country"]
        pieces = [
            ("billing", address._vat_country() or address.country_id,
             address.contact_address_inline),
            ("ip", seen.ip_country_id, seen.ip_network),
            ("card", cards.card_country_id, cards.reference),
            ("bank", iban and countries.search([("code", "=", iban[:2])], limit=1) or countries,
             f"{iban[:4]}…{iban[-4:]}"),
        ]
        return [piece for piece in pieces if piece[1]]

    def _vat_payments(self):
        """Return the payments of the invoice and its orders that were not refused, oldest first."""
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
        """Judge whether the evidence proves the country whose VAT the invoice follows.

        Two pieces that agree suffice, whatever a third one says, as the address of a traveller
        does, unless as many agree on another country (Implementing Regulation (EU) 282/2011,
        art. 24b and 24f). In the seller's own country one suffices as long as none contradicts.

        :return: ``enough``, ``short`` or ``contradictory``
        """
        self.ensure_one()
        domestic = self.company_id.account_fiscal_country_id.code
        billing = self.vat_evidence_ids.filtered(lambda piece: piece.kind == "billing")
        followed = billing.country_id.code or domestic
        votes = Counter(
            followed if piece._agrees_with(followed) else piece.country_id.code
            for piece in self.vat_evidence_ids)
        agreeing = votes.pop(followed, 0)
        if agreeing >= NEEDED_EVIDENCE and agreeing > max(votes.values(), default=0):
            return "enough"
        if votes:
            return "contradictory"
        return "enough" if followed == domestic else "short"

    def _warn_of_vat_evidence(self):
        """Schedule an activity, in the language of the user who gets it.

        It may be the system that posts the payment.
        """
        self.ensure_one()
        user = self.invoice_user_id or self.env.ref("base.user_admin")
        move = self.with_context(lang=user.lang)
        pieces = "\n".join(
            f"{dict(piece._fields['kind']._description_selection(move.env))[piece.kind]}: "
            f"{piece.country_id.name}" for piece in move.vat_evidence_ids)
        move.activity_schedule(
            "mail.mail_activity_data_warning",
            summary=move.env._("Where is this customer? VAT depends on it"),
            note=escape(move.env._(
                "Two pieces of evidence that agree are needed (Implementing Regulation (EU) "
                "282/2011, art. 24b). Ask the customer, or correct the address.\n%(pieces)s",
                pieces=pieces)).replace("\n", Markup("<br/>")),
            user_id=user.id)
