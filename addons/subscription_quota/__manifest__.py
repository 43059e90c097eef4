{
    "name": "Quotas of Subscriptions",
    "summary": "What a plan allows, counted exactly: limits, extra units, alerts, an HTTP API "
    "with its keys",
    "version": "19.0.1.1.0",
    "category": "Sales/Subscriptions",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["subscription_billing"],
    "data": [
        "security/ir.model.access.csv",
        "security/subscription_quota_rules.xml",
        "data/quota_mail_template_data.xml",
        "data/quota_cron_data.xml",
        "views/quota_views.xml",
        "views/quota_status_views.xml",
        "views/quota_menus.xml",
        "views/res_config_settings_views.xml",
        "views/portal_quota_templates.xml",
        "views/portal_quota_key_templates.xml",
    ],
    "uninstall_hook": "uninstall_hook",
}
