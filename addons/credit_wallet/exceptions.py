from odoo.exceptions import UserError


class ShownError(UserError):
    """An error the web client shows as a UserError.

    The client knows exceptions by the name of their class. For any other, it says "something went
    wrong" and hides the message, unless the context names a class it knows.
    """

    context = {"exception_class": "odoo.exceptions.UserError"}


class InsufficientCredits(ShownError):
    """A debit of more credits than the wallet holds; nothing was written."""


class IdempotencyConflict(ShownError):
    """A known idempotency key that came back with another wallet, kind or amount."""
