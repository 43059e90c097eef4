from odoo.exceptions import UserError


class LinkReplaced(UserError):
    """A link that was valid until a newer one was sent."""
