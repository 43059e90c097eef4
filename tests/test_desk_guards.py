"""The races of ``test_desk_races`` with and without what guards them.

Here the two clicks are two transactions of this process, on a database of its own that is thrown
away together with what the controls spoil. A click made twice is done once because whoever comes
second waits in line and then sees what the first did (``take_turn``); because, line or not,
PostgreSQL lets nobody write over what has changed since their snapshot (REPEATABLE READ), and
Odoo tries again; and because keys and checks of the rows refuse what slipped through.
"""

import contextlib
import threading
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from psycopg2.extensions import ISOLATION_LEVEL_READ_COMMITTED

from tests.house import House, at_once
from tests.test_rush import again_until_serialized, book

ADDONS = ("session_booking",)
PRICE = 2


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Make the demo's data without servers: no scheduled action sends what is counted here."""
    made = House("caps_test_desk", tmp_path_factory.mktemp("desk"))
    yield made.create()
    made.stop()


@pytest.fixture(scope="module")
def customer(desk):
    return desk.customers(1, credits=10 * PRICE)[0]


def confirm_twice(desk, model, values, guarded):
    """Confirm a dialog of the back office twice at the same moment.

    Both clicks have read the session before either of them begins.

    :param bool guarded: without guards nobody waits in line, and who waited for a row that
        another transaction changed goes on with what it read before
    """
    from odoo.tools import mute_logger

    with desk.env() as env:
        wizard_id = env[model].create(values).id
    barrier = threading.Barrier(2)

    def confirm():
        with desk.env() as env:
            if not guarded:
                env.cr.connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)
            wizard = env[model].browse(wizard_id)
            wizard.event_id.fetch(["date_begin"])
            barrier.wait()
            again_until_serialized(env, wizard.action_confirm)

    no_line = contextlib.nullcontext() if guarded else patch(
        f"odoo.addons.session_booking.wizard.{model.replace('.', '_')}.take_turn")
    with no_line, mute_logger("odoo.sql_db"):
        at_once([confirm] * 2)


def booked(desk, customer):
    """Make a session without a trainer, in which the customer has a seat."""
    session_id = desk.session(price=PRICE, trainer_id=False)
    with desk.env() as env:
        book(session_id, customer.partner_id, env)
    return session_id


def told(desk, session_id, subject):
    """Count the mails with this subject to those who have or had a seat in the session."""
    [(count,)] = desk.rows(f"""
        SELECT COUNT(*) FROM mail_mail mail
          JOIN mail_message message ON message.id = mail.mail_message_id
          JOIN event_registration seat ON seat.id = message.res_id
         WHERE message.model = 'event.registration' AND seat.event_id = {session_id}
           AND message.subject LIKE '{subject}%'""")
    return count


def seats_and_balance(desk, session_id, customer):
    [row] = desk.rows(
        "SELECT s.seats_booked, w.balance FROM event_event s, credit_wallet w "
        f"WHERE s.id = {session_id} AND w.partner_id = {customer.partner_id}")
    return row


def drop(desk, *statements):
    with desk.env() as env:
        for statement in statements:
            env.cr.execute(statement)


def move_twice(desk, customer, guarded):
    session_id = booked(desk, customer)
    begin = datetime.now().replace(microsecond=0) + timedelta(days=400)
    confirm_twice(desk, "session.move", {
        "event_id": session_id, "date_begin": begin, "date_end": begin + timedelta(hours=2),
    }, guarded)
    return told(desk, session_id, "Nouvelle date")


def test_move_twice(desk, customer):
    assert move_twice(desk, customer, guarded=True) == 1


def test_move_twice_negative_control(desk, customer):
    """Without line and snapshot both clicks see the former date, and everyone is told twice."""
    assert move_twice(desk, customer, guarded=False) == 2


def cancel_twice(desk, customer, guarded):
    """Cancel twice; return how many mails were sent, and seats left taken."""
    session_id = booked(desk, customer)
    confirm_twice(desk, "session.cancel", {"event_id": session_id}, guarded)
    seats, _balance = seats_and_balance(desk, session_id, customer)
    return told(desk, session_id, "Session annulée"), seats


def test_cancel_twice(desk, customer):
    assert cancel_twice(desk, customer, guarded=True) == (1, 0)


def test_cancel_twice_negative_control(desk, customer):
    """Without line, snapshot and the check of the counter: told twice, a seat freed twice.

    The refund stays one: its key in the ledger is a guard of its own (see the soak test).
    """
    drop(desk, "ALTER TABLE event_event DROP CONSTRAINT event_event_seats_within_capacity")
    assert cancel_twice(desk, customer, guarded=False) == (2, -1)


def group_twice(desk, customer, guarded):
    """Book a group twice; return the seats taken, and the credits spent on them."""
    session_id = desk.session(price=PRICE, trainer_id=False)
    _seats, before = seats_and_balance(desk, session_id, customer)
    confirm_twice(desk, "session.group.booking", {
        "event_id": session_id, "payer_id": customer.partner_id,
        "line_ids": [(0, 0, {"partner_id": customer.partner_id})]}, guarded)
    seats, after = seats_and_balance(desk, session_id, customer)
    return seats, before - after


def test_group_twice(desk, customer):
    assert group_twice(desk, customer, guarded=True) == (1, PRICE)


def test_group_twice_negative_control(desk, customer):
    """Without line, snapshot and the keys of ledger and bookings: two seats, paid twice."""
    drop(desk, "ALTER TABLE credit_entry DROP CONSTRAINT credit_entry_idempotency_key_unique",
         "DROP INDEX event_registration_booking_key_unique")
    assert group_twice(desk, customer, guarded=False) == (2, 2 * PRICE)
