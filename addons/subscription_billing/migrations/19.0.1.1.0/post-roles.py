from odoo import SUPERUSER_ID, api

PATHS = {
    "subscription_subscription_portal_rule": "commercial_partner_id",
    "subscription_period_portal_rule": "subscription_id.commercial_partner_id",
    "subscription_change_portal_rule": "subscription_id.commercial_partner_id",
}


def migrate(cr, version):
    """Show a company's subscriptions to those who have a role there only."""
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name, path in PATHS.items():
        rule = env.ref(f"subscription_billing.{name}", raise_if_not_found=False)
        if rule:
            rule.domain_force = (
                f'["|", ("{path}.may_bill_ids", "in", user.partner_id.ids), '
                f'("{path}.may_develop_ids", "in", user.partner_id.ids)]')
