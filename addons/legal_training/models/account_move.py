from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def _legal_mentions(self):
        """Add the declaration of activity of the training body."""
        mentions = super()._legal_mentions()
        if mentions and (text := self.company_id._legal_training_mention()):
            mentions["training"] = text
        return mentions
