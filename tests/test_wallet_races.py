"""One wallet, many hands at once: tabs of a browser, an administrator, payment notifications."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg2
import pytest

from tests import invariants
from tests.house import alert, at_once
from tests.test_insaho_flow_http import json_answer, order_pack

ADDONS = ("session_booking",)
pytestmark = pytest.mark.usefixtures("no_mail")
BALANCE = 10
TABS = 50
ADDITIONS = 2  # of 5 credits each
NOTIFICATIONS = 20


def tabs_of(house, visitor, count):
    """Open as many tabs, ready to click: each its session, its form, and a server in turn.

    :return: functions that click and return the answer
    """
    sessions = [house.session(capacity=3, price=1) for _tab in range(count)]
    tabs = [visitor.twin() for _tab in range(count)]
    servers = [number % len(house.urls) for number in range(count)]
    for server in set(servers):  # Odoo's servers compile a route at its first page, one at a time
        visitor.booking_form(sessions[0], server)
    with ThreadPoolExecutor(4) as pool:
        forms = list(pool.map(
            lambda tab, session, server: tab.booking_form(session, server),
            tabs, sessions, servers))
    return [
        partial(tab.post, f"/trainings/{session}/book", form, server, allow_redirects=False)
        for tab, session, form, server in zip(tabs, sessions, forms, servers, strict=True)]


def seats_of(house, visitor):
    [(seats,)] = house.rows(
        f"SELECT COUNT(*) FROM event_registration WHERE partner_id = {visitor.partner_id} "
        "AND state = 'open'")
    return seats


def wallet_of(house, visitor):
    [(balance,)] = house.rows(
        f"SELECT balance FROM credit_wallet WHERE partner_id = {visitor.partner_id}")
    return balance


def assert_booked_or_refused(answers):
    """Check that each tab got its seat, or a clear refusal; no server failed."""
    outcomes = Counter(answer.status_code for answer in answers)
    assert set(outcomes) <= {303, 402}, (
        outcomes, {alert(answer.text) for answer in answers if answer.status_code == 409})
    for answer in answers:
        if answer.status_code == 402:
            assert "insuffisants" in alert(answer.text), alert(answer.text)
        else:
            assert "/my/trainings/" in answer.headers["Location"]
    return outcomes


def ten_credits_are_ten_seats(house, tabs=TABS):
    visitor = house.customer(credits=BALANCE)
    clicks = tabs_of(house, visitor, tabs)
    started = time.monotonic()
    answers = at_once(clicks)
    seconds = time.monotonic() - started
    seats = seats_of(house, visitor)
    assert seats == BALANCE, f"{seats} seats for {BALANCE} credits"
    outcomes = assert_booked_or_refused(answers)
    assert outcomes == {303: BALANCE, 402: tabs - BALANCE}
    assert wallet_of(house, visitor) == 0
    invariants.check(house)
    print(f"{tabs} bookings at once in {seconds:.1f} s: {dict(outcomes)}")


def test_ten_credits_fifty_tabs_two_servers(house):
    """50 bookings at once of a wallet of 10: 10 seats, 40 clear refusals, no credit astray."""
    ten_credits_are_ten_seats(house)


# An administrator adds credits meanwhile -----------------------------------------------------


def add_five(house, visitor, number):
    """Grant five credits as the back office does, in a process of its own, with Odoo's own retries.

    :return: how many times all five tries were used up and the administrator clicked again
    """
    from odoo.service.model import retrying

    time.sleep(number * 2.0)  # spread over the time the bookings take
    for clicks in range(20):
        try:
            with house.env() as env:
                partner = env["res.partner"].browse(visitor.partner_id)
                wallet = env["credit.wallet"]._of(partner, env.company)
                retrying(partial(
                    wallet._grant, 5, 0.0, f"test:add:{partner.id}:{number}",
                    kind="adjustment", reason="Geste commercial"), env)
            return clicks
        except psycopg2.errors.SerializationFailure:
            continue
    raise AssertionError("the administrator could not add credits")


def additions_stay(house, tabs=TABS):
    visitor = house.customer(credits=BALANCE)
    clicks = tabs_of(house, visitor, tabs)
    additions = [partial(add_five, house, visitor, number) for number in range(ADDITIONS)]
    answers = at_once(clicks + additions)
    seats, left = seats_of(house, visitor), wallet_of(house, visitor)
    added = 5 * ADDITIONS
    assert seats + left == BALANCE + added, (
        f"{BALANCE} credits and {added} added, yet {seats} spent and {left} left")
    assert BALANCE <= seats <= BALANCE + added, f"{seats} seats of {BALANCE} credits + {added}"
    outcomes = assert_booked_or_refused(answers[:tabs])
    assert outcomes[303] == seats
    invariants.check(house)
    print(f"+{added} during {tabs} bookings: {seats} seats, {left} left; "
          f"clicks again: {answers[tabs:]}")


def test_added_credits_stay_during_spends(house):
    """Each +5 of an administrator stays +5 while 50 bookings spend the wallet."""
    additions_stay(house)


# Payment notifications -----------------------------------------------------------------------


def notify(visitor, reference, server):
    """Send what the browser and the provider send once a card is accepted.

    :return: the errors of the answers; the page asks again on an error
    """
    answers = [
        json_answer(visitor, "/payment/demo/simulate_payment", server, reference=reference,
                    payment_details="4111111111111111", simulated_state="done"),
        json_answer(visitor, "/payment/status/poll", server, csrf_token="")]
    return [answer["error"]["data"]["message"] for answer in answers if "error" in answer]


def test_payment_notified_twenty_times_at_once(house):
    """20 notifications of one payment on two servers: one payment, one invoice, one lot."""
    visitor = house.customer()
    reference = order_pack(house, visitor, 5)
    errors = at_once([
        partial(notify, visitor.twin(), reference, number % len(house.urls))
        for number in range(NOTIFICATIONS)])
    deadline = time.monotonic() + 60
    while notify(visitor, reference, 0):  # as the page does, until it is told of the payment
        assert time.monotonic() < deadline, "the payment was never confirmed"
        time.sleep(0.5)
    assert house.rows(
        "SELECT l.granted, l.value_granted, w.balance, COUNT(*) OVER () FROM credit_lot l "
        f"JOIN credit_wallet w ON w.id = l.wallet_id WHERE w.partner_id = {visitor.partner_id}"
    ) == [(5, 140, 5, 1)]
    assert house.rows(
        "SELECT kind, credits, value FROM credit_entry "
        f"WHERE partner_id = {visitor.partner_id}") == [("purchase", 5, 140)]
    assert house.rows(
        "SELECT state, payment_state, amount_total FROM account_move "
        f"WHERE partner_id = {visitor.partner_id} AND move_type = 'out_invoice'"
    ) == [("posted", "paid", 168)]
    assert house.rows(
        f"SELECT state, is_post_processed FROM payment_transaction "
        f"WHERE partner_id = {visitor.partner_id}") == [("done", True)]
    assert house.rows(
        f"SELECT COUNT(*) FROM account_payment WHERE partner_id = {visitor.partner_id}") == [(1,)]
    invariants.check(house)
    print(f"{NOTIFICATIONS} notifications at once: one lot; answers that asked to come again: "
          f"{dict(Counter(sum(errors, [])))}")


def test_page_and_scheduled_action_at_one_payment(house, caplog):
    """Both post-process the payment at once: the later waits, steps back, and nobody complains.

    Without the row lock of ``payment.transaction._post_process`` most rounds break a unique key
    of Odoo's in the middle of the order's confirmation.
    """
    def scheduled_action():
        with house.env() as env:
            env["payment.transaction"]._cron_post_process()

    for _round in range(4):
        visitor = house.customer()
        reference = order_pack(house, visitor, 5)
        json_answer(visitor, "/payment/demo/simulate_payment", reference=reference,
                    payment_details="4111111111111111", simulated_state="done")
        at_once([scheduled_action, partial(
            json_answer, visitor, "/payment/status/poll", csrf_token="")])
        while "error" in json_answer(visitor, "/payment/status/poll", csrf_token=""):
            time.sleep(0.2)
        assert wallet_of(house, visitor) == 5
    assert not [record.getMessage() for record in caplog.records
                if "post-processing" in record.getMessage()]


def test_first_credits_of_a_customer_at_once(house):
    """Two first grants meet: the later is told to try again, never that a wallet exists."""
    visitor = house.customer()

    def grant(number):
        with house.env() as env:
            env.cr.execute("SELECT 1")  # the snapshot is older than the other's wallet
            time.sleep(0.5)
            partner = env["res.partner"].browse(visitor.partner_id)
            try:
                env["credit.wallet"]._of(partner, env.company)._grant(
                    5, 0.0, f"test:first:{partner.id}:{number}", kind="adjustment",
                    reason="Bienvenue")
            except psycopg2.errors.SerializationFailure:
                env.cr.rollback()
                return "again"
        return "granted"

    outcomes = at_once([partial(grant, number) for number in range(4)])
    assert Counter(outcomes) == {"granted": 1, "again": 3}
    assert wallet_of(house, visitor) == 5
