{
    "name": "Roles of a Company's People",
    "summary": "Who acts for a customer that is a company: managers, billing, developers, "
    "learners",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["account_payment", "concurrency_base", "portal", "sale"],
    "data": [
        "security/ir.model.access.csv",
        "security/company_role_rules.xml",
        "views/res_partner_views.xml",
        "views/portal_templates.xml",
    ],
    "post_init_hook": "post_init_hook",
}
