from odoo import models


class SubscriptionSubscription(models.Model):
    _inherit = "subscription.subscription"

    def _cut_short(self, day, full_credit=False):
        """Let the credit note of a stretch cut short say which days it gives back."""
        credited = self.with_context(subscription_credited_from=not full_credit and day)
        return super(SubscriptionSubscription, credited)._cut_short(day, full_credit=full_credit)
