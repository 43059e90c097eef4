from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    credit_wallet_ids = fields.One2many("credit.wallet", "partner_id", string="Wallets")
    credit_balance = fields.Integer(
        compute="_compute_credit_balance", groups="credit_wallet.group_credit_user",
        help="Credits that the person or their company can spend.")

    def _compute_credit_balance(self):
        wallets = self.env["credit.wallet"].search([
            ("partner_id", "in", self.commercial_partner_id.ids),
            ("company_id", "=", self.env.company.id)])
        spendable = {wallet.partner_id.id: wallet.spendable for wallet in wallets}
        for partner in self:
            partner.credit_balance = spendable.get(partner.commercial_partner_id.id, 0)

    def unlink(self):
        """Delete wallets that were never used together with their owner.

        :raise UserError: a wallet has a history
        """
        # sudo: the wallet follows its owner, whoever may delete that one
        self.env["credit.wallet"].sudo().with_context(active_test=False).search(
            [("partner_id", "in", self.ids)]).unlink()
        return super().unlink()

    def action_view_credit_wallet(self):
        """Open the wallet of the customer, in the current company; or say that there is none."""
        self.ensure_one()
        wallet = self.env["credit.wallet"].search(
            [("partner_id", "=", self.commercial_partner_id.id),
             ("company_id", "=", self.env.company.id)], limit=1)
        if not wallet:
            action = self.env["ir.actions.act_window"]._for_xml_id(
                "credit_wallet.credit_wallet_action")
            return {**action, "context": {}, "domain": [
                ("partner_id", "=", self.commercial_partner_id.id)]}
        return {
            "type": "ir.actions.act_window", "res_model": "credit.wallet",
            "view_mode": "form", "res_id": wallet.id, "name": self.env._("Wallet"),
            "context": {"create": False},
        }
