from odoo import models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _prepare_invoice_line(self, **optional_values):
        """Add the days of the first period, which the order invoices."""
        values = super()._prepare_invoice_line(**optional_values)
        if period_id := values.get("subscription_period_id"):
            # sudo: sales staff need no right on periods to invoice the order
            period = self.env["subscription.period"].sudo().browse(period_id)
            values.update(period._service_dates(period.date_start))
        return values
