{
    "name": "European Invoices of Subscriptions",
    "summary": "Days of service on invoice lines, spread over months; an analytic account a plan",
    "version": "19.0.1.0.0",
    "category": "Accounting/Localizations",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["invoice_europe", "subscription_billing"],
    "auto_install": True,
}
