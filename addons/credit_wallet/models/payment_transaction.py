from odoo import models


class PaymentTransaction(models.Model):
    """Payments whose credits follow the money that was paid for them."""

    _inherit = "payment.transaction"

    def _withdraw(self, amount, reference):
        """Hold the credits that the payment paid for."""
        result = super()._withdraw(amount, reference)
        # sudo: follows from the payment, whoever registers it
        invoices = self.sudo()._credit_invoices()
        total = sum(invoices.mapped("amount_total"))
        uncovered = min(amount, self.sudo()._credit_uncovered(invoices, amount, reference))
        if total and uncovered > 0:
            invoices.invoice_line_ids._credit_hold(min(uncovered / total, 1.0), reference)
        return result

    def _restore(self, reference):
        """Release what was held, now that the money is back."""
        result = super()._restore(reference)
        # sudo: as above
        self.sudo()._credit_invoices().invoice_line_ids._credit_release_held(
            self.env._("The payment %(reference)s is valid again.", reference=self.reference),
            reference)
        return result

    def _credit_invoices(self):
        """Return the invoices that this payment paid."""
        invoices = self.invoice_ids | self.payment_id.reconciled_invoice_ids
        return invoices.filtered(
            lambda move: move.move_type == "out_invoice" and move.state == "posted")

    def _credit_uncovered(self, invoices, amount, reference):
        """Compute how much of the money taken back is not covered by credit notes.

        :param invoices: the invoices that the payment paid
        :param float amount: taken back now, in the payment's currency
        :param str reference: of the refund, when it is one
        """
        refunds = self.child_transaction_ids.filtered(
            lambda child: child.operation == "refund" and child.state == "done")
        taken = sum(abs(refund.amount) for refund in refunds)
        if reference not in refunds.mapped("reference"):
            taken += amount
        notes = invoices.reversal_move_ids.filtered(lambda note: note.state == "posted")
        return self.currency_id.round(taken - sum(notes.mapped("amount_total")))
