from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _quota_sold_without_order(self):
        """Accept packs paid with credits: the ledger invoices them without an order."""
        return super(AccountMove, self.filtered(
            lambda move: not move.credit_entry_id))._quota_sold_without_order()
