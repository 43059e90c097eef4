{
    "name": "Concurrency Base",
    "summary": "What keeps apart those who do the same thing at the same moment: queues, row "
    "locks, mails after the effect of a payment",
    "version": "19.0.1.1.0",
    "category": "Technical",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["sale"],
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
}
