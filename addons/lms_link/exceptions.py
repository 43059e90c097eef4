from odoo.exceptions import UserError


class LinkReplaced(UserError):
    """The link was ours, but a newer one was sent since."""
