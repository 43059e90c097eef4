{
    "name": "Stripe for Subscriptions",
    "summary": "An inbox for what Stripe tells, charges whose answer was lost, and a nightly "
    "comparison with Stripe's own list",
    "version": "19.0.1.0.0",
    "category": "Sales/Subscriptions",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["payment_stripe", "subscription_quota"],
    "external_dependencies": {"python": ["stripe"]},
    "data": [
        "security/ir.model.access.csv",
        "security/subscription_stripe_rules.xml",
        "data/ir_cron_data.xml",
        "views/stripe_event_views.xml",
        "views/stripe_health_views.xml",
        "views/stripe_difference_views.xml",
        "views/payment_provider_views.xml",
        "views/account_move_views.xml",
        "views/subscription_stripe_menus.xml",
    ],
}
