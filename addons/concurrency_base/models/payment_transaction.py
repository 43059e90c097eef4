from odoo import models

from ..tools import again_after_conflict, lock_in_order


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _post_process(self):
        """Wait for any other transaction that post-processes the same payment.

        The customer's page and the scheduled action may run at the same time. The row lock makes
        the later one wait and then fail with a serialization error, which both treat as "later".
        Without it, they collide in the middle of the order's confirmation, on a unique key.
        """
        lock_in_order(self)
        return super()._post_process()

    def _cron_send_invoice(self):
        """Send the invoices of orders paid online, and those that met a conflict at once after."""
        again_after_conflict(self.env, "sale.send_invoice_cron", super()._cron_send_invoice)
