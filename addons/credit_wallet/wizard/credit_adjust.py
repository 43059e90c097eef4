from uuid import uuid4

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import take_turn

QUEUE_LIMIT = 500  # wallets that wait in line; each takes a lock of the database


class CreditAdjust(models.TransientModel):
    """A manual addition or removal of credits, for one or many customers: all or nothing."""

    _name = "credit.adjust"
    _description = "Add or Remove Credits"
    _inherit = ["credit.adjust.mixin"]

    key = fields.Char(
        required=True, readonly=True, default=lambda self: str(uuid4()), copy=False,
        help="Tells a second click from a second operation.")
    direction = fields.Selection(
        [("add", "Add"), ("remove", "Remove")], required=True, default="add")
    credits = fields.Integer(string="Credits each", required=True)
    price = fields.Monetary(
        string="Value per credit",
        help="Untaxed price of one credit when an invoice made outside covers it; zero for a "
             "gift. The value is owed until the credits are used.")
    expiry_date = fields.Date(
        string="Valid until", help="Last day on which the credits can be spent; empty: no end.")
    reason = fields.Char(required=True, help="Kept in the ledger, with your name.")
    line_ids = fields.One2many("credit.adjust.line", "wizard_id", string="Customers")

    _price_not_negative = models.Constraint(
        "CHECK(price >= 0)", "The value of a credit cannot be below zero.")

    @api.model
    def default_get(self, fields):
        """Start from the wallets or the customers selected."""
        values = super().default_get(fields)
        model, ids = self.env.context.get("active_model"), self.env.context.get("active_ids")
        if model == "credit.wallet" and ids:
            wallets = self.env[model].browse(ids)
            if len(wallets.company_id) > 1:
                raise UserError(self.env._(
                    "The wallets belong to several companies: %(companies)s. Select those of "
                    "one company.", companies=", ".join(wallets.company_id.mapped("name"))))
            values["company_id"] = wallets.company_id.id
            owners = wallets.partner_id
        elif model == "res.partner" and ids:
            owners = self.env[model].browse(ids).commercial_partner_id
        else:
            return values
        values["line_ids"] = [
            Command.create({"partner_id": owner.id}) for owner in owners]
        return values

    @api.model_create_multi
    def create(self, vals_list):
        """Create the changes, after a check that their credits are whole numbers."""
        self._check_whole(vals_list)
        return super().create(vals_list)

    def write(self, vals):
        """Update the change, after a check that its credits are a whole number."""
        self._check_whole([vals])
        return super().write(vals)

    def _check_whole(self, vals_list):
        """Refuse 2.5 credits, which an integer field would turn into 2."""
        for vals in vals_list:
            self.env["credit.wallet"]._check_whole_credits(vals.get("credits", 1))

    @api.onchange("direction")
    def _onchange_direction(self):
        if self.direction == "remove":
            self.price = 0
            self.expiry_date = False

    def action_confirm(self):
        """Post the change, one customer after the other; a second click changes nothing.

        :raise UserError: see :meth:`_apply`
        """
        self.ensure_one()
        if len(self.line_ids) <= QUEUE_LIMIT:
            take_turn(self.env, self.line_ids.wallet_id)
        entries = self._apply()
        return entries._action_recorded()

    def _apply(self):
        """Post the change for every customer, or for none.

        :return: the ``credit.entry`` records
        :raise UserError: no customer, no reason, an expiry in the past, a price for credits
            removed, a customer twice, or a customer of another company
        :raise InsufficientCredits: a customer has fewer credits than are removed
        """
        self._check_terms()
        self._check_customers()
        wallets = self.env["credit.wallet"]._of_all(self.line_ids.partner_id, self.company_id)
        sign = 1 if self.direction == "add" else -1
        return self.env["credit.wallet"]._adjust_all([{
            "wallet": wallet,
            "credits": sign * self.credits,
            "value": self.currency_id.round(self.credits * self.price),
            "key": f"adjust:{self.key}:{wallet.id}",
            "expiry_date": self.expiry_date,
            "entry_vals": {"reason": self.reason.strip()},
        } for wallet in sorted(wallets.values(), key=lambda wallet: wallet.id)], self.account_id)

    def _check_terms(self):
        self._check_company_allowed()
        if not self.reason.strip():
            raise UserError(self.env._("State a reason: the ledger keeps it."))
        if self.direction == "remove" and (self.price or self.expiry_date):
            raise UserError(self.env._(
                "A value and an expiry belong to credits added. Credits removed leave with "
                "their own: empty both fields."))

    def _check_customers(self):
        if not self.line_ids:
            raise UserError(self.env._("Name at least one customer."))
        for lines in self.line_ids.grouped(
                lambda line: line.partner_id.commercial_partner_id).values():
            if len(lines) > 1:
                raise UserError(self.env._(
                    "%(customers)s share one wallet. Keep one of them.",
                    customers=", ".join(lines.partner_id.mapped("display_name"))))
        for line in self.line_ids:
            line._check_company_of_partner()
        if self.env["credit.entry"].sudo().search_count([
                # sudo: only whether this very operation is already recorded
                ("idempotency_key", "=like", f"adjust:{self.key}:%")], limit=1):
            return
        for line in self.line_ids:
            line._check_balance()
