{
    "name": "Legal Mentions of Invoices (France)",
    "summary": "What French law asks for on an invoice, checked when it is typed and printed by "
    "itself",
    "version": "19.0.1.0.0",
    "category": "Accounting/Localizations",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["account_payment", "base_iban", "base_vat", "l10n_fr_account", "report_paper"],
    "external_dependencies": {"python": ["python-stdnum"]},
    "data": [
        "security/ir.model.access.csv",
        "data/ir_cron_data.xml",
        "data/ir_actions_report_data.xml",
        "wizard/legal_check_views.xml",
        "wizard/legal_invoice_download_views.xml",
        "views/account_move_views.xml",
        "views/res_company_views.xml",
        "views/res_config_settings_views.xml",
        "views/vies_answer_views.xml",
        "views/portal_templates.xml",
        "report/report_invoice.xml",
    ],
}
