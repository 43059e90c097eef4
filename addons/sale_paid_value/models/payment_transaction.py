from odoo import models


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _post_process(self):
        """A refund takes money back, wherever it was asked for."""
        result = super()._post_process()
        for refund in self.filtered(
                lambda each: each.operation == "refund" and each.state == "done"):
            refund.source_transaction_id._withdraw(abs(refund.amount), refund.reference)
        return result

    def _withdraw(self, amount, reference):
        """Follow that the provider or the bank took money of this payment back.

        Extension point, empty here. It is called when a refund is done, by whatever door it was
        asked for, and by the addon of a provider when a dispute takes the money (chargeback).
        Whoever extends it does nothing at a second call with the same reference.

        :param float amount: what was taken back, above zero, in the payment's currency
        :param str reference: of the refund or the dispute, unique for the payment
        """
        self.ensure_one()

    def _restore(self, reference):
        """Follow that money taken back before returned: the dispute was won.

        Extension point, empty here.

        :param str reference: as given to :meth:`_withdraw`
        """
        self.ensure_one()
