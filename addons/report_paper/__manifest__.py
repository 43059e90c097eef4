{
    "name": "Paper: PDF Reports by WeasyPrint",
    "summary": "Header and footer on every page, page numbers, totals carried over, PDF/A-3; "
    "wkhtmltopdf stays one setting away",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["web", "base_setup"],
    "external_dependencies": {"python": ["weasyprint>=68.1"]},
    "data": [
        "data/ir_config_parameter_data.xml",
        "views/ir_actions_report_views.xml",
        "views/res_config_settings_views.xml",
    ],
}
