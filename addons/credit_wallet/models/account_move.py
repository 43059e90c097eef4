from odoo import api, fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    credit_entry_id = fields.Many2one(
        "credit.entry", string="Credit movement", readonly=True, copy=False,
        index="btree_not_null", ondelete="restrict")

    def _invoice_paid_hook(self):
        """Packs are granted when their invoice is paid, by whatever route."""
        result = super()._invoice_paid_hook()
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        # sudo: the grant follows from the payment, whoever registered it
        invoices.invoice_line_ids.sudo()._credit_grant_packs()
        return result

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
