from odoo import fields, models


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    uses_outstanding_credit = fields.Boolean(
        readonly=True, engine=True,
        default=lambda self: bool(self.env.context.get("subscription_uses_credit")),
        help="What was in the customer's favour before pays: no money came in with it.")

    def _is_payment(self):
        """Tell whether money came in: no credit note, write-off or credit from before."""
        self.ensure_one()
        move = self.credit_move_id.move_id
        return (not self.uses_outstanding_credit and move.move_type != "out_refund"
                and not move.written_off_invoice_id)

    def _amount_over(self):
        """Return what was paid too much by the payment, when this is the first thing it paid;
        in the currency of the payment.
        """
        self.ensure_one()
        line = self.credit_move_id
        parts = line.matched_debit_ids.filtered(lambda partial: partial._is_payment()).sorted("id")
        if parts[:1] != self:
            return 0.0
        return line.currency_id.round(
            -line.amount_currency - sum(parts.mapped("credit_amount_currency")))
