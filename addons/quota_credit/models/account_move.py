from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _quota_sold_without_order(self):
        """Packs paid with credits are invoiced by the ledger, without an order."""
        return super(AccountMove, self.filtered(
            lambda move: not move.credit_entry_id))._quota_sold_without_order()
