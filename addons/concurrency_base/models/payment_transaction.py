from odoo import models

from ..tools import lock_in_order


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _post_process(self):
        """Wait for whoever post-processes the same payment.

        The customer's page and the scheduled action may do so at once. The row lock makes the
        later one wait and then fail with a serialization error, which both of them treat as
        "later"; without it they meet in the middle of the order's confirmation, on a unique key.
        """
        lock_in_order(self)
        return super()._post_process()
