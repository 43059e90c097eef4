"""Switches off what keeps those apart who work on one payment, so that the race tests can fail.

Nobody waits for the other, and a conflict is not tried again: as in Odoo's own webhook, which
then has nothing to do with the payment any more.
"""

from odoo.addons.concurrency_base.models.payment_transaction import PaymentTransaction as OfBase
from odoo.addons.subscription_stripe.models.payment_transaction import (
    PaymentTransaction as OfStripe,
)
from odoo.addons.subscription_stripe.models.stripe_event import StripeEvent


def _stripe_lock(self):
    """Lock nothing, so that nobody waits."""


def _retry_conflicts(self, step):
    """Try once only."""
    result = step()
    self.env["ir.cron"]._commit_progress()
    return result


del OfBase._post_process
OfStripe._stripe_lock = _stripe_lock
StripeEvent._retry_conflicts = _retry_conflicts
