from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _needs_customer_address(self):
        """Packs are invoiced by themselves, and an invoice names its customer's address.

        French law: CGI, annex II, art. 242 nonies A, I, 1°. Odoo skips the address when a cart
        holds services only.
        """
        packs = self.order_line.filtered(lambda line: line.service_tracking == "credit_pack")
        return bool(packs) or super()._needs_customer_address()
