{
    "name": "No Wallet Guard",
    "summary": "Negative control: balances are read, changed in Python and written back",
    "version": "19.0.1.0.0",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["session_booking"],
    "installable": False,  # loaded by servers of the tests, never installed
}
