from odoo import models


class AccountChartTemplate(models.AbstractModel):
    _inherit = "account.chart.template"

    def _post_load_data(self, template_code, company, template_data):
        """Let a company that takes a chart of accounts offer its taxes of services.

        It comes first: Odoo gives the products their taxes in the new company here.
        """
        (company or self.env.company)._service_activate_taxes()
        return super()._post_load_data(template_code, company, template_data)
