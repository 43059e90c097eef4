from odoo.exceptions import UserError


class InsufficientCredits(UserError):
    """A debit asks for more credits than the wallet holds; nothing was written."""


class IdempotencyConflict(UserError):
    """A known idempotency key came back with another wallet, kind or amount."""
