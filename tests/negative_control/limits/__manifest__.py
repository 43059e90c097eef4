{
    "name": "Limits",
    "summary": "For tests: pages that take longer and more memory than a server allows",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "installable": False,
}
