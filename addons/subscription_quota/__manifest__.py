{
    "name": "Subscriptions and Quotas",
    "summary": "Plans, subscriptions that bill each period exactly once, changes prorated by "
    "the day",
    "version": "19.0.1.0.0",
    "category": "Sales/Subscriptions",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["account_payment", "portal", "website_sale"],
    "data": [
        "security/subscription_quota_groups.xml",
        "security/ir.model.access.csv",
        "security/subscription_quota_rules.xml",
        "data/ir_sequence_data.xml",
        "data/mail_template_data.xml",
        "data/ir_cron_data.xml",
        "views/subscription_subscription_views.xml",
    ],
    "application": True,
}
