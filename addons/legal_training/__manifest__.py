{
    "name": "Legal Mentions of Training Bodies (France)",
    "summary": "The declaration of activity on the invoices of a training body",
    "version": "19.0.1.0.0",
    "category": "Accounting/Localizations",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["legal_invoice", "session_booking"],
    "data": ["views/res_config_settings_views.xml"],
    "auto_install": True,
}
