from datetime import timedelta

from odoo import models


class SubscriptionPeriod(models.Model):
    _inherit = "subscription.period"

    def _prepare_charge_line(self):
        """Add the days of the stretch."""
        return {**super()._prepare_charge_line(), **self._service_dates(self.date_start)}

    def _prepare_credit_line(self, amount):
        """Add the line that is credited and the days that are given back.

        They are those after a cut, else those of the whole stretch.
        """
        first = self.env.context.get("subscription_credited_from") or self.date_start
        return {
            **super()._prepare_credit_line(amount),
            "corrected_line_id": self._charged_line().id,
            **self._service_dates(max(first, self.date_start))}

    def _service_dates(self, first):
        """Return the values of an invoice line: its days of service, the last included.

        :param date first: day from which on
        """
        self.ensure_one()
        return {
            "deferred_start_date": first,
            "deferred_end_date": max(first, self.date_end - timedelta(days=1))}
