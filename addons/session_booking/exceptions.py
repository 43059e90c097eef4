from odoo.exceptions import UserError


class SessionUnavailable(UserError):
    """The session cannot be booked: past, cancelled, without a price, or already booked."""


class SessionFull(SessionUnavailable):
    """No seat is left; nothing was written."""
