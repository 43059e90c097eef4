from odoo import models


class SubscriptionSubscription(models.Model):
    """Deferred revenue of subscriptions: nothing stays deferred of a service that is over."""

    _inherit = "subscription.subscription"

    def _cut_short(self, day, full_credit=False):
        """Earn at once what is not given back of a stretch cut short."""
        period = self._period_on(day)
        credit_note = super()._cut_short(day, full_credit=full_credit)
        self._earn_deferred_revenue(period)
        return credit_note

    def _cancel_now(self):
        """Earn at once what a plan that gives nothing back leaves."""
        result = super()._cancel_now()
        self._earn_deferred_revenue(self.period_ids)
        return result

    def _end(self, reason="term", **options):
        """Earn at once what unpaid and written off invoices have deferred.

        A cancellation may give some of it back first, and a term leaves nothing.
        """
        result = super()._end(reason=reason, **options)
        for subscription in self.filtered(lambda each: reason not in ("cancel", "term")):
            subscription._earn_deferred_revenue(subscription.period_ids)
        return result

    def _earn_deferred_revenue(self, periods):
        """Post as revenue what periods of the subscription have deferred: no service is owed.

        :param periods: ``subscription.period`` records that are over
        """
        self.ensure_one()
        # sudo: the books follow from the subscription, whoever ends it
        periods.sudo().line_ids.revenue_deferral_ids._earn_now(self._today())
