"""Processes that renew the same subscriptions at once, and are killed while they do.

``python -m tests.billing_workers DATABASE --count N --workers W --kills K`` prepares N
subscriptions that are due, loads Odoo once, forks W workers, and sends SIGKILL to one of them
every few moments; a new one takes its place. It prints a line of JSON when nothing is due.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from datetime import timedelta

import psycopg2

BATCH = 10


def environment(cr):
    from odoo import SUPERUSER_ID, api

    return api.Environment(cr, SUPERUSER_ID, {})


def prepare(env, count):
    """Make subscriptions whose next period starts today, as a company that moves in has them."""
    today = env["subscription.subscription"].new({"tz": "Europe/Paris"})._today()
    plan = env["subscription.plan"].create({
        "name": f"Run of {count}",
        "price_ids": [(0, 0, {"interval_unit": "month", "amount": 100.0})]})
    country = env.ref("base.fr")
    customers = env["res.partner"].create([{
        "name": f"Customer {number}", "email": f"customer{number}@example.com",
        "street": "1 rue du Test", "zip": "69001", "city": "Lyon", "country_id": country.id,
    } for number in range(count)])
    subscriptions = env["subscription.subscription"].create([{
        "partner_id": customer.id, "plan_id": plan.id, "price_id": plan.price_ids.id,
        "tz": "Europe/Paris"} for customer in customers])
    subscriptions.write({
        "state": "active", "anchor_date": today - timedelta(days=28), "next_date": today,
        "token_id": False})
    for subscription in subscriptions:
        subscription.anchor_date = today
    return subscriptions


def renew(database):
    """Renew until nothing is due, as a worker of the scheduled action does."""
    from odoo.modules.registry import Registry

    registry = Registry(database)
    while True:
        with registry.cursor() as cr:
            env = environment(cr)
            try:
                env["subscription.run"]._cron_renew(limit=BATCH)
                if not env["subscription.run"]._count_due():
                    return
            except psycopg2.errors.SerializationFailure:
                cr.rollback()


def fork(database):
    from odoo import sql_db

    sql_db.close_all()  # a connection belongs to one process
    child = os.fork()
    if not child:
        status = 1
        try:
            renew(database)
            status = 0
        finally:
            os._exit(status)
    return child


def supervise(options):
    """Run workers and kill some; return how many were killed while they worked."""
    chance = random.Random(options.seed)
    children = [fork(options.database) for _worker in range(options.workers)]
    killed = 0
    deadline = time.monotonic() + options.timeout
    while children and time.monotonic() < deadline:
        time.sleep(chance.uniform(0.2, 1.2))
        if killed < options.kills:
            victim = chance.choice(children)
            os.kill(victim, signal.SIGKILL)
        for child in list(children):
            done, status = os.waitpid(child, os.WNOHANG)
            if not done:
                continue
            children.remove(child)
            if os.WIFSIGNALED(status):
                killed += 1
                children.append(fork(options.database))
            elif os.WEXITSTATUS(status):
                sys.exit(f"a worker failed: {status}")
    return killed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--timeout", type=int, default=1800)
    options, odoo_options = parser.parse_known_args()

    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config([*odoo_options, "-d", options.database], setup_logging=True)
    with Registry(options.database).cursor() as cr:
        prepare(environment(cr), options.count)
    started = time.monotonic()
    killed = supervise(options)
    print(json.dumps({"killed": killed, "seconds": round(time.monotonic() - started, 1)}))


if __name__ == "__main__":
    main()
