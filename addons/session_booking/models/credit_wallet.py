from odoo import models


class CreditWallet(models.Model):
    _inherit = "credit.wallet"

    def _hand_over(self, survivor):
        """Transfer the places in line that this wallet pays for to the wallet that replaces it."""
        result = super()._hand_over(survivor)
        # sudo: whoever may merge contacts merges what they own
        self.env["session.waiting"].sudo().search(
            [("wallet_id", "=", self.id)]).wallet_id = survivor
        return result
