{
    "name": "European Invoices",
    "summary": "VAT of the European Union, Factur-X of the French reform, deferred revenue, "
    "analytic accounts and FEC",
    "version": "19.0.1.0.0",
    "category": "Accounting/Localizations",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["l10n_eu_oss", "legal_invoice", "sale"],
    "data": [
        "security/ir.model.access.csv",
        "security/invoice_europe_rules.xml",
        "data/res_country_group_data.xml",
        "data/ir_cron_data.xml",
        "wizard/l10n_fr_fec_export_wizard_views.xml",
        "views/facturx_templates.xml",
        "views/revenue_deferral_views.xml",
        "views/vat_evidence_views.xml",
        "views/account_move_views.xml",
        "views/res_config_settings_views.xml",
        "views/invoice_europe_menus.xml",
    ],
    "post_init_hook": "post_init_hook",
}
