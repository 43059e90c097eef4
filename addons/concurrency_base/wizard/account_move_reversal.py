from odoo import models

from ..tools import as_engine


class AccountMoveReversal(models.TransientModel):
    _inherit = "account.move.reversal"

    def reverse_moves(self, is_modify=False):
        """Let the credit note take over what the system keeps on the lines of its invoice."""
        return super(AccountMoveReversal, as_engine(self)).reverse_moves(is_modify=is_modify)
