{
    "name": "Closing of the Month",
    "summary": "One page a month for accountants: what is to be done, what agrees, the lines of "
    "the VAT return, lock dates and exports",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["concurrency_base", "invoice_europe", "report_paper"],
    "external_dependencies": {"python": ["xlsxwriter"]},
    "data": [
        "security/ir.model.access.csv",
        "wizard/month_lock_views.xml",
        "report/month_closing_report.xml",
        "views/month_closing_menus.xml",
    ],
    "assets": {"web.assets_backend": ["month_closing/static/src/page/*"]},
}
