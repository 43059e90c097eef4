{
    "name": "No Room for a Payment",
    "summary": "Negative control: an attempt to pay an invoice is not given up for another one",
    "version": "19.0.1.0.0",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["subscription_billing"],
    "installable": False,  # loaded by servers of the tests, never installed
}
