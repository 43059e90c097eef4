{
    "name": "Legal Mentions of Invoices (France)",
    "summary": "What French law asks for on an invoice, checked when it is typed and printed by "
    "itself",
    "version": "19.0.1.0.0",
    "category": "Accounting/Localizations",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["account_payment", "base_iban", "base_vat", "l10n_fr_account", "report_paper"],
    "data": [],
}
