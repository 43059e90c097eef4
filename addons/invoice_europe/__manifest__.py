{
    "name": "European Invoices",
    "summary": "VAT of the European Union, Factur-X of the French reform, deferred revenue, "
    "analytic accounts and FEC",
    "version": "19.0.1.0.0",
    "category": "Accounting/Localizations",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["account_payment", "l10n_eu_oss", "l10n_fr_account", "sale"],
    "data": [],
}
