from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from odoo.addons.sale_paid_value.tools import spread

from .account_move_line_credit_note import UNTAXED

SCOPES = [
    ("left", "What is left"),
    ("all", "Everything paid, used credits included"),
]


class AccountMove(models.Model):
    """The part of invoices that proposes a credit note of packs of credits.

    What a line gives back and takes is decided in ``account_move_line_credit_note``.
    """

    _inherit = "account.move"

    credit_refund_scope = fields.Selection(
        SCOPES, string="Gives back", readonly=True, engine=True, copy=False,
        help="What the credit note gives back of packs of credits, as chosen when it was made.")

    def _credit_sells_packs(self):
        """Tell whether the document is a posted invoice that sells packs of credits."""
        self.ensure_one()
        return self.move_type == "out_invoice" and self.state == "posted" and any(
            line.quantity > 0 and line.credit_count for line in self.invoice_line_ids)

    # Money --------------------------------------------------------------------------------

    def _credit_money(self):
        """Compute what is paid for each line of this document, at its own rounding.

        A discount on a line of its own is borne by the lines that it lowers, if they have its
        taxes; otherwise it stays where it is. All amounts add up to the total of the document.

        :return: dict of ``account.move.line`` to a dict of amounts in the currency of the
            document: ``UNTAXED``, and by the id of each tax
        """
        self.ensure_one()
        money = {}
        for base_line in self._get_rounded_base_and_tax_lines()[0]:
            line, details = base_line["record"], base_line["tax_details"]
            if line.display_type == "product":
                amounts = money[line] = {UNTAXED: self.currency_id.round(
                    details["total_excluded_currency"]
                    + details["delta_total_excluded_currency"])}
                for tax_data in details["taxes_data"]:
                    tax = tax_data["tax"].id
                    amounts[tax] = amounts.get(tax, 0.0) + tax_data["tax_amount_currency"]
        for discount, shares in self.invoice_line_ids._share_discounts().items():
            if all(line.tax_ids == discount.tax_ids for line in shares):
                self._credit_fold_discount(money, discount, shares)
        return money

    def _credit_fold_discount(self, money, discount, shares):
        """Let the lines that a discount lowers bear it, tax by tax; see :meth:`_credit_money`."""
        unit = self.currency_id.rounding
        weights = [round(share / unit) for share in shares.values()]
        if sum(weights) < round(-money[discount][UNTAXED] / unit):
            return  # it exceeds what it lowers
        for key, amount in money[discount].items():
            for line, part in zip(
                    shares, spread(max(round(-amount / unit), 0), weights), strict=True):
                money[line][key] = self.currency_id.round(
                    money[line].get(key, 0.0) - part * unit)
        money[discount] = dict.fromkeys(money[discount], 0.0)

    # Proposal -----------------------------------------------------------------------------

    def _credit_note_proposal(self, scope):
        """Decide what a credit note of this invoice gives back and takes, line by line.

        The dialog shows it, the draft bears it, and posting checks it against what has happened
        since. Whatever other credit notes gave back is left out.

        :param str scope: ``left`` or ``all``
        :return: dict of ``account.move.line`` to a dict: ``quantity``; ``amounts`` as in
            :meth:`_credit_money`; ``is_changed``, unless the line is credited as it was invoiced;
            and for packs ``credits`` taken, credits ``owed`` and the ``state`` of them, see
            ``account.move.line._credit_pack_state``. Lines with nothing to give back are absent.
        """
        self.ensure_one()
        lines = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        left = lines._credit_not_given_back()
        lowering = self._credit_negative_lines(left)
        paid = self._credit_paid_net(left, lowering)
        shares = {
            line: line._credit_note_share(scope, quantity, paid[line])
            for line, (quantity, _amounts) in left.items()}
        for discount, lowered in lowering.items():
            if total := sum(lowered.values()):
                shares[discount] = sum(
                    part * shares[line] for line, part in lowered.items()) / total
        proposal = {}
        for line, (quantity, amounts) in left.items():
            given = {
                key: self.currency_id.round(amount * shares[line])
                for key, amount in amounts.items()}
            terms = line._credit_note_terms(scope, quantity, paid[line] * shares[line])
            if any(given.values()) or terms.get("credits") or (
                    shares[line] and quantity > 0 and not line._lowers_other_lines()
                    and not line.credit_count):
                proposal[line] = {
                    "quantity": quantity if quantity > 0 else line.quantity, "amounts": given,
                    "is_changed": shares[line] != 1 or line._credit_is_lowered(quantity, amounts),
                    **terms}
        return proposal

    def _credit_negative_lines(self, left):
        """Find what lowers or pays other lines: discounts, and gift cards.

        :param dict left: see ``account.move.line._credit_not_given_back``
        :return: dict of line to a dict of what it lowers, by line
        """
        paid = {line: amounts[UNTAXED] for line, (_quantity, amounts) in left.items()
                if amounts[UNTAXED] > 0}
        cards = {line: paid for line, (quantity, amounts) in left.items()
                 if quantity > 0 > amounts[UNTAXED] and not line.is_downpayment}
        return {**cards, **self.invoice_line_ids._share_discounts()}

    def _credit_paid_net(self, left, lowering):
        """Compute what is not given back of each line, untaxed, less what still lowers it.

        :param dict left: see ``account.move.line._credit_not_given_back``
        :param dict lowering: see :meth:`_credit_negative_lines`; gift cards pay, and lower nothing
        :return: dict of line to float
        """
        paid = {line: amounts[UNTAXED] for line, (_quantity, amounts) in left.items()}
        for discount in self.invoice_line_ids._share_discounts():
            total = sum(lowering[discount].values())
            for line, part in lowering[discount].items():
                if total:
                    paid[line] += left[discount][1][UNTAXED] * part / total
        return paid

    def _credit_note_total(self, proposal):
        """Sum the proposal, taxes included, in the currency of the invoice."""
        return self.currency_id.round(sum(
            amount for line in proposal.values() for amount in line["amounts"].values()))

    def _credit_note_summary(self, scope):
        """Return what the dialog says of the proposal.

        :return: dict: ``name``, ``total`` (text, or none when nothing is given back),
            ``has_draft``, ``packs`` (list of dicts)
        """
        self.ensure_one()
        proposal = self._credit_note_proposal(scope)
        packs = self.invoice_line_ids.filtered(lambda line: line.credit_count)
        drafts = self.env["account.move.line"].search([
            ("credit_refunded_line_id", "in", self.invoice_line_ids.ids),
            ("parent_state", "=", "draft")]).move_id
        return {
            "name": self.name, "has_draft": bool(drafts),
            "total": proposal and self.env._(
                "Total of the credit note, taxes included: %(amount)s", amount=formatLang(
                    self.env, self._credit_note_total(proposal), currency_obj=self.currency_id)),
            "packs": [line._credit_note_summary(proposal.get(line)) for line in packs]}

    def copy_data(self, default=None):
        """Make the credit note that was proposed, when the dialog asks for one."""
        vals_list = super().copy_data(default)
        scope = self.env.context.get("credit_note_scope")
        for move, vals in zip(self, vals_list, strict=True):
            if vals.get("move_type") != "out_refund":
                for command in vals.get("line_ids", ()):
                    if command[2]:
                        command[2].pop("credit_refunded_line_id", None)
            elif scope in dict(SCOPES) and move._credit_sells_packs():
                vals["credit_refund_scope"] = scope
                vals["line_ids"] = move._credit_propose_lines(scope, vals["line_ids"])
        return vals_list

    def _credit_propose_lines(self, scope, commands):
        """Turn the copied lines of this invoice into those of the credit note proposed.

        :param list commands: that create the copies
        """
        proposal = self._credit_note_proposal(scope)
        unchanged = not any(line["is_changed"] for line in proposal.values())
        kept = []
        for command in commands:
            line = self.env["account.move.line"].browse(
                command[2] and command[2].get("credit_refunded_line_id"))
            if not line:
                kept.append(command)
            elif line in proposal:
                values = {} if unchanged else line._credit_prepare_note_amounts(proposal[line])
                kept.append((*command[:2], {
                    **command[2], **values, **line._credit_prepare_note_text(proposal[line])}))
        return kept

    # Refusals -----------------------------------------------------------------------------

    def _credit_check_reversible(self, is_modify=False):
        """Refuse to reverse by hand what is undone elsewhere, and to replace used packs.

        :param bool is_modify: whether a new invoice shall take the place of this one
        :raise UserError: naming the document and what to do instead
        """
        for move in self:
            # sudo: whoever reverses the document, the ledger keeps it
            if move.sudo().credit_entry_id or move.sudo().line_ids.credit_entry_id:
                raise UserError(self.env._(
                    "%(document)s was paid with credits, or belongs to their ledger. Cancel the "
                    "booking, or what else the credits paid for: the credits come back, and the "
                    "credit note is made with it.", document=move.display_name))
            if move._credit_sells_packs():
                move._credit_check_left(is_modify)

    def _credit_check_total_given_back(self, left):
        """Refuse to give back more than the whole invoice: its discounts are given back, too.

        :param float left: what is not given back of all its lines, taxes included
        :raise UserError: it is less than nothing
        """
        if self.currency_id.compare_amounts(left, 0.0) < 0:
            raise UserError(self.env._(
                "%(invoice)s was paid %(paid)s, taxes included, and its credit notes give back "
                "%(given)s. Take off the discounts of the invoice, too, or lower the price.",
                invoice=self.name,
                paid=formatLang(self.env, self.amount_total, currency_obj=self.currency_id),
                given=formatLang(
                    self.env, self.amount_total - left, currency_obj=self.currency_id)))

    def _credit_refuse_another_note(self):
        """Say that there is nothing left to propose.

        :raise UserError: with the part of the price that stays, if credits were used
        """
        lines = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        left = lines._credit_not_given_back()
        kept = self.currency_id.round(
            sum(sum(amounts.values()) for _quantity, amounts in left.values()))
        notes = ", ".join(lines._credit_notes().move_id.mapped("name"))
        if self.currency_id.compare_amounts(kept, 0.0) > 0:
            raise UserError(self.env._(
                "What was left of the credits of %(invoice)s is given back already by "
                "%(credit_notes)s; %(amount)s stay for the credits that were used. To give those "
                "back, too, make a credit note with a line without the pack.",
                invoice=self.name, credit_notes=notes,
                amount=formatLang(self.env, kept, currency_obj=self.currency_id)))
        raise UserError(self.env._(
            "Everything on %(invoice)s is given back already by %(credit_notes)s.",
            invoice=self.name, credit_notes=notes))

    def _credit_check_left(self, is_modify):
        """Refuse to replace an invoice whose credits are not all there; see above."""
        proposal = self._credit_note_proposal("all")
        if not proposal:
            self._credit_refuse_another_note()
        for line, terms in proposal.items():
            state = terms.get("state")
            if is_modify and state and (state["left"] < state["granted"]):
                raise UserError(self.env._(
                    "Credits of “%(pack)s” are used, expired or given back: %(invoice)s cannot be "
                    "replaced by a new invoice. Make a credit note of what is left, and sell "
                    "the pack again with a new order.",
                    pack=line.product_id.display_name, invoice=self.name))
