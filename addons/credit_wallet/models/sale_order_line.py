from odoo import api, models
from odoo.exceptions import ValidationError


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.constrains("product_id", "product_uom_qty")
    def _check_whole_packs(self):
        for line in self:
            if (line.product_id.service_tracking == "credit_pack"
                    and line.product_uom_qty != int(line.product_uom_qty)):
                raise ValidationError(self.env._(
                    "%(pack)s is sold by the piece: %(quantity)s is not a whole number.",
                    pack=line.product_id.display_name, quantity=line.product_uom_qty))

    @api.depends("product_id", "company_id")
    def _compute_tax_ids(self):
        """No VAT on a multi-purpose voucher (VAT Directive 2006/112/EC, art. 30b(2))."""
        packs = self.filtered(
            lambda line: line.product_id.with_company(
                line.company_id).product_tmpl_id._credit_is_untaxed_pack()
            if line.product_id else False)
        packs.tax_ids = False
        return super(SaleOrderLine, self - packs)._compute_tax_ids()

    def _credit_is_sold(self):
        """Whether the line adds credits to the customer's wallet once it is paid.

        Extension point: by default, it is a pack of credits.
        """
        self.ensure_one()
        return self.service_tracking == "credit_pack"
