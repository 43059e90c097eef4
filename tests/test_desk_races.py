"""The back office and its customers at the same moment, on two server processes."""

import contextlib
import re
import time
from datetime import datetime, timedelta
from functools import partial

import psycopg2

from tests import invariants
from tests.test_wallet_races import at_once

ADDONS = ("session_booking",)
PRICE = 2
ROUNDS = 3


def call(visitor, model, method, *args, server=0, **kwargs):
    """Do what the web client does for a button.

    :return: the answer's JSON
    """
    return visitor.http.post(
        f"{visitor.house.urls[server]}/web/dataset/call_kw/{model}/{method}", timeout=120,
        json={"params": {"model": model, "method": method, "args": args, "kwargs": kwargs}}).json()


def click(visitor, model, values, server):
    """Make a wizard, not yet confirmed; return what confirms it."""
    made = call(visitor, model, "create", [values], server=server)["result"]
    return partial(call, visitor, model, "action_confirm", made, server=server)


def mails_to(house, login, subject):
    """List the mails to this address with the subject, once nothing waits to be sent."""
    house.mailbox.wait_for_mail(login, subject)
    deadline = time.monotonic() + 180
    while house.rows("SELECT 1 FROM mail_mail WHERE state = 'outgoing' LIMIT 1"):
        assert time.monotonic() < deadline, "mails stay in the queue"
        time.sleep(0.2)
    return [mail for mail in house.mailbox.mails()
            if login in mail["X-Envelope-To"] and re.search(subject, mail["Subject"])]


def test_cancel_twice_while_customers_book(house):
    """Issue 4: cancel a session: all told, refunded, one click, once."""
    admin = house.administrator()
    customers = [house.customer(credits=2 * PRICE * ROUNDS) for _customer in range(4)]
    for _round in range(ROUNDS):
        session_id = house.session(capacity=10, price=PRICE)
        for customer in customers[:2]:
            assert customer.book(session_id).status_code == 200
        forms = [customer.booking_form(session_id, 1) for customer in customers[2:]]
        answers = at_once([
            *(click(admin.twin(), "session.cancel", {"event_id": session_id}, server)
              for server in (0, 1, 1)),
            *(partial(customer.book, session_id, form, 1)
              for customer, form in zip(customers[2:], forms, strict=True))])
        for answer in answers[:3]:
            assert "error" not in answer, answer["error"]["data"]["message"]
        assert {answer.status_code for answer in answers[3:]} <= {200, 409}
        seats = house.rows(
            "SELECT state, refund_entry_id IS NOT NULL FROM event_registration "
            f"WHERE event_id = {session_id}")
        assert set(seats) == {("cancel", True)}, seats
        assert house.rows(
            f"SELECT kanban_state, seats_booked FROM event_event WHERE id = {session_id}"
        ) == [("cancel", 0)]
    for customer in customers[:2]:
        assert len(mails_to(house, customer.login, "Session annulée")) == ROUNDS
    balances = house.rows(
        "SELECT DISTINCT balance FROM credit_wallet WHERE partner_id IN "
        f"({','.join(str(customer.partner_id) for customer in customers)})")
    assert balances == [(2 * PRICE * ROUNDS,)]
    invariants.check(house)


def test_move_twice_tells_once(house):
    """Issue 4: move a session: everyone told once."""
    admin, customer = house.administrator(), house.customer(credits=PRICE)
    session_id = house.session(capacity=10, price=PRICE)
    assert customer.book(session_id).status_code == 200
    begin = datetime.now().replace(microsecond=0) + timedelta(days=40)
    values = {"event_id": session_id, "date_begin": str(begin),
              "date_end": str(begin + timedelta(hours=2))}
    answers = at_once([
        click(admin.twin(), "session.move", values, server) for server in (0, 1, 0, 1)])
    assert not [answer["error"] for answer in answers if "error" in answer]
    assert len(mails_to(house, customer.login, "Nouvelle date")) == 1


def test_group_booked_twice_at_once(house):
    """Issue 4: group bookings; the same click twice is once, on two servers too."""
    admin, payer = house.administrator(), house.customer(credits=10)
    session_id = house.session(capacity=10, price=PRICE)
    wizard = call(admin, "session.group.booking", "create", [{
        "event_id": session_id, "payer_id": payer.partner_id,
        "line_ids": [(0, 0, {"partner_id": payer.partner_id}),
                     (0, 0, {"name": "Nouvelle", "email": f"n{payer.login}"})]}])["result"]
    answers = at_once([
        partial(call, admin.twin(), "session.group.booking", "action_confirm", wizard,
                server=server) for server in (0, 1, 0, 1)])
    assert not [answer["error"] for answer in answers if "error" in answer]
    assert house.rows(
        f"SELECT balance FROM credit_wallet WHERE partner_id = {payer.partner_id}") == [(6,)]
    assert house.rows(
        f"SELECT seats_booked FROM event_event WHERE id = {session_id}") == [(2,)]
    assert house.rows(
        f"SELECT COUNT(*) FROM res_partner WHERE email = 'n{payer.login}'") == [(1,)]
    invariants.check(house)


def session_to_remind_of(house, customers):
    """Make a session in six days, booked before the reminder of the week was due."""
    session_id = house.session(capacity=10, price=PRICE, days=6)
    for customer in customers:
        assert customer.book(session_id).status_code == 200
    with house.env() as env:
        env.cr.execute(
            "UPDATE event_registration SET create_date = create_date - interval '9 days' "
            "WHERE event_id = %s", [session_id])
    return session_id


def three_crons(house, session_id):
    """Run the scheduled action three times at the same moment.

    :return: (reminders, seats reminded of) of the session
    """
    def run():
        # The loser of a race is told so by the database, and its next run finds nothing to do.
        with contextlib.suppress(psycopg2.errors.SerializationFailure), house.env() as env:
            env["session.reminder"]._cron_send()

    at_once([run] * 3)
    run()
    return house.rows(
        "SELECT COUNT(*), COUNT(DISTINCT registration_id) FROM session_reminder r "
        "JOIN event_registration s ON s.id = r.registration_id "
        f"WHERE s.event_id = {session_id} AND hours = 168")[0]


def test_two_crons_remind_once(house):
    """Issue 4, part 5: sent once even when two crons run."""
    customers = [house.customer(credits=PRICE) for _customer in range(5)]
    session_id = session_to_remind_of(house, customers)
    assert three_crons(house, session_id) == (5, 5)
    for customer in customers:
        assert len(mails_to(house, customer.login, "Rappel")) == 1


def test_two_crons_negative_control(house):
    """Without the unique key of reminders the same race reminds twice: the test can see it."""
    session_id = session_to_remind_of(house, [house.customer(credits=PRICE)])
    with house.env() as env:
        env.cr.execute("ALTER TABLE session_reminder DROP CONSTRAINT session_reminder_once")
    try:
        reminders, seats = three_crons(house, session_id)
    finally:
        with house.env() as env:
            env.cr.execute(
                "DELETE FROM session_reminder WHERE registration_id IN "
                "(SELECT id FROM event_registration WHERE event_id = %s)", [session_id])
            env.cr.execute(
                "ALTER TABLE session_reminder ADD CONSTRAINT session_reminder_once "
                "UNIQUE (registration_id, hours)")
    assert (reminders > 1, seats) == (True, 1)
