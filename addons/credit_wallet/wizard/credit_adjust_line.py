from odoo import api, fields, models
from odoo.exceptions import UserError

from ..exceptions import InsufficientCredits


class CreditAdjustLine(models.TransientModel):
    """One customer of a manual change, with the balance before and after."""

    _name = "credit.adjust.line"
    _description = "Customer of a Manual Change of Credits"

    wizard_id = fields.Many2one("credit.adjust", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", string="Customer", required=True)
    wallet_id = fields.Many2one("credit.wallet", compute="_compute_balances")
    before = fields.Integer(compute="_compute_balances", string="Balance before")
    after = fields.Integer(compute="_compute_balances", string="Balance after")

    @api.depends("partner_id", "wizard_id.company_id", "wizard_id.credits", "wizard_id.direction")
    def _compute_balances(self):
        for wizard, lines in self.grouped("wizard_id").items():
            change = wizard.credits if wizard.direction == "add" else -wizard.credits
            wallets = self.env["credit.wallet"].search([
                ("partner_id", "in", lines.partner_id.commercial_partner_id.ids),
                ("company_id", "=", wizard.company_id.id)])
            spendable = wallets._spendable()
            by_owner = wallets.grouped("partner_id")
            for line in lines:
                line.wallet_id = by_owner.get(line.partner_id.commercial_partner_id._origin)
                line.before = spendable.get(line.wallet_id.id, 0)
                line.after = line.before + change

    def _check_company_of_partner(self):
        company = self.wizard_id.company_id
        if self.partner_id.company_id not in (company, company.browse()):
            raise UserError(self.env._(
                "%(customer)s belongs to another company than %(company)s. Leave the customer "
                "out, or switch company.",
                customer=self.partner_id.display_name, company=company.name))

    def _check_balance(self):
        if self.after < 0:
            label = self.env["credit.wallet"]._credits_label
            raise InsufficientCredits(self.env._(
                "%(customer)s has %(balance)s: %(removed)s cannot be removed. Lower the number "
                "or leave the customer out.",
                customer=self.partner_id.display_name, balance=label(self.before),
                removed=label(self.wizard_id.credits)))
