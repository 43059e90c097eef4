from odoo import SUPERUSER_ID, api

PATHS = {
    "quota_grant_portal_rule": "subscription_id.commercial_partner_id",
    "quota_counter_portal_rule": "subscription_id.commercial_partner_id",
    "quota_usage_day_portal_rule": "subscription_id.commercial_partner_id",
}


def migrate(cr, version):
    """Show a company's use to those who have a role there only."""
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    for name, path in PATHS.items():
        rule = env.ref(f"subscription_quota.{name}", raise_if_not_found=False)
        if rule:
            rule.domain_force = (
                f'["|", ("{path}.may_bill_ids", "in", user.partner_id.ids), '
                f'("{path}.may_develop_ids", "in", user.partner_id.ids)]')
