from odoo import fields, models

from .credit_entry import forbid_changes


class CreditLotMove(models.Model):
    """The part of a ledger entry that one lot bears."""

    _name = "credit.lot.move"
    _description = "Movement of a Lot of Credits"
    _rec_name = "lot_id"
    _engine_only = True
    _order = "id"

    entry_id = fields.Many2one(
        "credit.entry", required=True, readonly=True, index=True, ondelete="restrict")
    lot_id = fields.Many2one(
        "credit.lot", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one(related="lot_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    credits = fields.Integer(readonly=True, required=True)
    value = fields.Monetary(readonly=True)

    _moves_something = models.Constraint(
        "CHECK(credits <> 0 AND credits * value >= 0)",
        "A movement has credits, and a value of the same sign.")

    def init(self):
        """Create the trigger that forbids changes of the table."""
        forbid_changes(self.env.cr, self._table)
