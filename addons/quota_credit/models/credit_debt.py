from odoo import api, models


class CreditDebt(models.Model):
    _inherit = "credit.debt"

    @api.model
    def _used_credits(self, lot):
        """Count credits that paid extra units as used: refunded, they are owed."""
        return super()._used_credits(lot) - sum(lot._with_offspring().move_ids.filtered(
            lambda move: move.entry_id.kind == "quota").mapped("credits"))
