from odoo import api, fields, models
from odoo.exceptions import UserError

from .res_company import VOUCHER_KINDS


class CreditLot(models.Model):
    """What one purchase or gift granted, with what is left of it."""

    _name = "credit.lot"
    _description = "Lot of Credits"
    _inherit = ["credit.download.mixin"]
    _order = "expiry_date, id"  # PostgreSQL sorts lots without expiry last
    _export_fields = (
        "id", "create_date", "partner_id", "granted", "remaining", "unit_value",
        "value_granted", "value_remaining", "expiry_date", "company_id")

    wallet_id = fields.Many2one(
        "credit.wallet", required=True, readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one(
        related="wallet_id.partner_id", store=True, precompute=True, index=True)
    company_id = fields.Many2one(
        related="wallet_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    granted = fields.Integer(readonly=True, required=True)
    remaining = fields.Integer(readonly=True, required=True)
    value_granted = fields.Monetary(readonly=True, help="Untaxed price paid for the whole lot.")
    value_remaining = fields.Monetary(readonly=True, help="Value of the credits not yet used.")
    unit_value = fields.Float(compute="_compute_unit_value", string="Value of one credit")
    granted_date = fields.Date(
        readonly=True, string="Granted on", help="Civil day of the grant where the company is.")
    expiry_date = fields.Date(
        readonly=True, index=True,
        help="Last day, in the company's timezone, on which the credits can be spent.")
    voucher_kind = fields.Selection(
        VOUCHER_KINDS, required=True, readonly=True, default="single", string="Voucher",
        help="When VAT is due on these credits; set when they were sold, and kept.")
    move_ids = fields.One2many("credit.lot.move", "lot_id", string="Movements")

    _remaining_in_range = models.Constraint(
        "CHECK(remaining >= 0 AND remaining <= granted)",
        "A lot cannot hold fewer than zero credits nor more than were granted.")
    _granted_positive = models.Constraint(
        "CHECK(granted > 0)", "A lot holds at least one credit.")
    _value_in_range = models.Constraint(
        "CHECK(value_remaining >= 0 AND value_remaining <= value_granted "
        "AND (remaining > 0 OR value_remaining = 0))",
        "The value left in a lot follows the credits left in it.")
    _open_lots = models.Index("(wallet_id, expiry_date, id) WHERE remaining > 0")

    @api.depends("granted", "value_granted")
    def _compute_unit_value(self):
        for lot in self:
            lot.unit_value = lot.value_granted / lot.granted if lot.granted else 0.0

    @api.depends("remaining", "granted", "expiry_date")
    def _compute_display_name(self):
        for lot in self:
            lot.display_name = self.env._(
                "Lot %(id)s: %(remaining)s of %(granted)s credits",
                id=lot.id, remaining=lot.remaining, granted=lot.granted)

    def _prepare_transferred_vals(self):
        """What credits keep of their lot in another wallet, beside their value."""
        self.ensure_one()
        return {
            "granted_date": self.granted_date, "expiry_date": self.expiry_date,
            "voucher_kind": self.voucher_kind}

    def _take(self, credits):
        """Take credits from these lots in their order.

        The value taken is proportional and rounded to the currency; the last credit of a lot
        takes all that is left, so that the sum is exact.

        :return: list of (lot, credits, value), both negative
        :raise UserError: the lots hold fewer credits
        """
        moves = []
        for lot in self:
            taken = min(credits, lot.remaining)
            if not taken:
                break
            value = lot.value_remaining if taken == lot.remaining else lot.currency_id.round(
                lot.value_remaining * taken / lot.remaining)
            moves.append((lot, -taken, -value))
            credits -= taken
        if credits:
            raise UserError(self.env._(
                "The open lots lack %(credits)s credits. Check the wallet.", credits=credits))
        self._apply(moves)
        return moves

    @api.model
    def _apply(self, moves):
        """Add signed movements to what is left of the lots.

        sudo: lots change through the ledger's methods only, nobody has write rights.
        """
        for lot, credits, value in moves:
            lot.sudo().write({
                "remaining": lot.remaining + credits,
                "value_remaining": lot.currency_id.round(lot.value_remaining + value),
            })
