from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"

    credit_entry_id = fields.Many2one(
        "credit.entry", string="Credit movement", readonly=True, copy=False,
        index="btree_not_null", ondelete="restrict")
    credit_debt_ids = fields.One2many(
        "credit.debt", "credit_note_id", string="Credits refunded after use",
        groups="credit_wallet.group_credit_user,account.group_account_readonly,"
               "account.group_account_invoice")
    credit_given_up_line_id = fields.Many2one(
        "account.move.line", string="Refund of credits used", readonly=True, copy=False,
        ondelete="restrict", help="The credit note line whose used credits this move gives up.")

    _credit_given_up_once = models.UniqueIndex(
        "(credit_given_up_line_id) WHERE credit_given_up_line_id IS NOT NULL",
        "The credits used of this credit note are already given up.")

    def _prepare_product_base_line_for_taxes_computation(self, product_line):
        base_line = super()._prepare_product_base_line_for_taxes_computation(product_line)
        if product_line.credit_tax_included:
            base_line.update(special_mode="total_included", credit_tax_included=True)
        return base_line

    def _post(self, soft=True):
        """Credit notes of packs take back what is left of their credits.

        Those posted before the pack was paid only lower what the payment will grant: which is
        which is decided before posting, because posting may itself settle the invoice.
        """
        packs = self.filtered(lambda move: move.move_type == "out_refund").invoice_line_ids \
            .filtered(lambda line: line._is_credit_pack())
        packs._credit_link_refunded()
        # sudo: what a credit note takes back does not depend on who may read the ledger
        grants = self.env["credit.entry"].sudo().search([
            ("invoice_line_id", "in", packs.credit_refunded_line_id.ids)])
        posted = super()._post(soft)
        posted._check_credits_owed()
        packs = packs.filtered(lambda line: line.move_id in posted)
        packs._credit_check_refunded_once()
        self.env["credit.debt"].sudo()._take_back(packs, grants)
        return posted

    def _check_credits_owed(self):
        """:raise UserError: the deferred account of credits moves without its ledger."""
        for company, moves in self.grouped("company_id").items():
            account = company.credit_deferred_account_id
            lines = moves.line_ids.filtered(lambda line, account=account: (
                account and line.account_id == account))
            # sudo: accountants who post need no right on the ledger
            by_entry = lines.sudo().grouped(
                lambda line: (line.move_id, line.credit_entry_id or line.move_id.credit_entry_id))
            for (move, entry), items in by_entry.items():
                owed = -sum(items.mapped("balance"))
                if company.currency_id.compare_amounts(owed, entry.value) or (
                        move.date != entry.accounting_date):
                    raise UserError(self.env._(
                        "%(account)s only moves with the ledger of credits, and %(move)s does "
                        "not. Grant, remove or reverse credits instead.",
                        account=account.display_name, move=move.display_name))

    def _check_draftable(self):
        """:raise UserError: the ledger of credits rests on the document."""
        result = super()._check_draftable()
        lines = self.invoice_line_ids
        # sudo: whoever resets the document, the ledger keeps it
        entries = self.env["credit.entry"].sudo()
        moved = self.sudo().credit_entry_id | self.line_ids.sudo().credit_entry_id
        if moved or self.credit_given_up_line_id or entries.search_count([
                ("invoice_line_id", "in", (lines + lines.credit_refunded_line_id).ids)], limit=1):
            raise UserError(self.env._(
                "Credits were granted, spent or taken back with %(documents)s, which cannot be "
                "reset to draft. Make a credit note, or reverse the movement in the ledger.",
                documents=", ".join(self.mapped("display_name"))))
        return result

    def _invoice_paid_hook(self):
        """Packs are granted when their invoice is paid, by whatever route."""
        result = super()._invoice_paid_hook()
        self._credit_grant_paid()
        return result

    def _credit_grant_paid(self):
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        # sudo: the grant follows from the payment, whoever registered it
        invoices.invoice_line_ids.sudo()._credit_grant_packs()

    @api.model
    def _cron_account_move_send(self, job_count=1):
        """One invoice a run: a wkhtmltopdf without patched Qt (Debian's) refuses several
        documents at once, and one invoice that fails must not hold back a batch."""
        return super()._cron_account_move_send(job_count=job_count)

    def _credit_queue_mail(self):
        """Send these invoices by mail in the background, once, with Odoo's own queue."""
        # sudo: sending belongs to the system; the customer who books has no right on it
        moves = self.sudo()
        moves.sending_data = {
            "author_user_id": self.env.ref("base.user_root").id,
            "author_partner_id": self.env.ref("base.partner_root").id,
            "sending_methods": ["email"],
        }
        self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()
