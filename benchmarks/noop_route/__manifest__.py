{
    "name": "No-op Route",
    "summary": "A signed-in request that does nothing: what the quota API is measured beside",
    "version": "19.0.1.0.0",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["web"],
    "installable": False,  # loaded by the servers of `make bench-quota`, never installed
}
