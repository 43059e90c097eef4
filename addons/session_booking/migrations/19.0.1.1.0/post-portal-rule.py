from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Stop showing the seats of all employees to colleagues who may spend; managers see them."""
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    rule = env.ref("session_booking.event_registration_portal_rule", raise_if_not_found=False)
    if rule:
        rule.domain_force = (
            '["|", ("partner_id", "=", user.partner_id.id), '
            '("credit_entry_id.wallet_id.manager_ids", "in", user.partner_id.ids)]')
