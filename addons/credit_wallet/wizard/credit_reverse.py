from odoo import fields, models

from odoo.addons.concurrency_base.tools import take_turn


class CreditReverse(models.TransientModel):
    """The reason for reversing a manual change, and the reversal."""

    _name = "credit.reverse"
    _description = "Reverse a Manual Change of Credits"

    entry_id = fields.Many2one(
        "credit.entry", required=True, readonly=True,
        default=lambda self: self.env.context.get("active_id"))
    reason = fields.Char(required=True, help="Kept in the ledger, with your name.")

    def action_confirm(self):
        """Reverse the entry and its accounting; a second click changes nothing.

        :raise UserError: not a manual change, or its credits are already used
        """
        self.ensure_one()
        take_turn(self.env, self.entry_id.wallet_id)
        return self.entry_id._reverse_adjustment(self.reason)._action_recorded()
