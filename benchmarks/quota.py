"""The quota API beside a signed-in route that does nothing, at 1, 8 and 32 clients.

Two houses of one server process each, one with 1,000 and one with 1,000,000 rows of usage, take
turns. A lone client calls the no-op and each operation of the API once, in an order drawn by lot,
and again: what the machine does meanwhile befalls all alike. Several clients make many calls of
one operation before the next, for theirs shall wait for one another.

- no-op: `benchmarks/noop_route`: POST, JSON, `auth="user"`, a session that is found valid.
- check, consume: ``POST /quota/v1/check|consume`` with a service key, one unit, consume with a new
  idempotency key each time. Every client its own subscription, as customers are.
- consume, one counter: all clients of the same subscription wait for one row.

A client opens a connection for each request, as the threaded server closes it after each. Then the
middleware of `clients/quota_middleware` answers a check of a feature from its cache: what a request
costs with it, less what it costs without.
"""

import argparse
import asyncio
import http.client
import itertools
import json
import platform
import random
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from quota_middleware import Caller, QuotaClient, QuotaMiddleware, Rule

from odoo import release

from benchmarks.quota_house import QuotaBenchHouse
from benchmarks.report import RESULTS, Report

SEVERAL = (8, 32)
CLIENTS = (1, *SEVERAL)
SMALL, LARGE, QUICK_LARGE = 1_000, 1_000_000, 20_000
ROUNDS, QUICK_ROUNDS = 24, 4
CALLS = {1: 50, 8: 80, 32: 160}  # of each operation in a turn
QUICK_CALLS = {1: 30, 8: 32, 32: 64}
CACHED_CALLS, CACHED_BATCH = 20_000, 100
MAX_CHECK, MAX_CONSUME = 1.2, 1.5  # the bounds of the issue
MAX_CACHED_US = 50
MAX_GROWTH = 1.15  # "no growth", and the noise between two servers
NOOP, CHECK, CONSUME, HOT = "no-op route", "check", "consume", "consume, one counter"
OPERATIONS = {NOOP: None, CHECK: MAX_CHECK, CONSUME: MAX_CONSUME, HOT: MAX_CONSUME}
JUDGED = (50, 95)  # percentiles; the 99th is printed
KEYS = itertools.count()


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Customer:
    """One client: prepared requests, a connection for each."""

    def __init__(self, house, number):
        self.house = house
        self.address = urlsplit(house.url).netloc
        self.cookie = house.visitors[number].http.cookies["session_id"]
        self.own, self.shared = house.references[number], house.references[0]

    def call(self, operation):
        """:return: the seconds from opening the connection to the end of the answer"""
        path, body, headers = self._request(operation)
        started = time.perf_counter()
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        seconds = time.perf_counter() - started
        if answer.status != 200 or not json.loads(text)["allowed"]:
            raise RuntimeError(f"{operation}: {answer.status} {text[:300]}")
        return seconds

    def _request(self, operation):
        body = {"metric": "scans", "quantity": 1}
        headers = {"Content-Type": "application/json"}
        if operation == NOOP:
            headers["Cookie"] = f"session_id={self.cookie}"
            return "/bench/noop", json.dumps(body), headers
        headers["Authorization"] = f"Bearer {self.house.key}"
        body["subscription"] = self.shared if operation == HOT else self.own
        if operation == CHECK:
            return "/quota/v1/check", json.dumps(body), headers
        headers["Idempotency-Key"] = f"bench-{next(KEYS)}"
        return "/quota/v1/consume", json.dumps(body), headers


class Race:
    """Takes turns between the houses and the operations."""

    def __init__(self, report, houses, calls):
        self.report, self.houses, self.calls = report, houses, calls
        self.callers = {house: [Customer(house, number) for number in range(max(CLIENTS))]
                        for house in houses}
        self.lot = random.Random(4)  # the same order in every run
        self.failed = threading.Event()

    def alone(self, house):
        """One client, the operations mixed call by call.

        :raise RuntimeError: a call failed
        """
        caller, operations = self.callers[house][0], list(OPERATIONS)
        for _call in range(self.calls[1]):
            self.lot.shuffle(operations)
            for operation in operations:
                self.report.add(operation, size(house, 1), self._call(caller, operation))

    def turn(self, house, operation, clients):
        """:raise RuntimeError: a call failed"""
        with ThreadPoolExecutor(clients) as pool:
            count = self.calls[clients] // clients
            for samples in pool.map(lambda caller: self._calls(caller, operation, count),
                                    self.callers[house][:clients]):
                for seconds in samples:
                    self.report.add(operation, size(house, clients), seconds)

    def _calls(self, caller, operation, count):
        samples = []
        for _call in range(count):
            if self.failed.is_set():
                break
            samples.append(self._call(caller, operation))
        return samples

    def _call(self, caller, operation):
        try:
            return caller.call(operation)
        except Exception as error:
            self.failed.set()
            say(f"failed: {error}\n{caller.house.log()[-3000:]}")
            raise

    def round(self):
        """All of it once, in an order drawn by lot: nobody gains by its place."""
        turns = [(house, operation, clients)
                 for house in self.houses for operation in OPERATIONS for clients in SEVERAL]
        self.lot.shuffle(turns)
        for house in self.lot.sample(self.houses, len(self.houses)):
            self.alone(house)
        for turn in turns:
            self.turn(*turn)


