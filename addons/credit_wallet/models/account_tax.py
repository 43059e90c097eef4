from odoo import api, models


class AccountTax(models.Model):
    _inherit = "account.tax"

    @api.model
    def _add_tax_details_in_base_line(self, base_line, company, rounding_method=None):
        """Round each line paid in credits, so that base plus taxes is what was paid, to the cent.

        Rounded globally, a base of 0.025 and a tax of 0.005 would make 0.04 out of 0.03 paid.
        """
        if base_line.get("credit_tax_included"):
            rounding_method = "round_per_line"
        return super()._add_tax_details_in_base_line(base_line, company, rounding_method)
