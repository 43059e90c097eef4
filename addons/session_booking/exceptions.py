from odoo.addons.credit_wallet.exceptions import ShownError


class SessionUnavailable(ShownError):
    """A session that cannot be booked: past, cancelled, without a price, or already booked."""


class SessionFull(SessionUnavailable):
    """A session with no seat left; nothing was written."""
