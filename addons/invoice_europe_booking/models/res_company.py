from odoo import models


class ResCompany(models.Model):
    _inherit = "res.company"

    def _make_offer_analytic_accounts(self):
        """Give the trainings that are there their analytic accounts."""
        result = super()._make_offer_analytic_accounts()
        self.env["event.type"].search([("is_training", "=", True)])._make_analytic_accounts()
        return result
