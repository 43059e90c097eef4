from odoo import api, models


class SubscriptionPlan(models.Model):
    _inherit = "subscription.plan"

    @api.model_create_multi
    def create(self, vals_list):
        """Give new plans their analytic accounts."""
        plans = super().create(vals_list)
        plans.product_tmpl_id._make_analytic_accounts()
        return plans
