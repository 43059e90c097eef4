from odoo import models


class CreditWallet(models.Model):
    _inherit = "credit.wallet"

    def _hand_over(self, survivor):
        """Places in line that the wallet pays for are paid by the one that takes its place."""
        super()._hand_over(survivor)
        # sudo: whoever may merge contacts merges what they own
        self.env["session.waiting"].sudo().search(
            [("wallet_id", "=", self.id)]).wallet_id = survivor
