from odoo import fields, models


class StripeStatementAccount(models.Model):
    """What a month's payments by Stripe were for: an account of the invoices they paid."""

    _name = "stripe.statement.account"
    _description = "Account Paid by Way of Stripe"
    _rec_name = "account_id"
    _order = "account_id"

    statement_id = fields.Many2one(
        "stripe.statement", required=True, index=True, ondelete="cascade")
    company_id = fields.Many2one(related="statement_id.company_id", store=True, engine=True)
    currency_id = fields.Many2one(related="statement_id.currency_id")
    account_id = fields.Many2one("account.account", required=True, ondelete="restrict")
    amount = fields.Monetary(help="Of the payments, tax included.")
