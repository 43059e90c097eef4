from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.account_move_credit_note import SCOPES


class AccountMoveReversal(models.TransientModel):
    """The dialog of credit notes, which says what it does to packs of credits."""

    _inherit = "account.move.reversal"

    credit_scope = fields.Selection(
        SCOPES, string="Give back", required=True,
        compute="_compute_credit_scope", store=True, readonly=False, precompute=True,
        help="What is left: the money of the credits that can still be spent. Everything: the "
        "whole price; the customer then owes the credits that were used.")
    credit_has_packs = fields.Boolean(compute="_compute_credit_summary")
    credit_summary = fields.Html(compute="_compute_credit_summary", sanitize=False)

    @api.model
    def default_get(self, fields):
        """Open for documents that can be reversed only.

        :raise UserError: see ``account.move._credit_check_reversible``
        """
        values = super().default_get(fields)
        if self.env.context.get("active_model") == "account.move":
            self.env["account.move"].browse(
                self.env.context.get("active_ids") or [])._credit_check_reversible()
        return values

    @api.depends("move_ids")
    def _compute_credit_scope(self):
        """Propose what is left; all of it when the money is back with the customer already."""
        for wizard in self:
            is_back = wizard.move_ids._origin.invoice_line_ids.filtered(
                "credit_count")._credit_is_held()
            wizard.credit_scope = "all" if is_back else "left"

    @api.depends("move_ids", "credit_scope")
    def _compute_credit_summary(self):
        for wizard in self:
            invoices = wizard.move_ids._origin.filtered(
                lambda move: move._credit_sells_packs())
            wizard.credit_has_packs = bool(invoices)
            wizard.credit_summary = invoices and self.env["ir.qweb"]._render(
                "credit_wallet.credit_note_summary", {
                    "invoices": [invoice._credit_note_summary(wizard.credit_scope)
                                 for invoice in invoices]})

    def reverse_moves(self, is_modify=False):
        """Make the credit note that the dialog shows.

        :raise UserError: see ``account.move._credit_check_reversible``
        """
        self.ensure_one()
        self.move_ids._credit_check_reversible(is_modify)
        self._check_credits_left(is_modify)
        scope = "all" if is_modify else self.credit_scope
        wizard = self.with_context(credit_note_scope=scope)
        return super(AccountMoveReversal, wizard).reverse_moves(is_modify=is_modify)

    def _check_credits_left(self, is_modify):
        """Refuse a credit note of nothing, or of less.

        :raise UserError: naming the invoice of which nothing is left
        """
        for invoice in self.move_ids.filtered(lambda move: move._credit_sells_packs()):
            proposal = invoice._credit_note_proposal("all" if is_modify else self.credit_scope)
            if not proposal:
                raise UserError(self.env._(
                    "Nothing is left to give back of %(invoice)s: its credits are used or "
                    "expired. To give back the money all the same, choose “Everything paid”: "
                    "the credits used are then owed.", invoice=invoice.name))
            if invoice._credit_note_total(proposal) < 0:
                raise UserError(self.env._(
                    "What is left of %(invoice)s is worth less than the down payment taken off "
                    "it. Make a credit note of the invoice of the down payment instead.",
                    invoice=invoice.name))
