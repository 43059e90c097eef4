from odoo.exceptions import UserError


class QuotaReached(UserError):
    """The hard limit of a metric would be passed; nothing was counted."""
