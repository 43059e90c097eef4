from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from odoo.addons.concurrency_base.tools import lock_in_order

from .res_company import VOUCHER_KINDS


class CreditLot(models.Model):
    """The credits that one purchase or gift granted, and how many of them are left."""

    _name = "credit.lot"
    _description = "Lot of Credits"
    _engine_only = True
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
    origin_lot_id = fields.Many2one(
        "credit.lot", string="Granted as", readonly=True, index="btree_not_null",
        ondelete="restrict", help="The lot of the purchase, when its credits were transferred "
        "to another wallet, or given back after they had expired.")
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

    def _with_offspring(self):
        """Return these lots, and the lots their credits were transferred to or given back in."""
        return self | self.search([("origin_lot_id", "in", self.ids)], order="id")

    def _lock_offspring(self):
        """Lock the wallets of these lots and their offspring, expire lots, and return the lots."""
        lots = self._with_offspring()
        lock_in_order(lots.wallet_id)
        lots.wallet_id._expire_lots()
        return lots

    def _claw_back(self, credits, kind, key, **entry_vals):
        """Take back what is left of these lots, in their order, up to this many credits.

        :param int credits: how many at most
        :param str kind: of the ledger entries
        :param str key: idempotency key; each wallet but the first has one of its own
        :return: the ``credit.entry`` records, one for each wallet
        """
        entries = self.env["credit.entry"]
        for wallet, lots in self.grouped("wallet_id").items():
            taken = min(credits, sum(lots.mapped("remaining")))
            if taken > 0:
                own_key = key if wallet == self[0].wallet_id else f"{key}:{wallet.id}"
                entries += wallet._claw_back(lots, taken, own_key, kind=kind, **entry_vals)
                credits -= taken
        return entries

    def _is_expired(self):
        """Tell whether the last day on which the credits could be spent is over."""
        self.ensure_one()
        return bool(self.expiry_date) and self.expiry_date < self.company_id._credit_today()

    def _validity_label(self, credits, expiry_date):
        """Describe credits of the lot, and until when they are valid or since when expired.

        For example « 2 crédits, à utiliser jusqu'au 14/02/2030 ».

        :param int credits: how many of the lot
        :param date expiry_date: of these credits, or False
        """
        self.ensure_one()
        label = self.wallet_id._credits_label(credits)
        if not expiry_date:
            return self.env._("%(credits)s, without expiry date", credits=label)
        date = format_date(self.env, expiry_date)
        if expiry_date < self.company_id._credit_today():
            return self.env._(
                "%(credits)s, expired since %(date)s", credits=label, date=date)
        return self.env._("%(credits)s, to use until %(date)s", credits=label, date=date)

    def _prepare_derived_vals(self, credits, value):
        """Prepare the values of a lot that takes over credits of this one, empty at first.

        :param int credits: how many, above zero
        :param float value: their value
        """
        self.ensure_one()
        return {
            "origin_lot_id": (self.origin_lot_id or self).id, "wallet_id": self.wallet_id.id,
            "granted_date": self.granted_date, "expiry_date": self.expiry_date,
            "voucher_kind": self.voucher_kind, "granted": credits, "value_granted": value,
            "remaining": 0, "value_remaining": 0.0}

    def _renewed_expiry(self, spent_on):
        """Compute the last day of credits given back after the lot expired.

        :param date spent_on: the local day on which they had been spent
        :return: a date, or False for no expiry, by the setting of the company
        """
        self.ensure_one()
        company = self.company_id
        if company.credit_return_expiry == "never":
            return False
        days = company.credit_return_days
        if company.credit_return_expiry == "left":
            days = max(days, (self.expiry_date - spent_on).days)
        return company._credit_today() + timedelta(days=days)

    def _take_credits(self, credits):
        """Take credits from these lots, in their order.

        The value taken is proportional and rounded to the currency; the last credit of a lot takes
        all that is left, so that the sum is exact.

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

        sudo: lots change through the ledger's methods only; nobody has write rights.
        """
        for lot, credits, value in moves:
            lot.sudo().write({
                "remaining": lot.remaining + credits,
                "value_remaining": lot.currency_id.round(lot.value_remaining + value),
            })
