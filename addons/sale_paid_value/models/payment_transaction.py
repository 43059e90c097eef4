from odoo import models


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _post_process(self):
        """Withdraw the money of completed refunds from the payments that they refund."""
        result = super()._post_process()
        for refund in self.filtered(
                lambda each: each.operation == "refund" and each.state == "done"):
            refund.source_transaction_id._withdraw(abs(refund.amount), refund.reference)
        return result

    def _withdraw(self, amount, reference):
        """Handle that the provider or the bank took back money of this payment.

        Extension point: it does nothing by default. It is called when a refund is done, wherever
        it was requested, and by the addon of a provider when a dispute takes the money
        (chargeback). An extension does nothing when it is called again with the same reference.

        :param float amount: the amount taken back, above zero, in the payment's currency
        :param str reference: of the refund or the dispute, unique for the payment
        """
        self.ensure_one()

    def _restore(self, reference):
        """Handle that money taken back before was returned, because the dispute was won.

        Extension point: it does nothing by default.

        :param str reference: as given to :meth:`_withdraw`
        """
        self.ensure_one()
