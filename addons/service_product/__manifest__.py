{
    "name": "Services on Invoices",
    "summary": "A service is sold with the taxes and the account of services, whoever creates it, "
    "and a set-up that would print something else is said before it does",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["account"],
    "data": ["views/product_template_views.xml"],
    "post_init_hook": "post_init_hook",
}
