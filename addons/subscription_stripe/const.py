"""What this addon knows of Stripe, with the page of Stripe's documentation it comes from."""

from datetime import timedelta

API_BASE_PARAMETER = "subscription_stripe.api_base"
TEST_KEYS = ("sk_test_", "rk_test_")

# Nothing Stripe sends comes near it.
MAX_BODY = 1_000_000
# Stripe signs each delivery anew (https://docs.stripe.com/webhooks#replay-attacks).
SIGNATURE_TOLERANCE = 300  # seconds
# Stripe lets both secrets live for up to a day while one is rolled
# (https://docs.stripe.com/webhooks#roll-endpoint-secrets).
SECRET_OVERLAP = timedelta(hours=24)

# Waits between the tries of an event; each is also how long a worker may keep one to itself.
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
KEEP_EVENTS = timedelta(days=90)

# How long a charge whose answer was lost is looked for before it counts as never made.
GIVE_UP_LOST = timedelta(hours=1)

PAYMENT_EVENTS = (
    "payment_intent.processing",
    "payment_intent.amount_capturable_updated",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
)
SETUP_EVENTS = (
    "setup_intent.succeeded",
    "setup_intent.setup_failed",
    "setup_intent.canceled",
)
REFUND_EVENTS = (
    "charge.refund.updated",
    "refund.created",
    "refund.updated",
    "refund.failed",
)
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
CARD_EVENTS = (
    "payment_method.automatically_updated",
    "payment_method.updated",
    "payment_method.detached",
)
CUSTOMER_EVENTS = ("customer.updated", "customer.deleted")
SUBSCRIBED_EVENTS = (
    *PAYMENT_EVENTS, *SETUP_EVENTS, "charge.refunded", *REFUND_EVENTS, *DISPUTE_EVENTS,
    *CARD_EVENTS, *CUSTOMER_EVENTS)

# https://docs.stripe.com/declines/codes. Hard: the same card will be refused again, and asking
# again may cost the merchant a fee of the card scheme.
AUTHENTICATION_CODES = {
    "authentication_required", "authentication_not_handled", "payment_intent_action_required",
    "payment_intent_authentication_failure",
}
HARD_CODES = {
    "account_closed", "bank_account_closed", "card_not_supported", "currency_not_supported",
    "debit_not_authorized", "do_not_try_again", "expired_card", "fraudulent",
    "highest_risk_level", "incorrect_number", "invalid_account", "invalid_expiry_month",
    "invalid_expiry_year", "invalid_number", "lost_card", "merchant_blacklist",
    "new_account_information_available", "pickup_card", "restricted_card",
    "revocation_of_all_authorizations", "revocation_of_authorization", "security_violation",
    "stolen_card", "stop_payment_order", "transaction_not_allowed",
}
# The bank's advice beside the code (https://docs.stripe.com/declines/card).
HARD_ADVICE = {"do_not_try_again", "confirm_card_data"}
