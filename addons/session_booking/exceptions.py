from odoo.addons.credit_wallet.exceptions import ShownError


class SessionUnavailable(ShownError):
    """The session cannot be booked: past, cancelled, without a price, or already booked."""


class SessionFull(SessionUnavailable):
    """No seat is left; nothing was written."""
