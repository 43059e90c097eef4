from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    credit_wallet_ids = fields.One2many("credit.wallet", "partner_id", string="Wallets")
    credit_balance = fields.Integer(
        compute="_compute_credit_balance", groups="credit_wallet.group_credit_user",
        help="Credits in the wallet of the person or of their company.")

    def _compute_credit_balance(self):
        owners = self.commercial_partner_id
        balances = {
            partner.id: balance for partner, balance in self.env["credit.wallet"]._read_group(
                [("partner_id", "in", owners.ids), ("company_id", "=", self.env.company.id)],
                ["partner_id"], ["balance:sum"])}
        for partner in self:
            partner.credit_balance = balances.get(partner.commercial_partner_id.id, 0)

    def action_view_credit_wallet(self):
        self.ensure_one()
        wallet = self.env["credit.wallet"].search(
            [("partner_id", "=", self.commercial_partner_id.id),
             ("company_id", "=", self.env.company.id)], limit=1)
        return {
            "type": "ir.actions.act_window", "res_model": "credit.wallet",
            "view_mode": "form", "res_id": wallet.id, "name": self.env._("Wallet"),
            "context": {"create": False},
        }
