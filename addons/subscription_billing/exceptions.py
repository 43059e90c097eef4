from odoo.exceptions import UserError


class WrongState(UserError):
    """The subscription is not in a state that allows the operation."""


class PreviewMismatch(UserError):
    """A document would not carry the amounts shown before it was confirmed."""
