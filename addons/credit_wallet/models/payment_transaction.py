from odoo import models
from odoo.tools import SQL


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _post_process(self):
        """Wait for whoever post-processes the same payment.

        The customer's page and the scheduled action may do so at once. The row lock makes the
        later one wait and then fail with a serialization error, which both of them treat as
        "later"; without it they meet in the middle of the order's confirmation, on a unique key.
        """
        self.env.cr.execute(SQL(
            "SELECT id FROM payment_transaction WHERE id = ANY(%s) ORDER BY id FOR UPDATE",
            self.ids))
        return super()._post_process()
