import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError


class QuotaCreditPurchase(models.TransientModel):
    """Wizard of staff who pay a pack of extra units from the customer's wallet."""

    _name = "quota.credit.purchase"
    _description = "Pay Extra Units with Credits"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True,
        default=lambda self: self.env.context.get("active_id"))
    pack_ids = fields.Many2many(
        "product.template", string="Packs on sale", compute="_compute_pack_ids")
    pack_id = fields.Many2one(
        "product.template", required=True, domain="[('id', 'in', pack_ids)]")
    credits = fields.Integer(related="pack_id.quota_credit_price", string="Price in credits")
    balance = fields.Integer(compute="_compute_balance", string="In the wallet")
    key = fields.Char(required=True, default=lambda self: uuid.uuid4().hex)

    @api.depends("subscription_id")
    def _compute_pack_ids(self):
        for wizard in self:
            wizard.pack_ids = wizard.subscription_id._quota_packs().filtered(
                "quota_credit_price")

    @api.depends("subscription_id")
    def _compute_balance(self):
        for wizard in self:
            # sudo: the balance only, to staff who may change the subscription
            wallet = self.env["credit.wallet"].sudo().search([
                ("partner_id", "=", wizard.subscription_id.commercial_partner_id.id),
                ("company_id", "=", wizard.subscription_id.company_id.id)])
            wizard.balance = wallet.spendable

    def action_confirm(self):
        """Debit the customer's wallet and add the units; a second click changes nothing.

        :raise InsufficientCredits: the wallet holds less than the price
        :raise UserError: no pack was chosen
        """
        self.ensure_one()
        if not self.pack_id:
            raise UserError(self.env._("Choose a pack first."))
        subscription = self.subscription_id._by_staff()
        subscription._quota_buy_with_credits(
            self.pack_id, subscription.commercial_partner_id, self.key)
        return {"type": "ir.actions.act_window_close"}
