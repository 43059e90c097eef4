"""One process that fills a database, or bills what is due in it, turn by turn, and times it."""

import argparse
import json
import sys
import time

from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config

from benchmarks.billing_sides import SIDES, make_customers

PART = 1_000  # subscriptions made in a transaction


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
            side.prepare(env)
            for start in range(0, options.fill, PART):
                side.fill(env, make_customers(env, start, min(PART, options.fill - start)))
                cr.commit()
            return
        print("ready", flush=True)
        for line in sys.stdin:  # a turn: how many to bill
            queries, started = cr.sql_log_count, time.perf_counter()
            side.bill(env, int(line))
            print(json.dumps({"seconds": time.perf_counter() - started,
                              "queries": cr.sql_log_count - queries}), flush=True)


if __name__ == "__main__":
    main()
