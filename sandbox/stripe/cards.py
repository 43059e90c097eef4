"""Test cards and what they do (https://docs.stripe.com/testing), and how banks decline.

A card that is refused at once cannot be saved, at Stripe as here. For a saved card that works
first and fails later there is 4000000000000341, and the control call that makes the bank
decline any saved card from now on: reported lost or stolen, or without funds.
"""

from dataclasses import dataclass
from typing import NamedTuple

CODES = {"expired_card": "expired_card", "incorrect_cvc": "incorrect_cvc",
         "processing_error": "processing_error",
         "authentication_required": "authentication_required"}
MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error":
        "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required":
        "Your card was declined. This transaction requires authentication.",
}
# https://docs.stripe.com/declines#retrying-issuer-declines
ADVICE = {
    "insufficient_funds": "try_again_later", "generic_decline": "try_again_later",
    "processing_error": "try_again_later", "expired_card": "confirm_card_data",
    "incorrect_cvc": "confirm_card_data", "lost_card": "do_not_try_again",
    "stolen_card": "do_not_try_again", "pickup_card": "do_not_try_again",
}


class Decline(NamedTuple):
    """A bank's refusal, by its ``decline_code``."""

    reason: str

    @property
    def code(self):
        """Return the error's ``code``."""
        return CODES.get(self.reason, "card_declined")

    @property
    def message(self):
        """Return the sentence for the customer."""
        return MESSAGES.get(self.reason, "Your card was declined.")

    def fields(self):
        """Return what the error tells of the decline."""
        shown = {"code": self.code, "decline_code": self.reason}
        if self.reason in ADVICE:
            shown["advice_code"] = ADVICE[self.reason]
        return shown


@dataclass(frozen=True)
class Card:
    """A card number and its fate.

    :param str refused: the decline of any use of it, saving it included
    :param str fails: the decline of charges only
    :param str authentication: when the holder must prove it is them: "always", "until_set_up"
        (off session no more, once saved with authentication) or "on_session"
    """

    number: str
    brand: str = "visa"
    country: str = "US"
    refused: str = None
    fails: str = None
    authentication: str = None
    dispute: str = None


CARDS = {
    "pm_card_visa": Card("4242424242424242"),
    "pm_card_visa_debit": Card("4000056655665556"),
    "pm_card_mastercard": Card("5555555555554444", "mastercard"),
    "pm_card_amex": Card("378282246310005", "amex"),
    "pm_card_fr": Card("4000002500000003", country="FR"),
    "pm_card_chargeCustomerFail": Card("4000000000000341", fails="generic_decline"),
    "pm_card_visa_chargeDeclined": Card("4000000000000002", refused="generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds":
        Card("4000000000009995", refused="insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": Card("4000000000009987", refused="lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": Card("4000000000009979", refused="stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": Card("4000000000000069", refused="expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": Card("4000000000000127", refused="incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError":
        Card("4000000000000119", refused="processing_error"),
    "pm_card_authenticationRequiredOnSetup":
        Card("4000002500003155", authentication="until_set_up"),
    "pm_card_authenticationRequired": Card("4000002760003184", authentication="always"),
    "pm_card_authenticationRequiredSetupForOffSession":
        Card("4000003800000446", authentication="on_session"),
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds":
        Card("4000008260003178", authentication="always", fails="insufficient_funds"),
    "pm_card_createDispute": Card("4000000000000259", dispute="fraudulent"),
}
# Older spellings of the same, still accepted.
ALIASES = {
    "pm_card_chargeDeclined": "pm_card_visa_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds": "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedLostCard": "pm_card_visa_chargeDeclinedLostCard",
    "pm_card_chargeDeclinedStolenCard": "pm_card_visa_chargeDeclinedStolenCard",
}
NUMBERS = {card.number: card for card in CARDS.values()}


def by_token(token):
    """Return the card behind a test token such as ``pm_card_visa``, or None."""
    return CARDS.get(ALIASES.get(token, token))


@dataclass
class Behaviour:
    """What the bank knows of one saved card."""

    card: Card
    set_up: bool = False  # saved with its holder's authentication
    decline: str = None  # from now on, by order of a test
    spent: bool = False  # used without a customer, or detached: never to be used again

    def refusal(self):
        """Return the decline of saving the card, or None."""
        reason = self.decline or self.card.refused
        return Decline(reason) if reason else None

    def charge_refusal(self):
        """Return the decline of charging the card, or None."""
        reason = self.decline or self.card.refused or self.card.fails
        return Decline(reason) if reason else None

    def needs_authentication(self, off_session):
        """Tell whether the bank asks the holder, who may be absent (`off_session`)."""
        kind = self.card.authentication
        if kind == "until_set_up":
            return not (off_session and self.set_up)
        return kind == "always" or kind == "on_session" and not off_session
