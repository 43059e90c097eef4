from odoo import fields, models


class CreditEntry(models.Model):
    _inherit = "credit.entry"

    # Kept when the addon is removed: the ledger is never rewritten.
    kind = fields.Selection(
        selection_add=[("quota", "Extra units")], ondelete={"quota": lambda entries: None})

    def _post_to_accounts(self, account=None):
        """Leave out extra units: their zero-payable invoice posts them, as it does for bookings."""
        others = self.filtered(lambda entry: entry.kind != "quota")
        return super(CreditEntry, others)._post_to_accounts(account)
