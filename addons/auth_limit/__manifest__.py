{
    "name": "Limits of Sign-in and Sign-up",
    "summary": "Bounds on sign-in, sign-up and password reset, and answers that do not tell "
    "whether an address has an account",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["auth_signup"],
    "data": [
        "security/ir.model.access.csv",
        "data/mail_template_data.xml",
        "data/ir_cron_data.xml",
        "views/auth_signup_templates.xml",
        "views/res_config_settings_views.xml",
    ],
    "uninstall_hook": "uninstall_hook",
}
