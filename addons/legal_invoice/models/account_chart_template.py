from odoo import models


class AccountChartTemplate(models.AbstractModel):
    _inherit = "account.chart.template"

    def _post_load_data(self, template_code, company, template_data):
        """Have VIES asked about the customers of a company that takes the French chart."""
        result = super()._post_load_data(template_code, company, template_data)
        if template_code == "fr":
            (company or self.env.company)._legal_switch_vies_on()
        return result
