{
    "name": "No Guard",
    "summary": "Negative control: bookings trust counts and balances that were read before",
    "version": "19.0.1.0.0",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["session_booking"],
    "installable": False,  # loaded by servers of the tests, never installed
}
