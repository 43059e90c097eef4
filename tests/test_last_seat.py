"""Two customers click the last seat at the same moment, on two server processes."""

import threading

import pytest

from tests.house import alert

ADDONS = ("session_booking",)
pytestmark = pytest.mark.usefixtures("no_mail")
REPETITIONS = 20


def race(house, visitors, session_id):
    """Let all visitors confirm at once, each on a server of their own.

    :return: the answers, in the order of the visitors
    """
    servers = range(len(house.urls))
    forms = [
        visitor.booking_form(session_id, servers[number % len(servers)])
        for number, visitor in enumerate(visitors)]
    barrier = threading.Barrier(len(visitors))
    answers = [None] * len(visitors)

    def click(number):
        barrier.wait()
        answers[number] = visitors[number].book(
            session_id, forms[number], servers[number % len(servers)])

    threads = [threading.Thread(target=click, args=(number,)) for number in range(len(visitors))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def outcome(house, session_id, visitors):
    """Return (seats taken by registrations, counter, credits spent on the session)."""
    partners = ",".join(str(visitor.partner_id) for visitor in visitors)
    seats = house.sql(
        f"SELECT COUNT(*) FROM event_registration WHERE event_id = {session_id} "
        "AND state IN ('open', 'done')")
    counter = house.sql(f"SELECT seats_booked FROM event_event WHERE id = {session_id}")
    spent = house.sql(
        "SELECT COALESCE(-SUM(e.credits), 0) FROM credit_entry e "
        f"WHERE e.kind = 'booking' AND e.partner_id IN ({partners})")
    return int(seats), int(counter), int(spent)


def last_seat_is_sold_once(house, repetitions):
    visitors = [house.customer(credits=2 * repetitions) for _visitor in range(2)]
    for repetition in range(1, repetitions + 1):
        session_id = house.session(capacity=1, price=2)
        answers = race(house, visitors, session_id)
        seats, counter, spent = outcome(house, session_id, visitors)
        assert seats == 1, f"{seats} seats sold of 1"
        assert (counter, spent) == (1, 2 * repetition)
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, 409], statuses
        refusal = next(answer for answer in answers if answer.status_code == 409)
        assert "complète" in alert(refusal.text), alert(refusal.text)


def test_last_seat_two_customers_two_processes(house):
    """One seat, one debit, one clear refusal, every time."""
    last_seat_is_sold_once(house, REPETITIONS)
