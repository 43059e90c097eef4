from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _subscription_periods(self):
        # sudo: accountants need no right on subscriptions to post their invoices
        return self.invoice_line_ids.sudo().subscription_period_id

    def _post(self, soft=True):
        """Periods take their amounts from the documents posted, whoever made them."""
        posted = super()._post(soft=soft)
        posted._subscription_periods()._refresh_from_invoices()
        return posted

    def _get_next_sequence_format(self):
        """Invoices of a batch with one journal and date are numbered in one form: found once.

        Odoo looks for the last number before each invoice, in a table that grows with them, and
        uses of it the form only: the number itself is counted in its own cache, under its lock.
        """
        formats = self.env.context.get("subscription_number_formats")
        if formats is None or self.journal_id.is_self_billing:
            return super()._get_next_sequence_format()
        kind = (self.journal_id, self.move_type, self.date)
        if kind not in formats:
            formats[kind] = super()._get_next_sequence_format()
        form, values = formats[kind]
        return form, dict(values)  # the caller takes the number out of it

    def button_draft(self):
        """A document taken back to draft, or cancelled, no longer bills its period."""
        periods = self._subscription_periods()
        result = super().button_draft()
        periods._refresh_from_invoices()
        return result

    def button_cancel(self):
        periods = self._subscription_periods()
        result = super().button_cancel()
        periods._refresh_from_invoices()
        return result

    def _invoice_paid_hook(self):
        """Whatever the route of the payment, the period is settled by it."""
        result = super()._invoice_paid_hook()
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        invoices._subscription_periods()._settle()
        return result

    def _invoice_netted_hook(self):
        """Credit notes alone settled these invoices, as after a downgrade: nothing is left to
        pay, so nobody is chased for it. No payment came in, so none is confirmed."""
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        invoices._subscription_periods()._refresh_from_invoices()

    def _subscription_queue_mail(self):
        """Send these invoices by mail in the background, once, with Odoo's own queue."""
        # sudo: sending belongs to the system; the customer who subscribes has no right on it
        moves = self.sudo().filtered(
            lambda move: move.state == "posted" and not move.is_move_sent)
        if moves:
            moves.sending_data = {
                "author_user_id": self.env.ref("base.user_root").id,
                "author_partner_id": self.env.ref("base.partner_root").id,
                "sending_methods": ["email"],
            }
            self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()
