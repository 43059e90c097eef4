from odoo import models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    def _service_tax_problems(self, company, taxes):
        """Add VAT on what a training body may sell without.

        It is said on the product only: such a company may sell other services with VAT.
        """
        problems = super()._service_tax_problems(company, taxes)
        charging = taxes.filtered(lambda tax: tax.amount and not tax._is_of_goods())
        if company._legal_is_exempt() and company.legal_vat_regime == "exempt" and charging:
            problems.append(self.env._(
                "“%(tax)s” charges VAT, and the trainings of %(company)s are exempt (CGI, art. "
                "261-4-4° a). Take “%(service_tax)s”, unless it is no training.",
                tax=charging[0].name, company=company.name,
                service_tax=company._service_sale_tax().name))
        return problems
