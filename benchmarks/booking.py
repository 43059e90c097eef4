"""Bookings per second by HTTP, beside Odoo's own paid event registration.

Two servers of two processes each, on databases of their own, take turns; the customers of both
are signed in, have an address and click as fast as they are answered. No two bookings are of the
same session: Odoo's registration counts the mails of an event in one row, so of two customers who
pay for the same event at once one gets an error that its payment page does not try again.

- ours: open the page of the session, confirm. Seat, credits, invoice and mail in one request.
- Odoo's: register with a paid ticket, open the payment page, pay with the demo card, wait for
  the confirmation. The fewest requests that end in a sold seat: neither the event's page nor the
  steps of the checkout are opened, and no invoice is made. Its database holds Odoo's modules only.
  Its mails go out without the order and the ticket in PDF that Odoo attaches by default: ours
  have none, and drawing them would take most of Odoo's time.

Then the calendar with 50 and with 5,000 published sessions: 50 in the weeks to come, the rest in
the years before and after, as in a centre that has been open for a while.
"""

import argparse
import itertools
import platform
import re
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from odoo import release

from benchmarks.report import RESULTS, Report
from ops import paths
from tests.house import House, Visitor, alert

CLIENTS = (1, 4, 16)
BOOKINGS = {1: 8, 4: 24, 16: 48}  # of each turn, by number of clients
QUICK_BOOKINGS = {1: 4, 4: 12, 16: 32}
ROUNDS, QUICK_ROUNDS = 3, 1
WARM_UP = {1: 2, 4: 8}
FEW, MANY, PAGES = 50, 5_000, 15
MIN_PEER_RATIO, MAX_GROWTH = 2.0, 1.5  # the bounds of the issue
PATIENCE = 60  # seconds until a server that does not answer is given up
POLLS = 50
OURS, PEER = "booking with credits", "Odoo: paid event registration"


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


class Ours(House):
    """The demo, with sessions that have a seat for everybody."""

    def prepare(self, clients, bookings):
        begin = datetime.now().replace(microsecond=0) + timedelta(days=30)
        with self.env() as env:
            training = env["event.type"].search([("is_training", "=", True)], limit=1)
            self.sessions = env["event.event"].create([{
                "name": f"Session {number}", "event_type_id": training.id, "credit_price": 1,
                "date_begin": begin + timedelta(hours=3 * number),
                "date_end": begin + timedelta(hours=3 * number + 2),
                "seats_limited": True, "seats_max": 10, "is_published": True}
                for number in range(bookings)]).ids
        self.visitors = self.customers(clients, credits=bookings)

    def register(self, number, visitor, server):
        session = self.sessions[number]
        form = visitor.booking_form(session, server)
        answer = visitor.post(
            f"/trainings/{session}/book", form, server, allow_redirects=False)
        if answer.status_code != 303:
            raise RuntimeError(f"{answer.status_code} {alert(answer.text)}")

    def sold(self):
        [(sold,)] = self.rows(
            "SELECT COUNT(*) FROM event_registration r JOIN account_move m "
            "ON m.credit_entry_id = r.credit_entry_id AND m.state = 'posted' "
            f"WHERE r.state = 'open' AND r.event_id IN ({','.join(map(str, self.sessions))})")
        return sold


