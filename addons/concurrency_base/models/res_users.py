from markupsafe import Markup

from odoo import models


class ResUsers(models.Model):
    _inherit = "res.users"

    def write(self, vals):
        """Sign with the new name whoever signed with the old one.

        Odoo signs with the first name for ever, so the administrator of each database would be
        « Administrator » to their customers.
        """
        named = self.filtered(
            lambda user: user.signature in _signatures(user)) if vals.get("name") else self.browse()
        result = super().write(vals)
        if "signature" not in vals:
            for user in named:
                user.signature = Markup("<div>%s</div>") % user.name
        return result


def _signatures(user):
    """Return the signatures that nobody wrote: the name, or the one it has at installation."""
    return [Markup("<div>%s</div>") % name for name in (user.name, "Administrator")]
