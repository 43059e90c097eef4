from odoo import models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    def _credit_is_untaxed_pack(self):
        """Count a plan that sells nothing but credits as a voucher, like a pack: where packs are
        multi-purpose, its VAT waits for the bookings, too (VAT Directive, art. 30b(2)).
        """
        self.ensure_one()
        if self.service_tracking != "subscription":
            return super()._credit_is_untaxed_pack()
        company = self.company_id or self.env.company
        return (company.credit_voucher_kind == "multi"
                and self._subscription_plan()._sells_only_credits())
