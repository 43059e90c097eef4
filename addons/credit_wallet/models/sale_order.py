from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _needs_customer_address(self):
        """Require an address for packs: they are invoiced, and an invoice names its customer's.

        French law: CGI, annex II, art. 242 nonies A, I, 1°. Odoo skips the address when a cart
        holds services only.
        """
        return bool(self.order_line.filtered("credit_count")) or super()._needs_customer_address()

    def _follow_down_payment_note(self, note):
        """Send the credit note of what was paid ahead of packs by mail."""
        result = super()._follow_down_payment_note(note)
        if self.order_line.filtered("credit_count"):
            note._credit_queue_mail()
        return result
