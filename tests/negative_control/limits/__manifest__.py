{
    "name": "Limits",
    "summary": "For tests: pages that take longer and more memory than a server allows",
    "version": "19.0.1.0.0",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["web"],
    "installable": False,  # loaded by servers of the tests, never installed
}
