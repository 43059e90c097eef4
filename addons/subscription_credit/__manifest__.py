{
    "name": "Subscriptions that Grant Credits",
    "summary": "Plans whose periods add credits to the customer's wallet, in step with the "
    "accounts",
    "version": "19.0.1.1.0",
    "category": "Sales/Subscriptions",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["credit_wallet", "subscription_billing"],
    "data": [
        "data/mail_template_data.xml",
        "views/credit_debt_views.xml",
        "views/credit_entry_views.xml",
        "views/subscription_plan_views.xml",
        "views/subscription_period_views.xml",
        "views/subscription_subscription_views.xml",
        "views/portal_templates.xml",
    ],
    "auto_install": True,
}
