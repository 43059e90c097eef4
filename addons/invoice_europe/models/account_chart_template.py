from odoo import models


class AccountChartTemplate(models.AbstractModel):
    _inherit = "account.chart.template"

    def _post_load_data(self, template_code, company, template_data):
        """Complete the taxes of a company that takes the French or the Belgian chart."""
        result = super()._post_load_data(template_code, company, template_data)
        if template_code == "fr" or template_code.startswith("be"):
            (company or self.env.company)._europe_create_taxes()
        return result
