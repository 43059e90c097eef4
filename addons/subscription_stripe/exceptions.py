from odoo.exceptions import UserError, ValidationError


class StripeRefused(ValidationError):
    """Stripe answered no; `error` is its error object."""

    def __init__(self, message, error):
        super().__init__(message)
        self.error = error

    @property
    def intent(self):
        """Return the payment intent that a refused charge leaves behind, or None."""
        return self.error.get("payment_intent")


class StripeUnknown(ValidationError):
    """No answer, or none that says whether the request had an effect."""


class AnswerMissing(UserError):
    """Stripe has not answered: a card may or may not have been charged."""


class SignatureRefused(Exception):
    """A notification that nobody who knows a signing secret has sent."""


class EventIgnored(UserError):
    """An event that concerns nothing of this database; the argument says why."""


class EventRefused(UserError):
    """An event that trying again will not mend: staff have to look at it."""
