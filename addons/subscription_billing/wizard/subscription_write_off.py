from odoo import api, fields, models

from ..tools.feedback import say

OUTCOMES = [
    ("end", "End the subscription"),
    ("keep", "Let the subscription go on"),
]


class SubscriptionWriteOff(models.TransientModel):
    """Wizard to give up an unpaid invoice: dunning stops, an accountant says what comes then."""

    _name = "subscription.write.off"
    _description = "Write off an Invoice"
    _check_company_auto = True

    period_id = fields.Many2one(
        "subscription.period", required=True, readonly=True,
        default=lambda self: self.env.context.get("active_id"))
    company_id = fields.Many2one(related="period_id.company_id")
    partner_id = fields.Many2one(related="period_id.partner_id")
    invoice_id = fields.Many2one(related="period_id.invoice_id")
    currency_id = fields.Many2one(related="invoice_id.currency_id")
    amount_residual = fields.Monetary(
        related="invoice_id.amount_residual", string="Written off")
    account_id = fields.Many2one(
        "account.account", string="Loss account", required=True, check_company=True,
        compute="_compute_account_id", store=True, readonly=False, precompute=True,
        domain="[('account_type', 'in', ('expense', 'expense_other'))]")
    date = fields.Date(required=True, default=fields.Date.context_today)
    outcome = fields.Selection(OUTCOMES, string="Then", required=True, default="end")

    @api.depends("period_id")
    def _compute_account_id(self):
        for wizard in self:
            wizard.account_id = wizard.company_id._subscription_loss_account()

    def action_confirm(self):
        """Write off, once; a second click does nothing.

        :raise UserError: a payment is under way, or nothing is due
        """
        self.ensure_one()
        self.check_access("write")  # accountants only
        self.period_id.check_access("read")
        # sudo: who may post the entry needs no right to end subscriptions
        self.period_id.sudo()._write_off(
            self.account_id, self.date, end=self.outcome == "end")
        return say(self.env._(
            "%(invoice)s is written off.", invoice=self.invoice_id.name))
