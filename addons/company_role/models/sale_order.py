from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def _action_confirm(self):
        """Let who orders first for a company manage it."""
        result = super()._action_confirm()
        self.partner_id._appoint_first_manager()
        return result
