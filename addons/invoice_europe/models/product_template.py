from odoo import models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    def _service_goods_drafts(self, company):
        """Add the orders that are still to be invoiced."""
        # sudo: names of orders that bear a tax of goods, for whoever keeps the product
        lines = self.env["sale.order.line"].sudo().search([
            ("product_id", "in", self._origin.product_variant_ids.ids or [0]),
            ("company_id", "=", company.id), ("state", "!=", "cancel"),
            ("invoice_status", "!=", "invoiced"), ("tax_ids", "!=", False)])
        wrong = lines.filtered(lambda line: any(tax._is_of_goods() for tax in line.tax_ids))
        return [*super()._service_goods_drafts(company), *wrong.order_id.mapped("name")]

    def _make_analytic_accounts(self):
        """Give these offers an analytic account, and Odoo the rule that puts it on their lines.

        It is done once for a company; an offer that has a rule keeps it.
        """
        # sudo: the rules follow from the company's setting, whoever creates the offer
        rules = self.env["account.analytic.distribution.model"].sudo()
        for company in self.env["res.company"].sudo().search(
                [("analytic_offer_plan_id", "!=", False)]):
            variants = self.product_variant_ids.filtered(
                lambda product, company=company: product.company_id in (
                    company, company.browse()))
            ruled = rules.search([
                ("product_id", "in", variants.ids), ("company_id", "=", company.id)]).product_id
            rules.create([{
                "product_id": product.id, "company_id": company.id,
                "analytic_distribution": {
                    str(company._make_analytic_account(product.display_name).id): 100},
            } for product in variants - ruled])
