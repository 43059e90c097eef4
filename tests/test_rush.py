"""More clients than seats, all at the same moment, on two server processes."""

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from unittest.mock import patch

import psycopg2.errors
import pytest

from tests import invariants
from tests.house import alert, at_once

ADDONS = ("session_booking",)
CLIENTS = 200
SEATS = 10
PRICE = 2
# Ten times in a row before a release: RUSH_REPETITIONS=10 make test ARGS="tests/test_rush.py"
REPETITIONS = int(os.environ.get("RUSH_REPETITIONS", "1"))
pytestmark = pytest.mark.usefixtures("no_mail")
THREADS = 12  # transactions at once in the tests that talk to the database


def sold(house, session_id):
    """Return (registrations, debits, invoices) of the session, from the database."""
    [row] = house.rows(f"""
        SELECT COUNT(DISTINCT r.id), COUNT(DISTINCT e.id) FILTER (WHERE e.credits = -{PRICE}),
               COUNT(DISTINCT m.id) FILTER (WHERE m.state = 'posted')
          FROM event_registration r
          LEFT JOIN credit_entry e ON e.id = r.credit_entry_id
          LEFT JOIN account_move m ON m.credit_entry_id = e.id
         WHERE r.event_id = {session_id} AND r.state = 'open'""")
    return row


# Over HTTP ------------------------------------------------------------------------------------


def rush(house, visitors):
    session_id = house.session(capacity=SEATS, price=PRICE)
    servers = [number % len(house.urls) for number in range(len(visitors))]
    for server in set(servers):  # a server's first page compiles its templates
        visitors[0].booking_form(session_id, server)
    with ThreadPoolExecutor(8) as pool:
        forms = list(pool.map(
            lambda visitor, server: visitor.booking_form(session_id, server), visitors, servers))
    answers = at_once([
        partial(visitor.post, f"/trainings/{session_id}/book", form, server,
                allow_redirects=False)
        for visitor, form, server in zip(visitors, forms, servers, strict=True)])
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes == {303: SEATS, 409: len(visitors) - SEATS}, outcomes
    for answer in answers:
        if answer.status_code == 409:
            assert "complète" in alert(answer.text), alert(answer.text)
    assert sold(house, session_id) == (SEATS, SEATS, SEATS)


def test_two_hundred_clients_for_ten_seats(house):
    """Exactly 10 registrations, debits and invoices; 190 clear answers, and no 5xx."""
    visitors = house.customers(CLIENTS, credits=PRICE * REPETITIONS)
    for _repetition in range(REPETITIONS):
        rush(house, visitors)
    invariants.check(house)


