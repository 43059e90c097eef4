from odoo import models


class ResCompany(models.Model):
    _inherit = "res.company"

    def _offers_to_analyse(self):
        result = super()._offers_to_analyse()
        plans = self.env["subscription.plan"].search([("product_tmpl_id", "!=", False)])
        plans.product_tmpl_id._make_analytic_accounts()
        return result
