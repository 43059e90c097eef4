{
    "name": "Extra Units Paid with Credits",
    "summary": "Packs of extra units of a subscription, paid from the customer's wallet",
    "version": "19.0.1.0.0",
    "category": "Sales/Subscriptions",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["credit_wallet", "subscription_quota"],
    "data": [
        "security/ir.model.access.csv",
        "wizard/quota_credit_purchase_views.xml",
        "views/subscription_subscription_views.xml",
        "views/product_template_views.xml",
        "views/portal_templates.xml",
    ],
    "auto_install": True,
}