def test_baskets_in_opposite_order(house):
    """100 baskets of two sessions, in opposite order, 20 at a time: all or nothing each."""
    rounds, clients, seats = 5, 20, 3
    visitors = house.customers(clients, credits=2 * PRICE * rounds)
    tokens = [visitor.csrf() for visitor in visitors]
    for number in range(rounds):
        sessions = [house.session(capacity=seats, price=PRICE) for _session in range(2)]
        answers = at_once([
            partial(visitor.post, "/trainings/basket/book", {
                "csrf_token": csrf, "token": f"round{number}", "price": str(2 * PRICE),
                "session": sessions[::1 if position % 2 else -1],
            }, position // 2 % 2, allow_redirects=False)
            for position, (visitor, csrf) in enumerate(zip(visitors, tokens, strict=True))])
        outcomes = Counter(answer.status_code for answer in answers)
        assert outcomes == {303: seats, 409: clients - seats}, outcomes
        [(whole,)] = house.rows(f"""
            SELECT COUNT(*) FROM (
                SELECT partner_id FROM event_registration WHERE event_id IN {tuple(sessions)}
                 GROUP BY partner_id HAVING COUNT(*) = 2) baskets""")
        assert (whole, sold(house, sessions[0]), sold(house, sessions[1])) == (
            seats, (seats,) * 3, (seats,) * 3)
    assert "deadlock detected" not in house.log()
    invariants.check(house)


# In the database, without the queue in front of it ------------------------------------------------


def again_until_serialized(env, work):
    """Run the work in transactions of its own, anew after each serialization error.

    :return: what the work returned; None when it was refused (a full session)
    """
    from odoo.exceptions import UserError

    while True:
        try:
            result = work()
            env.cr.commit()
            return result
        except psycopg2.errors.SerializationFailure:
            env.cr.rollback()
            env.transaction.reset()
        except UserError:
            env.cr.rollback()
            return None


def together(house, works):
    """Do each work in a thread and an environment of its own, all started at the same moment.

    The snapshot of each transaction is taken before any of the works begins.

    :param list works: functions of an environment
    """
    from odoo.tools import mute_logger

    barrier = threading.Barrier(len(works))

    def run(work):
        with house.env() as env:
            env.cr.execute("SELECT COUNT(*) FROM event_event")
            barrier.wait()
            return again_until_serialized(env, partial(work, env))

    with mute_logger("odoo.sql_db"), ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def book(session_id, partner_id, env):
    partner = env["res.partner"].browse(partner_id)
    wallet = env["credit.wallet"]._of(partner, env.company)
    return env["event.event"].browse(session_id)._book(
        wallet, partner, f"test:{session_id}:{partner_id}").id


def snapshots_older_than_the_bookings(house, session_id, seats):
    """Book in more transactions than seats, each of which sees all seats free when it begins."""
    visitors = house.customers(THREADS, credits=PRICE)
    booked = together(house, [
        partial(book, session_id, visitor.partner_id) for visitor in visitors])
    outcome = sold(house, session_id)
    assert outcome == (seats,) * 3, f"{outcome[0]} seats sold of {seats}"
    assert sum(map(bool, booked)) == seats


def test_snapshots_opened_before(house):
    """What a transaction saw before it waited does not oversell the session."""
    snapshots_older_than_the_bookings(house, house.session(capacity=4, price=PRICE), 4)
    invariants.check(house)


def test_snapshots_opened_before_negative_control(house):
    """With the counter's statement switched off the same test sees the session oversold."""
    from odoo.modules.registry import Registry

    session_id = house.session(capacity=4, price=PRICE)
    sessions = Registry(house.name)["event.event"]
    with patch.object(sessions, "_move_seats", lambda self, deltas, held=None: None):
        try:
            with pytest.raises(AssertionError, match=f"{THREADS} seats sold of 4"):
                snapshots_older_than_the_bookings(house, session_id, 4)
        finally:
            leave_as_found(house, session_id)
    invariants.check(house)


def leave_as_found(house, session_id):
    """Cancel what was oversold."""
    with house.env() as env:
        again_until_serialized(env, lambda: env["event.registration"].search(
            [("event_id", "=", session_id)]).action_cancel())


def basket(sessions, partner_id, env):
    partner = env["res.partner"].browse(partner_id)
    return env["event.event"].browse(sessions)._book_all(
        env["credit.wallet"]._of(partner, env.company), partner, f"test:{sessions[0]}").ids


def swap(registration_id, session_id, env):
    return env["event.registration"].browse(registration_id)._swap_to(
        env["event.event"].browse(session_id), f"test:swap:{registration_id}").id


def test_opposite_orders_do_not_deadlock(house):
    """Baskets and swaps lock sessions in the order of ids: a deadlock would fail the test."""
    first, second = (house.session(capacity=THREADS, price=PRICE) for _session in range(2))
    visitors = house.customers(THREADS, credits=2 * PRICE)
    baskets = together(house, [
        partial(basket, [first, second][::1 if number % 2 else -1], visitor.partner_id)
        for number, visitor in enumerate(visitors)])
    assert all(len(seats) == 2 for seats in baskets)

    first, second = (house.session(capacity=THREADS, price=PRICE) for _session in range(2))
    visitors = house.customers(THREADS // 2, credits=PRICE)
    seats = []
    for number, visitor in enumerate(visitors):
        with house.env() as env:
            seats.append(book((first, second)[number % 2], visitor.partner_id, env))
    swapped = together(house, [
        partial(swap, seat, (second, first)[number % 2]) for number, seat in enumerate(seats)])
    assert all(swapped)
    assert sold(house, first) == sold(house, second) == (THREADS // 4,) * 3
    invariants.check(house)


def test_opposite_orders_negative_control(house):
    """Seats taken one session after the other, in opposite order, do deadlock."""
    from odoo.tools import mute_logger

    sessions = [house.session(capacity=5) for _session in range(2)]
    barrier = threading.Barrier(2)

    def take(order):
        with house.env() as env:
            event = env["event.event"]
            try:
                event._move_seats({order[0]: 1})
                barrier.wait(timeout=30)
                event._move_seats({order[1]: 1})
            except psycopg2.errors.DeadlockDetected:
                return "deadlock"
            finally:
                env.cr.rollback()
            return "taken"

    with mute_logger("odoo.sql_db"):
        outcomes = at_once([partial(take, sessions), partial(take, sessions[::-1])])
    assert "deadlock" in outcomes
