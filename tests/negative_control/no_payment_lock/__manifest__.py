{
    "name": "No Payment Lock",
    "summary": "Negative control: nobody waits or asks again when others work on the payment",
    "version": "19.0.1.0.0",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["concurrency_base", "subscription_stripe"],
    "installable": False,  # loaded by servers of the tests, never installed
}
