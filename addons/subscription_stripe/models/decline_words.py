"""Why a bank refused a card, in words for staff (https://docs.stripe.com/declines/codes).

The customer reads less: of a card reported lost or stolen, or of a suspicion, nothing is told.
"""

from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

_LOST = _lt("The card was reported lost. Do not tell the customer so: say that it was refused.")
_STOLEN = _lt("The card was reported stolen. Do not tell the customer so: say that it was refused.")
_FRAUD = _lt("Fraud is suspected. Do not tell the customer so: say that it was refused.")
_FUNDS = _lt("The account does not hold enough money.")
_LIMIT = _lt("The card's limit of amount or number of payments is reached.")
_EXPIRED = _lt("The card has expired.")
_NUMBER = _lt("The number or the expiry of the card is wrong.")
_CODE = _lt("The security code of the card is wrong.")
_ACCOUNT = _lt("The account of the card is closed or unknown.")
_KIND = _lt("The card is not made for this payment, or not for this currency.")
_NO_REASON = _lt("The bank gives no reason. The customer has to ask it.")
_AUTHENTICATION = _lt("The bank wants the customer to confirm the payment.")
_STOPPED = _lt("The customer, or their bank, has stopped payments to you.")
_LATER = _lt("The bank could not be reached. Another try may work.")
_DUPLICATE = _lt("The bank takes it for the same payment a second time.")
_NEW_CARD = _lt("The bank has given the customer another card.")

DECLINE_WORDS = {
    **dict.fromkeys(("authentication_required", "authentication_not_handled", "approve_with_id",
                     "payment_intent_action_required", "offline_pin_required",
                     "online_or_offline_pin_required",
                     "payment_intent_authentication_failure"), _AUTHENTICATION),
    **dict.fromkeys(("insufficient_funds", "debit_insufficient_funds"), _FUNDS),
    **dict.fromkeys(("card_velocity_exceeded", "withdrawal_count_limit_exceeded",
                     "amount_too_large", "charge_exceeds_source_limit", "pin_try_exceeded",
                     "charge_exceeds_transaction_limit", "invalid_amount"), _LIMIT),
    "expired_card": _EXPIRED,
    **dict.fromkeys(("incorrect_number", "invalid_number", "invalid_expiry_month",
                     "invalid_expiry_year", "incorrect_address", "incorrect_zip"), _NUMBER),
    **dict.fromkeys(("incorrect_cvc", "invalid_cvc", "incorrect_pin", "invalid_pin"), _CODE),
    **dict.fromkeys(("account_closed", "bank_account_closed", "invalid_account",
                     "bank_account_unusable"), _ACCOUNT),
    **dict.fromkeys(("card_not_supported", "currency_not_supported", "not_permitted",
                     "transaction_not_allowed", "service_not_allowed", "restricted_card"), _KIND),
    "lost_card": _LOST,
    **dict.fromkeys(("stolen_card", "pickup_card"), _STOLEN),
    **dict.fromkeys(("fraudulent", "merchant_blacklist", "highest_risk_level",
                     "elevated_risk_level", "security_violation"), _FRAUD),
    **dict.fromkeys(("generic_decline", "card_declined", "do_not_honor", "call_issuer",
                     "no_action_taken", "do_not_try_again", "confirm_card_data"), _NO_REASON),
    **dict.fromkeys(("stop_payment_order", "revocation_of_authorization",
                     "revocation_of_all_authorizations", "debit_not_authorized"), _STOPPED),
    **dict.fromkeys(("issuer_not_available", "processing_error", "reenter_transaction",
                     "try_again_later"), _LATER),
    "duplicate_transaction": _DUPLICATE,
    "new_account_information_available": _NEW_CARD,
}
