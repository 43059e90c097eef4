from odoo import fields, models


class CreditReconciliationLine(models.TransientModel):
    """The two sides of one customer."""

    _name = "credit.reconciliation.line"
    _description = "Reconciliation of a Customer's Credits"
    _order = "id"

    reconciliation_id = fields.Many2one(
        "credit.reconciliation", required=True, ondelete="cascade", index=True)
    currency_id = fields.Many2one(related="reconciliation_id.currency_id")
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    credits = fields.Integer(readonly=True)
    account = fields.Monetary(string="Credits owed (account)", readonly=True)
    ledger = fields.Monetary(string="Open lots", readonly=True)
    drift = fields.Monetary(readonly=True)
