"""10,000 operations while everything that runs them is killed with SIGKILL, again and again."""

import json
import os
import random
import subprocess
import threading
import time
from collections import Counter

import pytest
import requests

from ops import paths
from tests import invariants
from tests.house import field
from tests.soak.house import DoomedHouse
from tests.soak.wallet_workers import Journal

OPERATIONS = 10_000
WORKERS = 4
WALLETS = 100
CUSTOMERS = 2
SECONDS_BETWEEN_KILLS = 5  # mostly of one worker of the server, at times of the whole server


@pytest.fixture
def doomed_house(tmp_path):
    """Start a server with three HTTP workers, as in production, all of which will be killed.

    Without scheduled actions, which have their own tests.
    """
    made = DoomedHouse("caps_test_kill", tmp_path, processes=1, crons=0)
    yield made.start()
    made.stop()


def give_wallets(house, count):
    """Make wallets with 10 credits each; return their ids."""
    with house.env() as env:
        partners = env["res.partner"].create(
            [{"name": f"Portefeuille {number}"} for number in range(count)])
        wallets = env["credit.wallet"].create([{"partner_id": one.id} for one in partners])
        for wallet in wallets:
            wallet._grant(10, 0.0, f"test:{wallet.id}", kind="adjustment", reason="Test")
        return wallets.ids


def buy(house, visitor):
    """Sell packs paid in the back office, at a price that does not divide into cents."""
    with house.env() as env:
        pack = env["product.product"].search([("credit_count", "=", 10)], limit=1)
        order = env["sale.order"].create({
            "partner_id": visitor.partner_id,
            "order_line": [(0, 0, {"product_id": pack.id, "product_uom_qty": 2,
                                   "price_unit": 83.37})]})
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create({})._create_payments()


class Customer(threading.Thread):
    """Books and cancels by HTTP, and asks again when the server dies before it answers."""

    def __init__(self, house, visitor, sessions, stop):
        super().__init__(daemon=True)
        self.house, self.visitor, self.sessions, self.stop = house, visitor, sessions, stop
        self.random = random.Random(visitor.partner_id)
        self.counted = Counter()
        self.booked = {}  # booking's number by session
        self.errors = []

    def run(self):
        try:
            while not self.stop.is_set():
                session = self.random.choice(self.sessions)
                if session in self.booked:
                    self.cancel(session)
                else:
                    self.book(session)
        except BaseException as error:
            self.errors.append(repr(error))
            raise

    def ask(self, action):
        """Return the answer of the first worker that lives long enough to give one.

        On a busy machine a request takes longer than most workers live: it is asked many times.
        """
        deadline = time.monotonic() + 600
        while True:
            try:
                answer = action()
            except requests.RequestException:
                self.counted["unanswered"] += 1
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.1)
                continue
            assert answer.status_code < 500, answer.text[:2000]
            return answer

    def book(self, session):
        page = self.ask(lambda: self.visitor.get(f"/trainings/{session}"))
        if 'name="token"' not in page.text:
            self.counted["no form"] += 1  # not enough credits, or full
            return
        form = {name: field(page.text, name) for name in ("csrf_token", "token", "price")}
        answer = self.ask(lambda: self.visitor.post(
            f"/trainings/{session}/book", form, allow_redirects=False))
        if answer.status_code == 303:
            location = answer.headers["Location"]
            self.booked[session] = int(location.split("/my/trainings/")[1].split("?")[0])
            self.counted["booked"] += 1
        else:
            self.counted["refused"] += 1

    def cancel(self, session):
        registration = self.booked.pop(session)
        path = f"/my/trainings/{registration}"
        page = self.ask(lambda: self.visitor.get(path))
        answer = self.ask(lambda: self.visitor.post(
            f"{path}/cancel", {"csrf_token": field(page.text, "csrf_token")},
            allow_redirects=False))
        assert answer.status_code == 303, answer.text[:2000]
        self.counted["cancelled"] += 1


def kill_servers(house, over):
    """Kill until it is over: mostly a worker in the middle of its request, at times all.

    :return: how many of them were killed
    """
    chance = random.Random(19)
    kills = Counter()
    while not over(SECONDS_BETWEEN_KILLS * chance.uniform(0.5, 1.5)):
        if (kills["HTTP workers"] + 5) % 10:
            house.kill_worker(0, chance)
            kills["HTTP workers"] += 1
        else:
            house.kill(0)
            house.restart(0)
            kills["servers"] += 1
            kills["HTTP workers"] += 1
    return kills


def assert_ledger_is_what_the_journals_say(house, journals):
    """Check that what was acknowledged is there, once; what was refused left no trace.

    :return: how many operations came to an end, by outcome
    """
    ledger = dict(house.rows("SELECT idempotency_key, credits FROM credit_entry "
                             "WHERE idempotency_key LIKE 'worker:%'"))
    outcomes = Counter()
    for journal in journals:
        assert not journal.unfinished()
        for line in journal.lines():
            if line["word"] == "plan":
                continue
            moved = line.get("moved", 0)
            outcomes[line["name"] if moved else f"{line['name']} refused or nothing to do"] += 1
            if line["name"] != "expire":
                assert ledger.pop(line["key"], 0) == moved, line
    assert not ledger, f"in the ledger, but in no journal: {dict(list(ledger.items())[:5])}"
    return outcomes


def test_ten_thousand_operations_under_kill_nine(doomed_house, tmp_path):
    """Whatever is killed whenever: all that was acknowledged is there, nothing is done twice."""
    house = doomed_house
    wallets = give_wallets(house, WALLETS)
    visitors = [house.customer() for _customer in range(CUSTOMERS)]
    for visitor in visitors:
        buy(house, visitor)
    sessions = [house.session(capacity=2, price=price) for price in (1, 2, 3) * 4]

    stop = threading.Event()
    customers = [Customer(house, visitor, sessions, stop) for visitor in visitors]
    for customer in customers:
        customer.start()
    workers = subprocess.Popen(
        [str(paths.PYTHON), "-m", "tests.soak.wallet_workers", "--database", house.name,
         "--folder", str(tmp_path), "--workers", str(WORKERS),
         "--operations", str(OPERATIONS), "--wallets", *map(str, wallets)],
        cwd=paths.ROOT, env=os.environ.copy(), stdout=subprocess.PIPE, text=True)

    def over(seconds):
        try:
            return workers.wait(seconds) is not None
        except subprocess.TimeoutExpired:
            return False

    server_kills = kill_servers(house, over)
    stop.set()
    for customer in customers:
        customer.join()
    assert workers.returncode == 0, "a worker ended by itself; its error is above"
    report = json.loads(workers.stdout.read().splitlines()[-1])

    journals = [Journal(tmp_path / f"worker-{slot}.jsonl") for slot in range(WORKERS)]
    outcomes = assert_ledger_is_what_the_journals_say(house, journals)
    assert not [error for customer in customers for error in customer.errors]
    for customer in customers:
        registered = house.rows(
            "SELECT event_id, id FROM event_registration WHERE state = 'open' "
            f"AND partner_id = {customer.visitor.partner_id}")
        assert dict(registered) == customer.booked
    invariants.check(house)
    http = sum((customer.counted for customer in customers), Counter())
    total = outcomes.total() + http["booked"] + http["cancelled"]
    print(f"{total} operations in {report['seconds']} s; {report['kills']} workers, "
          f"{dict(server_kills)} killed; workers: {dict(outcomes)}; HTTP: {dict(http)}")
    assert total >= OPERATIONS
