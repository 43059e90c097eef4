from odoo import models


class ResCompany(models.Model):
    _inherit = "res.company"

    def _offers_to_analyse(self):
        result = super()._offers_to_analyse()
        self.env["event.type"].search([("is_training", "=", True)])._make_analytic_accounts()
        return result
