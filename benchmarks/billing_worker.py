"""One process that fills a database, or bills what is due in it, and says how long it took."""

import argparse
import json
import sys
import time

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config

from benchmarks.billing_sides import SIDES


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--side", choices=SIDES, required=True)
    parser.add_argument("--fill", type=int, help="how many subscriptions; else bill")
    options, odoo_options = parser.parse_known_args()
    config.parse_config([*odoo_options, "--log-level=error"], setup_logging=True)
    side = SIDES[options.side]()
    with Registry(config["db_name"][0]).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {"lang": "en_US", "tz": "Europe/Paris"})
        if options.fill:
            side.fill(env, options.fill)
            return
        print("ready", flush=True)
        sys.stdin.readline()  # all workers start at once
        queries, started = cr.sql_log_count, time.perf_counter()
        side.bill(env)
        print(json.dumps({"seconds": time.perf_counter() - started,
                          "queries": cr.sql_log_count - queries}), flush=True)


if __name__ == "__main__":
    main()
