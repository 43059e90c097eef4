from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Let updates renew the mail templates that only the server has written so far."""
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    untouched = env["mail.template"].with_context(active_test=False).search(
        [("write_uid", "=", SUPERUSER_ID)])
    untouched._identifiers().noupdate = False
