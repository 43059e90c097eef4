from odoo import api, models


class SubscriptionInvoiceBatch(models.AbstractModel):
    _inherit = "subscription.invoice.batch"

    @api.model
    def _likeness(self, moves, vals):
        """Keep periods that are nothing but credits apart: their invoices use another account."""
        periods = self.env["subscription.period"].sudo().browse(  # sudo: the engine's own rows
            line.get("subscription_period_id") for _command, _id, line in vals["invoice_line_ids"])
        return repr((super()._likeness(moves, vals),
                     [period._credit_is_whole_price() for period in periods]))
