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

# States in which a payment intent can be cancelled without taking back an authorization
# (https://docs.stripe.com/api/payment_intents/cancel).
CANCELLABLE_INTENTS = ("requires_payment_method", "requires_confirmation", "requires_action")

# The least that is charged at a time, by currency
# (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).
MINIMUM_AMOUNTS = {
    "AED": 2.0, "AUD": 0.5, "BGN": 1.0, "BRL": 0.5, "CAD": 0.5, "CHF": 0.5, "CZK": 15.0,
    "DKK": 2.5, "EUR": 0.5, "GBP": 0.3, "HKD": 4.0, "HUF": 175.0, "INR": 0.5, "JPY": 50.0,
    "MXN": 10.0, "MYR": 2.0, "NOK": 3.0, "NZD": 0.5, "PLN": 2.0, "RON": 2.0, "SEK": 3.0,
    "SGD": 0.5, "THB": 10.0, "USD": 0.5,
}
# What amounts are multiples of, where it is not the smallest unit that Stripe counts in: the last
# digit of three decimals is 0 (https://docs.stripe.com/currencies#three-decimal), and two decimals
# that mean nothing any more are 00 (https://docs.stripe.com/currencies#special-cases).
AMOUNT_STEPS = {
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 0.01),
    **dict.fromkeys(("ISK", "UGX"), 1.0),
}

# How long a charge that Stripe has not answered is looked for before it counts as never made.
GIVE_UP_UNANSWERED = timedelta(hours=1)

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

# Disputes (https://docs.stripe.com/api/disputes/object) ------------------------------------------

# The holder's bank asks first: no money has moved (https://docs.stripe.com/disputes/how-disputes-work).
INQUIRIES = ("warning_needs_response", "warning_under_review")
ANSWERABLE = ("needs_response", "warning_needs_response", "appeal_needs_response")
OPEN_DISPUTES = (
    *ANSWERABLE, "under_review", "warning_under_review", "appeal_under_review")
# After these the customer may be charged again with the same card; after a loss never.
HARMLESS_DISPUTES = ("won", "warning_closed", "prevented")

# What the bank asks for, by the reason it gives (https://docs.stripe.com/disputes/categories).
EVIDENCE_OF_ALL = (
    "customer_name", "customer_email_address", "billing_address", "product_description",
    "service_date", "receipt", "customer_communication")
EVIDENCE_BY_REASON = {
    **dict.fromkeys(("fraudulent", "unrecognized", "debit_not_authorized", "customer_initiated"), (
        "customer_purchase_ip", "access_activity_log", "customer_signature",
        "service_documentation")),
    "subscription_canceled": (
        "cancellation_policy", "cancellation_policy_disclosure", "cancellation_rebuttal",
        "access_activity_log"),
    "product_not_received": ("service_documentation", "access_activity_log"),
    "product_unacceptable": (
        "refund_policy", "refund_policy_disclosure", "refund_refusal_explanation",
        "service_documentation"),
    "credit_not_processed": (
        "refund_policy", "refund_policy_disclosure", "refund_refusal_explanation"),
    "duplicate": (
        "duplicate_charge_id", "duplicate_charge_explanation", "duplicate_charge_documentation"),
}
EVIDENCE_OF_OTHERS = ("uncategorized_text", "uncategorized_file")
# Stripe takes files for these, texts for the others (https://docs.stripe.com/api/files).
EVIDENCE_FILES = {
    "cancellation_policy", "customer_communication", "customer_signature",
    "duplicate_charge_documentation", "receipt", "refund_policy", "service_documentation",
    "uncategorized_file"}
EVIDENCE_FILE_TYPES = ("application/pdf", "image/jpeg", "image/png")
MAX_EVIDENCE_FILE = 5_000_000
MAX_EVIDENCE_TEXT = 20_000

# Movements of the balance (https://docs.stripe.com/reports/balance-transaction-types).
PAYMENT_MOVEMENTS = ("charge", "payment", "refund", "payment_refund")
PAYOUT_MOVEMENTS = ("payout", "payout_cancel", "payout_failure")
FEE_MOVEMENTS = ("stripe_fee", "stripe_fx_fee", "tax_fee")
ACCOUNT_MOVEMENTS = (*PAYOUT_MOVEMENTS, *FEE_MOVEMENTS)  # of no payment in particular
