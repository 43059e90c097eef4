{
    "name": "Closing of the Month: Stripe",
    "summary": "The month's statement of Stripe, its fees and payouts on the page of the month",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["month_closing", "subscription_stripe"],
    "auto_install": True,
}
