from collections import defaultdict

from odoo import api, models


class AccountMove(models.Model):
    _inherit = "account.move"

    @api.depends(
        "partner_id", "invoice_line_ids.tax_ids", "invoice_line_ids.account_id",
        "invoice_line_ids.product_id")
    def _compute_alerts(self):
        """Look again when taxes, accounts or the customer change."""
        return super()._compute_alerts()

    def _get_alerts(self):
        """Tell whoever is about to post an invoice what it would print wrongly of services."""
        alerts = super()._get_alerts()
        if self.state == "draft" and self.move_type == "out_invoice":
            # sudo: what is wrong follows from taxes and accounts, whoever reads the invoice
            for number, problem in enumerate(self.sudo()._service_problems()):
                alerts[f"service_product_{number}"] = {"level": "danger", "message": problem}
        return alerts

    def _service_problems(self):
        """List what the draft would print wrongly of the services on it.

        Extension point.

        :return: list of texts, each with its remedy
        """
        self.ensure_one()
        lines = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and line.product_id.type == "service")
        names = defaultdict(list)  # of the services that have a problem
        for product, sold in lines.grouped("product_id").items():
            for problem in self._service_problems_of(sold):
                names[problem].append(product.name)
        return [self.env._("%(products)s: %(problem)s", problem=problem,
                           products=", ".join(products)) for problem, products in names.items()]

    def _service_problems_of(self, lines):
        company = self.company_id
        taxes = lines.tax_ids._origin.flatten_taxes_hierarchy()
        if self._service_says_why_untaxed():
            taxes = taxes.filtered(lambda tax: not company._service_is_silent(tax))
        return [*company._service_tax_problems(taxes),
                *company._service_account_problems(lines.account_id._origin)]

    def _service_says_why_untaxed(self):
        """Tell whether the document prints why it charges no VAT. Extension point."""
        self.ensure_one()
        return bool(self.taxes_legal_notes)