class Peer(House):
    """Odoo without our addons, and its module that sells tickets on the website."""

    template = paths.TEMPLATE_BASE
    modules = ("website_event_sale",)

    def prepare(self, clients, bookings):
        with self.env() as env:
            env["mail.template"].search([]).report_template_ids = False
            env.ref("payment.payment_provider_demo").write(
                {"state": "test", "is_published": True})
            product = env["product.product"].create({
                "name": "Ticket", "type": "service", "service_tracking": "event",
                "list_price": 30.0, "invoice_policy": "order"})
            begin = datetime.now().replace(microsecond=0) + timedelta(days=30)
            events = env["event.event"].create([{
                "name": f"Event {number}", "date_begin": begin,
                "date_end": begin + timedelta(hours=2), "is_published": True,
                "event_ticket_ids": [(0, 0, {
                    "name": "Seat", "product_id": product.id, "price": 30.0})]}
                for number in range(bookings)])
            self.events = [(event.id, event.event_ticket_ids.id) for event in events]
            customers = self._portal_users(env, clients)
            self.visitors = [self._visitor(user) for user in customers]

    def register(self, number, visitor, server):
        event, ticket = self.events[number]
        answer = visitor.post(f"/event/{event}/registration/confirm", {
            "csrf_token": visitor.token, "1-event_ticket_id": ticket}, server,
            allow_redirects=False)
        if "/shop/checkout" not in answer.headers.get("Location", ""):
            raise RuntimeError(f"no checkout: {answer.status_code} {answer.headers}")
        page = visitor.get("/shop/payment", server)
        route, access_token, provider, method = (
            self._attribute(page, name) for name in (
                "transaction-route", "access-token", "provider-id", "payment-option-id"))
        reference = self._call(
            visitor, server, route, access_token=access_token,
            provider_id=int(provider), payment_method_id=int(method), token_id=None,
            flow="direct", tokenization_requested=False, is_validation=False,
            landing_route="/shop/payment/validate")["reference"]
        self._call(visitor, server, "/payment/demo/simulate_payment", reference=reference,
                   payment_details="4111111111111111", simulated_state="done")
        self._call(visitor, server, "/payment/status/poll", csrf_token=visitor.token)

    def _attribute(self, page, name):
        """Value of a data attribute of the payment page."""
        found = re.search(rf'data-{name}="([^"]*)"', page.text)
        if not found:
            raise RuntimeError(f"no {name} in the page: {page.status_code} {page.url}")
        return found[1]

    def _call(self, visitor, server, path, **params):
        """The payment page's scripts ask again when they are told to, at any other error never.

        :raise RuntimeError: with the message of the server
        """
        for _attempt in range(POLLS):
            answer = visitor.http.post(
                f"{self.urls[server]}{path}", json={"jsonrpc": "2.0", "params": params},
                timeout=PATIENCE).json()
            if "error" not in answer:
                return answer.get("result")
            message = answer["error"]["data"]["message"]
            if message != "retry":
                break
            time.sleep(0.2)
        raise RuntimeError(f"{path}: {message}")

    def sold(self):
        [(sold,)] = self.rows(
            "SELECT COUNT(*) FROM event_registration WHERE state = 'open' "
            "AND sale_status = 'sold'")
        return sold


class Race:
    """Takes turns between the houses and counts what really was sold."""

    def __init__(self, report, houses):
        self.report, self.houses = report, houses
        self.next = {name: itertools.count() for name in houses}  # the session not booked yet
        self.failed = threading.Event()

    def turn(self, name, clients, bookings):
        """:raise RuntimeError: a booking failed, or another number was sold than was booked"""
        house = self.houses[name]
        before = house.sold()
        started = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda visitor: self.book(name, visitor, bookings // clients),
                          house.visitors[:clients]))
        seconds = time.perf_counter() - started
        sold = house.sold() - before
        if sold != bookings:
            raise RuntimeError(f"{name}: {sold} sold of {bookings} booked")
        self.report.add(name, f"{clients} clients", seconds / bookings)
        say(f"{name}, {clients} clients: {bookings / seconds:.2f} bookings/s")

    def book(self, name, visitor, count):
        """The first failure is told at once, and lets the other clients stop too."""
        house = self.houses[name]
        server = house.visitors.index(visitor) % len(house.urls)
        for _booking in range(count):
            if self.failed.is_set():
                return
            try:
                house.register(next(self.next[name]), visitor, server)
            except Exception as error:
                self.failed.set()
                say(f"{name} failed: {error}\n{house.log()[-3000:]}")
                raise


