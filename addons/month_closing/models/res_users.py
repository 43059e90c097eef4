from odoo import models

# Told by identity: the context of a call from outside comes as JSON, which cannot express it.
MARK = object()
KEY = "reads_integrity"


def reads_integrity(records):
    """Return the records in an environment where an accounting administrator may check hashes."""
    return records.with_context(**{KEY: MARK})


class ResUsers(models.Model):
    _inherit = "res.users"

    def has_group(self, group_ext_id):
        """Take an accounting administrator for an accountant while hashes are checked."""
        if (group_ext_id == "account.group_account_user"
                and self.env.context.get(KEY) is MARK
                and super().has_group("account.group_account_manager")):
            return True
        return super().has_group(group_ext_id)
