from odoo import api, fields, models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    vat_notice = fields.Text(
        string="VAT", compute="_compute_vat_notice",
        help="What would be wrong on the invoice, and what is not proved of the customer.")

    @api.depends("partner_id", "state", "invoice_status", "order_line.tax_ids",
                 "order_line.product_id", "company_id")
    @api.depends_context("lang")
    def _compute_vat_notice(self):
        for order in self:
            order.vat_notice = order._find_vat_notice()

    def _find_vat_notice(self):
        """Write what staff should know of the order's VAT before it is invoiced, or nothing."""
        self.ensure_one()
        if self.state == "cancel" or self.invoice_status == "invoiced" or not self.partner_id:
            return ""
        # sudo: what is wrong follows from taxes, whoever reads the order
        company, lines = self.company_id.sudo(), self.sudo().order_line
        taxes = lines.tax_ids._origin.flatten_taxes_hierarchy()
        services = lines.filtered(lambda line: line.product_id.type == "service")
        problems = company._service_tax_problems(
            services.tax_ids._origin.flatten_taxes_hierarchy())
        untaxed = bool(taxes) and not any(taxes.mapped("amount"))
        notice = self.partner_id._vat_notice(company, untaxed)
        return "\n".join([*problems, *([notice[1]] if notice else [])])
