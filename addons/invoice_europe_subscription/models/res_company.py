from odoo import models


class ResCompany(models.Model):
    _inherit = "res.company"

    def _make_offer_analytic_accounts(self):
        """Give the plans that are there their analytic accounts."""
        result = super()._make_offer_analytic_accounts()
        plans = self.env["subscription.plan"].search([("product_tmpl_id", "!=", False)])
        plans.product_tmpl_id._make_analytic_accounts()
        return result
