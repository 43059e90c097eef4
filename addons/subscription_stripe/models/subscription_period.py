from odoo import models


class SubscriptionPeriod(models.Model):
    _inherit = "subscription.period"

    def _why_not_to_charge(self):
        """Refuse to charge a contested card again: its bank would fine that."""
        if self.subscription_id.token_id._is_contested():
            return self.env._(
                "The holder of this card contests a payment at the bank: it is not charged. The "
                "customer can pay with another one.")
        return super()._why_not_to_charge()

    def _charge_token(self):
        """Send the invoice instead of charging a contested card, so that it is paid otherwise.

        A charge that was sent before the dispute is still asked about.
        """
        self.ensure_one()
        if self.subscription_id.token_id._is_contested() and not self._open_transaction():
            self.charge_at = False
            self.invoice_id._subscription_queue_mail()
            return self.env["payment.transaction"]
        return super()._charge_token()

    def _tell_of_payment(self):
        """Leave the customer out of a dispute that ends with the old payment, where the policy
        says so.
        """
        if self.env.context.get("subscription_silent"):
            return None
        return super()._tell_of_payment()
