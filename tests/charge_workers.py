"""Processes that charge what is due, to be killed while they do.

``python -m tests.charge_workers DATABASE`` loads Odoo once; then, for each line on its standard
input, a fork runs the scheduled action once, and its number is printed.
"""

import os
import signal
import sys


def charge(database):
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry

    with Registry(database).cursor() as cr:
        api.Environment(cr, SUPERUSER_ID, {})["subscription.period"]._cron_charge()


def fork(database):
    from odoo import sql_db

    sql_db.close_all()  # a connection belongs to one process
    child = os.fork()
    if not child:
        try:
            charge(database)
        finally:
            os._exit(0)
    return child


def main():
    from odoo.modules.registry import Registry
    from odoo.tools import config

    database, *odoo_options = sys.argv[1:]
    config.parse_config([*odoo_options, "-d", database], setup_logging=True)
    Registry(database)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for _line in sys.stdin:
        print(fork(database), flush=True)


if __name__ == "__main__":
    main()
