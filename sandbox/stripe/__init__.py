"""The payment server: Stripe's API on loopback, as Stripe's pages document it.

It answers with objects built on Stripe's own fixtures, refuses every parameter that the official
library does not declare, keeps idempotency keys, signs and repeats its webhooks, and fails on
demand. Tests drive it through :class:`~sandbox.stripe.client.PaymentServer`::

    with PaymentServer() as stripe:
        endpoint = stripe.webhook(f"{house.url}/payment/stripe/webhook")
        ...                                        # Odoo creates a setup intent
        stripe.confirm_setup(client_secret, "4242424242424242")   # what the customer's browser does
        with stripe.hold():                        # events are made but not sent
            ...
        stripe.deliver(stripe.events())            # in the order given, again and again if wanted
        with stripe.fault("drop_after", "POST", "/v1/payment_intents") as fault:
            ...                                    # the charge is made, but unanswered
        assert fault.hits == 1 and stripe.refused() == []

One process may hold many accounts: an account is what follows the prefix of its keys, so
``sk_test_agency`` and ``pk_test_agency`` are one, and sees nothing of ``sk_test_other``.

Why it is not built on localstripe, which was the first idea: each resource needed here had to be
replaced (intents, charges, refunds, events, lists, webhooks), its state is global and pickled to
one fixed file at every write, so that two servers at once share it, its webhooks are dated when
the event was made, so that a late retry looks forged, and its licence is the GPL.
"""

from .client import PaymentServer
