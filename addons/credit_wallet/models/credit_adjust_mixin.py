from odoo import api, fields, models
from odoo.exceptions import AccessError


class CreditAdjustMixin(models.AbstractModel):
    """The fields that manual changes have in common: a company, and the account of their value."""

    _name = "credit.adjust.mixin"
    _description = "Terms of Manual Changes of Credits"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related="company_id.currency_id")
    account_id = fields.Many2one(
        "account.account", string="Invoiced against", check_company=True,
        compute="_compute_account_id", store=True, readonly=False, precompute=True,
        help="Account in which the invoice made outside is posted.")

    @api.depends("company_id")
    def _compute_account_id(self):
        """Propose the company's clearing account."""
        for wizard in self:
            wizard.account_id = wizard.company_id.credit_adjustment_account_id

    def _check_company_allowed(self):
        """Refuse other companies: the transient record may not come from the form.

        :raise AccessError: the user does not work in the company
        """
        if self.company_id not in self.env.companies:
            raise AccessError(self.env._(
                "You do not work in %(company)s. Switch to this company first.",
                # sudo: only its name, for the message
                company=self.company_id.sudo().name))
