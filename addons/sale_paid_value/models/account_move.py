from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _left_to_credit(self):
        """Return what posted credit notes have left of the invoice, tax included, in its
        currency. Drafts give nothing back."""
        self.ensure_one()
        return self.currency_id.round(
            self.amount_total - sum(self._posted_credit_notes().mapped("amount_total")))

    def _posted_credit_notes(self):
        return self.reversal_move_ids.filtered(lambda note: note.state == "posted")

    def _credit_what_is_left(self, day):
        """Post the credit note of all that earlier ones have left of the invoice.

        Drafts are cancelled in its favour: posted later, they would give the same back again.

        :param date day: of the credit note
        :return: the posted credit note
        """
        self.ensure_one()
        drafts = self.reversal_move_ids.filtered(lambda note: note.state == "draft")
        drafts.button_cancel()
        note = self._reverse_moves([{"invoice_date": day, "date": day}])
        for draft in drafts:
            draft.message_post(body=draft.env._(
                "Cancelled: the invoice is credited with all that was left of it."))
        if earlier := self._posted_credit_notes():
            self._lower_by_earlier(note, earlier)
        note._post(soft=False)
        return note

    def _match_with(self, note):
        """Let a credit note of the invoice pay what of it is unpaid."""
        lines = (self + note).line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled)
        for account_lines in lines.grouped("account_id").values():
            if len(set(account_lines.mapped(lambda line: line.amount_residual > 0))) == 2:
                account_lines.reconcile()

    def _lower_by_earlier(self, note, earlier):
        """Take off a draft credit note of the whole invoice what others have given back."""
        def products(moves):
            return moves.invoice_line_ids.filtered(lambda line: line.display_type == "product")

        ratio = self._left_to_credit() / self.amount_total
        credited = products(earlier).grouped("sale_line_ids")
        invoiced = products(self).sorted(lambda line: (line.sequence, line.id))
        by_line = credited.keys() <= invoiced.grouped("sale_line_ids").keys()
        for line, origin in zip(products(note).sorted(lambda line: (line.sequence, line.id)),
                                invoiced, strict=True):
            before = credited.get(origin.sale_line_ids, products(earlier).browse())
            left = [
                self.currency_id.round(origin[name] - sum(before.mapped(name)) if by_line
                                       else origin[name] * ratio)
                for name in ("price_subtotal", "price_total")]
            if self.currency_id.is_zero(left[1]):
                line.unlink()
            else:
                line.write(origin._prepare_part(*left))