def size(house, clients):
    return f"{house.rows_of_usage:,} rows, {clients} clients"


def measure(report, houses, options):
    race = Race(report, houses, QUICK_CALLS if options.quick else CALLS)
    for house in houses:  # every server finds its statements and connections once
        for operation in OPERATIONS:
            race.turn(house, operation, 32)
    report.forget()
    before = {house: house.counted() for house in houses}
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    for number in range(rounds):
        report.start_round()
        race.round()
        say(f"round {number + 1} of {rounds}")
    calls = 2 * rounds * sum(race.calls[clients] // clients * clients for clients in CLIENTS)
    for house in houses:  # figures of calls that did nothing would be worth nothing
        counted = house.counted() - before[house]
        if counted != calls:
            raise RuntimeError(f"{counted} counted of {calls} consumed")


def judge(report, small, large):
    for clients in CLIENTS:
        noop = report.series(NOOP, size(large, clients))
        for operation, bound in OPERATIONS.items():
            ours = report.series(operation, size(large, clients))
            for percent in JUDGED if bound else ():
                report.at_most(
                    f"{operation} against the no-op, p{percent}, {clients} clients",
                    ours.p(percent) / noop.p(percent), bound)
    for operation, bound in OPERATIONS.items():
        if bound:
            report.at_most(
                f"{operation} with {large.rows_of_usage:,} rows against "
                f"{small.rows_of_usage:,}", _growth(report, operation, small, large), MAX_GROWTH)


def _growth(report, operation, small, large):
    """Median over the numbers of clients, each side measured against its own no-op."""
    def ratio(house, clients):
        where = size(house, clients)
        return report.series(operation, where).p(50) / report.series(NOOP, where).p(50)

    return statistics.median(
        ratio(large, clients) / ratio(small, clients) for clients in CLIENTS)


async def measure_cached(report, house, calls):
    """A request to an application with nothing in it, with the middleware and without."""
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def nothing(message=None):
        return

    async with QuotaClient(house.url, house.key) as client:
        guarded = QuotaMiddleware(
            application, client, max_stale=3600, rules=[Rule("/report", require=["api_access"])],
            subscription_of=lambda request: request.headers["x-subscription"])
        scope = {
            "type": "http", "method": "GET", "path": "/report", "query_string": b"",
            "headers": [(b"host", b"app"), (b"accept-language", b"fr"),
                        (b"x-subscription", house.references[0].encode())]}
        await guarded(scope, nothing, nothing)  # asks the server
        for name, answer in (("request without middleware", application),
                             ("request with a cached check", guarded)) * 5:
            for _batch in range(calls // CACHED_BATCH // 5):
                started = time.perf_counter()
                for _call in range(CACHED_BATCH):
                    await answer(scope, nothing, nothing)
                report.add(name, f"{CACHED_BATCH} calls", time.perf_counter() - started)
        entitlements = await client.entitlements(caller=Caller(house.references[0]))
        assert entitlements.allows("api_access")
    return guarded


def judge_cached(report):
    """Each sample is a batch: one call is too short for the clock."""
    for percent in (50, 99):
        with_it, without = (
            report.series(f"request {what}", f"{CACHED_BATCH} calls").p(percent)
            for what in ("with a cached check", "without middleware"))
        report.at_most(f"cached middleware check, p{percent}",
                       (with_it - without) / CACHED_BATCH * 1e6, MAX_CACHED_US, "us")


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="fewer rows, no file of results")
    options, _odoo_options = parser.parse_known_args()
    report = Report("quota")
    rows = {"few": SMALL, "many": QUICK_LARGE if options.quick else LARGE}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        houses = []
        for name, count in rows.items():
            say(f"house with {count:,} rows of usage")
            house = QuotaBenchHouse(f"caps_bench_quota_{name}", Path(folder) / name, count)
            stack.callback(house.stop)
            houses.append(house.start())
            house.prepare(max(CLIENTS))
        measure(report, houses, options)
        asyncio.run(measure_cached(
            report, houses[0], CACHED_CALLS // 4 if options.quick else CACHED_CALLS))
    judge(report, *houses)
    judge_cached(report)
    return report.finish(
        None if options.quick else RESULTS,
        versions={"odoo": release.version, "python": platform.python_version()},
        sizes={"rows of usage": list(rows.values()), "clients": list(CLIENTS),
               "server processes": 1})


if __name__ == "__main__":
    sys.exit(main())
