from odoo import models

from ..tools import again_after_conflict, lock_in_order


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    # One call for each company: there is nothing to return, nor does Odoo's method return anything.
    def _post_process(self):  # pylint: disable=missing-return
        """Wait for any other transaction that post-processes the same payment.

        The customer's page and the scheduled action may run at the same time. The row lock makes
        the later one wait and then fail with a serialization error, which both treat as "later".
        Without it, they collide in the middle of the order's confirmation, on a unique key.

        Payments, and what follows from them, are dated by the day where the company is: the
        scheduled action and the provider's notification have no timezone, and Odoo would take the
        day of UTC. A refund half an hour after midnight would be booked in the month before.
        """
        lock_in_order(self)
        for company, transactions in self.grouped("company_id").items():
            super(PaymentTransaction, transactions.with_context(
                tz=company._civil_tz()))._post_process()

    def _cron_send_invoice(self):
        """Send the invoices of orders paid online, and those that met a conflict at once after."""
        return again_after_conflict(
            self.env, "sale.send_invoice_cron", super()._cron_send_invoice)
