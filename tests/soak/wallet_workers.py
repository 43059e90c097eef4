"""Processes that move credits at random, and are killed while they do.

``python -m tests.soak.wallet_workers`` loads Odoo once, forks workers, and kills one of them with
SIGKILL every few moments; a new one takes its place. A worker writes what it is about to do in
a journal before, and what came of it after; the one that replaces it does the unfinished line
again under the same key, as a browser or a queue would. So at the end the ledger must hold
exactly what the journals say, neither less nor more.
"""

import argparse
import json
import logging
import os
import random
import signal
import time
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import psycopg2

DAY = 2.0  # seconds: time flies, so that lots expire under the workers' hands
FIRST_DAY = date(2040, 1, 1)
WEIGHTS = {"grant": 30, "spend": 50, "reverse": 17, "expire": 3}


class Journal:
    """What one worker and its successors planned and did, one line each."""

    def __init__(self, path):
        self.path = Path(path)
        self.path.touch()

    def write(self, word, plan, **more):
        line = json.dumps({**plan, **more, "word": word}) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        os.write(file, line.encode())  # one system call: a kill leaves it whole or absent
        os.close(file)

    def lines(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def unfinished(self):
        """Return the plan of which nothing more is known, if there is one."""
        lines = self.lines()
        return lines[-1] if lines and lines[-1]["word"] == "plan" else None

    def __len__(self):
        """Count the operations that came to an end."""
        return sum(line["word"] != "plan" for line in self.lines())


class Worker:
    """One process with its own connections: plans, does, notes, again and again."""

    def __init__(self, options, slot, generation):
        from odoo.modules.registry import Registry

        self.registry = Registry(options.database)
        self.wallets = options.wallets
        self.journal = Journal(options.folder / f"worker-{slot}.jsonl")
        self.name = f"{slot}.{generation}"
        self.random = random.Random(f"{options.seed}.{self.name}")
        begin = options.begin
        self.registry["res.company"]._credit_today = lambda self: (
            FIRST_DAY + timedelta(days=int((time.time() - begin) / DAY)))

    def run(self):
        if plan := self.journal.unfinished():
            self.do(plan)
        number = 0
        while True:
            number += 1
            plan = {
                "key": f"worker:{self.name}:{number}",
                "name": self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0],
                "wallet": self.random.choice(self.wallets),
                "credits": self.random.randint(1, 5),
                "days": self.random.choice([None, 1, 2, 5, 20]),
                "queue": self.random.random() < 0.5,
                "pick": self.random.random(),
            }
            self.journal.write("plan", plan)
            self.do(plan)

    def do(self, plan):
        """Do one operation in one transaction with Odoo's retries, like a request."""
        from odoo import SUPERUSER_ID, api
        from odoo.exceptions import UserError
        from odoo.service.model import retrying

        from odoo.addons.concurrency_base.tools import take_turn

        try:
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                wallet = env["credit.wallet"].browse(plan["wallet"])
                if plan["queue"]:
                    take_turn(env, wallet)
                credits = retrying(partial(getattr(self, plan["name"]), wallet, plan), env)
            self.journal.write("done", plan, moved=credits)
        except UserError as error:
            self.journal.write("refused", plan, why=str(error))
        except psycopg2.errors.SerializationFailure:  # five tries: the caller asks again
            self.do(plan)

    def grant(self, wallet, plan):
        days = plan["days"]
        return wallet._grant(
            plan["credits"], 0.0, plan["key"], kind="adjustment", reason="Test",
            expiry_date=days and wallet.company_id._credit_today() + timedelta(days=days),
        ).credits

    def spend(self, wallet, plan):
        return wallet._spend(plan["credits"], plan["key"]).credits

    def reverse(self, wallet, plan):
        """Reverse one of the last spends; the same one when the plan is done again."""
        known = wallet.entry_ids.search([("idempotency_key", "=", plan["key"])])
        entries = known.reversed_entry_id or wallet.entry_ids.search(
            [("wallet_id", "=", wallet.id), ("kind", "=", "booking")], limit=8)
        if not entries:
            return 0
        return entries[int(plan["pick"] * len(entries))]._reverse(plan["key"]).credits

    def expire(self, wallet, plan):
        return sum(wallet._expire_lots().mapped("credits"))


def warm_up(registry, wallet_id):
    """Do one of each operation and roll back, so that workers are born with filled caches."""
    from odoo import SUPERUSER_ID, api

    with registry.cursor() as cr:
        wallet = api.Environment(cr, SUPERUSER_ID, {})["credit.wallet"].browse(wallet_id)
        wallet._grant(1, 0.0, "warm:1", kind="adjustment", reason="Test")
        wallet._spend(1, "warm:2")._reverse("warm:3")
        wallet.env.flush_all()
        cr.rollback()


def fork(options, slot, generation):
    """Start a worker in its own process. The parent holds no connection it could share."""
    pid = os.fork()
    if pid:
        return pid
    try:
        Worker(options, slot, generation).run()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(1)  # a worker ends by SIGKILL only: anything else is an error


def main(options):
    """Run, kill and replace workers until they did enough.

    Prints how many operations came to an end and how many workers were killed.
    """
    from odoo import sql_db
    from odoo.modules.registry import Registry
    from odoo.tools import config

    from ops import database

    config.parse_config([*database.odoo_options(), "-d", options.database], setup_logging=False)
    logging.getLogger("odoo.sql_db").setLevel(logging.CRITICAL)  # what is tried again is no news
    options.begin = time.time()
    warm_up(Registry(options.database), options.wallets[0])
    sql_db.close_all()
    chance = random.Random(options.seed)
    workers = {slot: fork(options, slot, 0) for slot in range(options.workers)}
    kills = 0
    while True:
        time.sleep(chance.uniform(0.5, 2))
        done = sum(
            len(Journal(options.folder / f"worker-{slot}.jsonl")) for slot in range(
                options.workers))
        slots = list(workers) if done >= options.operations else [chance.choice(list(workers))]
        for slot in slots:
            os.kill(workers[slot], signal.SIGKILL)
            _pid, status = os.waitpid(workers.pop(slot), 0)
            assert os.WIFSIGNALED(status), f"worker {slot} ended by itself: read its error"
            kills += 1
        if not workers:
            break
        workers.update({slot: fork(options, slot, kills) for slot in slots})
    finish(options)
    print(json.dumps({"kills": kills, "seconds": round(time.time() - options.begin)}))


def finish(options):
    """Do what the last ones killed left undone."""
    for slot in range(options.workers):
        worker = Worker(options, slot, "last")
        if plan := worker.journal.unfinished():
            worker.do(plan)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--wallets", required=True, type=int, nargs="+")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--seed", default="19")
    main(parser.parse_args())