def measure_calendar(report, house):
    """The page a visitor opens, at both sizes; the first pages warm the caches."""
    visitor = Visitor(house)
    for size in (FEW, MANY):
        say(f"calendar of {size:,} sessions")
        fill_calendar(house, size)
        for _page in range(3):
            visitor.get("/trainings")
        for _page in range(PAGES):
            started = time.perf_counter()
            assert visitor.get("/trainings").status_code == 200
            report.add("calendar page", f"{size:,} sessions", time.perf_counter() - started)


def fill_calendar(house, size):
    """Bring the published sessions of all trainings to this number."""
    soon = [timedelta(days=20) / FEW * number for number in range(FEW)]
    # Outside of what a month's page shows: five years back, two years on.
    others = [timedelta(days=70 + number % 700) for number in range((size - FEW) // 4)]
    others += [-timedelta(days=70 + number % 1800) for number in range(size - FEW - len(others))]
    with house.env() as env:
        training = env["event.type"].search([("is_training", "=", True)], limit=1)
        # By SQL: what somebody has booked stays on the site, says the product, and rightly.
        env.cr.execute("""
            UPDATE event_event SET is_published = FALSE FROM event_type
            WHERE event_type.id = event_type_id AND event_type.is_training""")
        env.invalidate_all()
        begin = datetime.now().replace(microsecond=0) + timedelta(hours=1)
        env["event.event"].with_context(tracking_disable=True).create([{
            "name": f"Calendar {size}.{number}", "event_type_id": training.id,
            "date_begin": begin + after, "date_end": begin + after + timedelta(hours=2),
            "credit_price": 1, "seats_limited": True, "seats_max": 10, "is_published": True}
            for number, after in enumerate(soon + others)])
        # As autovacuum does within a minute: nobody opens the page in the second of the import.
        env.cr.execute("ANALYZE")


def judge(report):
    for clients in CLIENTS:
        size = f"{clients} clients"
        ours, peer = (report.series(name, size).p(50) for name in (OURS, PEER))
        report.note(f"{clients:>2} clients: {1 / ours:.2f} bookings/s, "
                    f"Odoo's registration {1 / peer:.2f}/s")
        report.at_least(f"bookings per second against Odoo's, {size}", peer / ours,
                        MIN_PEER_RATIO)
    few, many = (report.series("calendar page", f"{size:,} sessions").p(50)
                 for size in (FEW, MANY))
    report.at_most(f"calendar page with {MANY:,} sessions against {FEW}", many / few, MAX_GROWTH)


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="one round, no file of results")
    options, _odoo_options = parser.parse_known_args()
    rounds, bookings = (QUICK_ROUNDS, QUICK_BOOKINGS) if options.quick else (ROUNDS, BOOKINGS)
    report = Report("booking")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        houses = {OURS: Ours("caps_bench_ours", Path(folder) / "ours", crons=0),
                  PEER: Peer("caps_bench_peer", Path(folder) / "peer", crons=0)}
        for name, house in houses.items():
            say(f"house of: {name}")
            house.start()
            stack.callback(house.stop)
            house.prepare(max(CLIENTS), sum(WARM_UP.values()) + rounds * sum(bookings.values()))
            for visitor in house.visitors:
                visitor.token = visitor.csrf("/my")
        run(report, houses, rounds, bookings)
        measure_calendar(report, houses[OURS])
    judge(report)
    return report.finish(
        None if options.quick else RESULTS,
        versions={"odoo": release.version, "python": platform.python_version()},
        sizes={"bookings a turn": bookings, "server processes": 2})


def run(report, houses, rounds, bookings):
    race = Race(report, houses)
    # Every server compiles its pages once. The very first payment of Odoo's comes alone: those
    # at once would each make the journal's payment method, and every later payment fail.
    for clients, count in WARM_UP.items():
        for name in houses:
            race.turn(name, clients, count)
    report.forget()
    for number in range(rounds):
        report.start_round()
        for clients in CLIENTS:
            for name in houses:
                race.turn(name, clients, bookings[clients])
        say(f"round {number + 1} of {rounds}")


if __name__ == "__main__":
    sys.exit(main())
