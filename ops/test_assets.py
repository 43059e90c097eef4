"""Compiles every bundle of scripts and style sheets into a database.

Odoo's test runner does so before the tests of screens, half a minute in each of its runs; it finds
them done in copies of this database.
"""

import sys

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config


def main(arguments):
    """Compile the bundles of assets that tests need."""
    config.parse_config(arguments, setup_logging=True)
    with Registry(config["db_name"][0]).cursor() as cr:
        api.Environment(cr, SUPERUSER_ID, {})["ir.qweb"]._pregenerate_assets_bundles()


if __name__ == "__main__":
    main(sys.argv[1:])
