from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import as_engine


class AccountMove(models.Model):
    _inherit = "account.move"

    credit_entry_id = fields.Many2one(
        "credit.entry", string="Credit movement", readonly=True, engine=True, copy=False,
        index="btree_not_null", ondelete="restrict")
    credit_debt_ids = fields.One2many(
        "credit.debt", "credit_note_id", string="Credits refunded after use",
        groups="credit_wallet.group_credit_user,account.group_account_readonly,"
               "account.group_account_invoice")
    credit_given_up_line_id = fields.Many2one(
        "account.move.line", string="Refund of credits used", readonly=True, engine=True,
        copy=False,
        ondelete="restrict", help="The credit note line whose used credits this move gives up.")

    _credit_given_up_once = models.UniqueIndex(
        "(credit_given_up_line_id) WHERE credit_given_up_line_id IS NOT NULL",
        "The credits used of this credit note are already given up.")

    # No @api.depends: a move is made with its credit movement. And what is inherited from a
    # computed field that depends on ours would go with this addon (bank statements have it).
    def _compute_always_tax_exigible(self):
        """Make the VAT of a booking paid with credits due at once, as no payment follows it.

        A multi-purpose voucher is paid ahead, and taxed when it is used (VAT Directive
        2006/112/EC, art. 30b(2) and 73a). Odoo would have VAT due on payment wait for ever for the
        payment of an invoice with nothing to pay.
        """
        result = super()._compute_always_tax_exigible()
        self.filtered("credit_entry_id").always_tax_exigible = True
        return result

    def _prepare_product_base_line_for_taxes_computation(self, product_line):
        base_line = super()._prepare_product_base_line_for_taxes_computation(product_line)
        if product_line.credit_tax_included:
            base_line.update(special_mode="total_included", credit_tax_included=True)
        return base_line

    def copy_data(self, default=None):
        """Leave out the discounts on credits: posting the copy moves them to their account anew."""
        vals_list = super().copy_data(default)
        for vals in vals_list:
            vals["line_ids"] = [
                command for command in vals.get("line_ids", ())
                if not command[2] or not command[2].get("credit_moves_discount")]
        return vals_list

    def _post(self, soft=True):
        """Keep the terms packs are sold with, and take credits back for credit notes of packs.

        Credit notes posted before the pack was paid only lower what the payment will grant. Which
        notes these are is decided before posting, because posting may itself settle the invoice.
        """
        self._check_packs_not_below_zero()
        packs = self._credit_pack_lines()
        refunded = packs.filtered(lambda line: line.move_id.move_type == "out_refund")
        refunded._credit_link_refunded()
        refunded._check_credit_refunds_own_purchase()
        refunded.credit_refunded_line_id._credit_lock_granted()
        self._credit_corrections()._credit_check_notes()
        packs._credit_keep_terms()
        self._credit_move_discounts()
        # sudo: what a credit note takes back does not depend on who may read the ledger
        grants = self.env["credit.entry"].sudo().search([
            ("invoice_line_id", "in", refunded.credit_refunded_line_id.ids)])
        posted = super()._post(soft)
        posted._check_credits_owed()
        refunded = refunded.filtered(lambda line: line.move_id in posted)
        refunded._credit_check_refunded_once()
        posted._credit_corrections().credit_refunded_line_id._credit_check_given_back()
        self.env["credit.debt"].sudo()._take_back(refunded, grants)
        return posted

    def _service_problems(self):
        """Add lines by hand on the account where packs wait for their payment.

        The account of credits owed itself is refused: see :meth:`_check_credits_owed`.
        """
        problems = super()._service_problems()
        account = self.company_id.credit_pending_account_id
        if account & (self.invoice_line_ids - self._credit_pack_lines()).account_id:
            problems.append(self.env._(
                "“%(account)s” is of packs of credits that await their payment: choose another "
                "account for what is no pack.",
                account=self.company_id._service_account_label(account)))
        return problems

    def _credit_pack_lines(self):
        """Return the lines that sell packs of credits or refund them."""
        return self.filtered(
            lambda move: move.move_type in ("out_invoice", "out_refund")
        ).invoice_line_ids.filtered(lambda line: line._is_credit_pack())

    def _credit_corrections(self):
        """Return the lines of credit notes that correct an invoice of packs, line by line."""
        return self.filtered(
            lambda move: move.move_type == "out_refund"
        ).invoice_line_ids.filtered(
            lambda line: line.credit_refunded_line_id
            and line.credit_refunded_line_id.move_id._credit_sells_packs())

    def _check_packs_not_below_zero(self):
        """Refuse documents that take packs back by a negative quantity instead of a credit note.

        :raise UserError: a pack has a quantity below zero
        """
        for line in self.filtered(lambda move: move.is_sale_document()).invoice_line_ids:
            if line.quantity < 0 and line._credit_terms()["credit_count"]:
                raise UserError(self.env._(
                    "“%(pack)s” is on %(document)s with a quantity below zero. Take packs "
                    "back with a credit note of their invoice.",
                    pack=line.product_id.display_name, document=self.env._(
                        "the document of %(customer)s",
                        customer=line.partner_id.display_name)))

    def _credit_move_discounts(self):
        """Make discounts on credits lower what is owed, not income; renewed at each posting."""
        former = self.line_ids.filtered("credit_moves_discount")
        former.with_context(dynamic_unlink=True).unlink()
        items = [
            item for move in self if move.is_sale_document()
            for item in move.invoice_line_ids._credit_move_discounts()]
        as_engine(self.env["account.move.line"]).create(items)

    def _check_credits_owed(self):
        """Refuse entries that move the deferred account of credits without its ledger.

        :raise UserError: the items on the account differ from the ledger entry
        """
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
        """Refuse to reset documents to draft that the ledger of credits rests on.

        :raise UserError: the ledger rests on one of them
        """
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

    def _fetch_duplicate_reference(self, matching_states=("draft", "posted")):
        """Leave out what was paid with credits: a group's bookings cost nothing, and agree."""
        duplicates = super()._fetch_duplicate_reference(matching_states)
        return {
            move: others.filtered(lambda other: not other.credit_entry_id)
            for move, others in duplicates.items() if not move.credit_entry_id}

    def _invoice_paid_hook(self):
        """Grant packs when their invoice is paid, however it was paid."""
        result = super()._invoice_paid_hook()
        self._credit_grant_paid()
        return result

    def _credit_grant_paid(self):
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        # sudo: the grant follows from the payment, whoever registered it
        invoices.invoice_line_ids.sudo()._credit_grant_packs()

    @api.model
    def _cron_account_move_send(self, job_count=1):
        """Send one invoice per run.

        A wkhtmltopdf without patched Qt (Debian's) refuses several documents at once, and one
        invoice that fails must not hold back a batch.
        """
        return super()._cron_account_move_send(job_count=job_count)

    def _credit_queue_mail(self):
        """Queue these invoices to be sent by mail in the background, once, with Odoo's queue."""
        # sudo: sending belongs to the system; the customer who books has no right on it
        moves = self.sudo()
        moves.sending_data = {
            "author_user_id": self.env.ref("base.user_root").id,
            "author_partner_id": self.env.ref("base.partner_root").id,
            "sending_methods": ["email"],
        }
        self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()
