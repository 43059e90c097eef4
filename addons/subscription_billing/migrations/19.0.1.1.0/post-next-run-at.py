from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Find subscriptions whose next day was computed otherwise by an earlier version."""
    if not version:
        return
    api.Environment(cr, SUPERUSER_ID, {})["subscription.run"]._repair_next_run_at()
