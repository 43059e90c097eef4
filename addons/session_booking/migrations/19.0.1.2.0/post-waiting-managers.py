from odoo import SUPERUSER_ID, api

RULE = (
    '["|", ("partner_id", "=", user.partner_id.id), '
    '("wallet_id.manager_ids", "in", user.partner_id.ids)]')
MAILS = ("offer", "skipped", "lapsed", "closed")
FORMER = "{{ object.partner_id.id }}"
RECIPIENTS = "{{ ','.join(map(str, object._recipients().ids)) }}"


def migrate(cr, version):
    """Let managers see the employees they put in line, and mail them when a seat is held."""
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    rule = env.ref("session_booking.session_waiting_portal_rule", raise_if_not_found=False)
    if rule:
        rule.domain_force = RULE
    for name in MAILS:
        template = env.ref(
            f"session_booking.mail_template_waiting_{name}", raise_if_not_found=False)
        if template and template.partner_to == FORMER:
            template.partner_to = RECIPIENTS
