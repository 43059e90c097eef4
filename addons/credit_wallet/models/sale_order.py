from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _needs_customer_address(self):
        """Require an address for packs: they are invoiced, and an invoice names its customer's.

        French law: CGI, annex II, art. 242 nonies A, I, 1°. Odoo skips the address when a cart
        holds services only.
        """
        return bool(self.order_line.filtered("credit_count")) or super()._needs_customer_address()
