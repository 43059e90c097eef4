"""Compiles the style sheets and scripts of the website and the back office into a database.

Odoo compiles them at the first page; done beforehand, the first visitor of the demo and of every
test database does not wait half a minute for a page that answers clicks.
"""

import sys

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config

WEBSITE = {"web.assets_frontend": "css", "web.assets_frontend_minimal": "js",
           "web.assets_frontend_lazy": "js"}
BACK_OFFICE = {"web.assets_web": "css js", "web.assets_web_print": "css"}
REPORTS = {"web.report_assets_pdf": "css", "web.report_assets_common": "css"}


def compile_bundles(env, bundles, **options):
    """Compile bundles of assets, and keep them in the database.

    :param dict bundles: their names, each with its kinds, ``css``, ``js`` or both
    """
    for name, kinds in bundles.items():
        for kind in kinds.split():
            bundle = env["ir.qweb"]._get_asset_bundle(
                name, css=kind == "css", js=kind == "js", **options)
            getattr(bundle, kind)()


def main(arguments):
    """Compile the bundles of the back office, of reports and of each website."""
    config.parse_config(arguments, setup_logging=True)
    with Registry(config["db_name"][0]).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        compile_bundles(env, BACK_OFFICE)
        compile_bundles(env, REPORTS, autoprefix=True)
        for website in env["website"].search([]):
            compile_bundles(env(context={"website_id": website.id}), WEBSITE)


if __name__ == "__main__":
    main(sys.argv[1:])
