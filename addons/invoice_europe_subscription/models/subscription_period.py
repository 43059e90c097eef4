from datetime import timedelta

from odoo import models


class SubscriptionPeriod(models.Model):
    _inherit = "subscription.period"

    def _prepare_charge_line(self):
        return {**super()._prepare_charge_line(), **self._service_dates(self.date_start)}

    def _prepare_credit_line(self, amount):
        """Given back are the days after a cut, else those of the whole stretch."""
        first = self.env.context.get("subscription_credited_from") or self.date_start
        return {
            **super()._prepare_credit_line(amount),
            **self._service_dates(max(first, self.date_start))}

    def _service_dates(self, first):
        """Values of an invoice line: the days of service from `first` on, the last included."""
        self.ensure_one()
        return {
            "deferred_start_date": first,
            "deferred_end_date": max(first, self.date_end - timedelta(days=1))}
