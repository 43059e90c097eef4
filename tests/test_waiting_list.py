"""A seat of a full session is freed: who gets it, whoever clicks at that moment."""

import html
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sandbox.mail import html_of
from tests import invariants
from tests.house import alert, at_once, field

ADDONS = ("session_booking",)
PRICE = 2
NEWCOMERS = 20


def full_session(house, owner):
    """Make a session of one seat, taken by the owner.

    :return: (id of the session, id of the registration)
    """
    session_id = house.session(capacity=1, price=PRICE)
    assert owner.book(session_id).status_code == 200
    [(registration_id,)] = house.rows(
        f"SELECT id FROM event_registration WHERE event_id = {session_id}")
    return session_id, registration_id


def join(visitor, session_id):
    answer = visitor.post(
        f"/trainings/{session_id}/wait", {"csrf_token": visitor.csrf(f"/trainings/{session_id}")})
    assert "o_waiting_position" in answer.text


def states(house, session_id):
    return [state for (state,) in house.rows(
        f"SELECT state FROM session_waiting WHERE event_id = {session_id} ORDER BY id")]


def cancel(visitor, registration_id, csrf, server):
    return visitor.post(
        f"/my/trainings/{registration_id}/cancel", {"csrf_token": csrf}, server,
        allow_redirects=False)


def test_one_seat_freed_three_waiting_twenty_newcomers(house):
    """Exactly one is seated, the first of the list; newcomers are told the session is full."""
    owner, *line = house.customers(4, credits=PRICE)
    newcomers = house.customers(NEWCOMERS, credits=PRICE)
    session_id, registration_id = full_session(house, owner)
    for visitor in line:
        join(visitor, session_id)
    # Newcomers opened the page when a seat was free: their forms are ready to be sent.
    other = house.session(capacity=1, price=PRICE)
    with ThreadPoolExecutor(4) as pool:
        forms = list(pool.map(lambda visitor: visitor.booking_form(other), newcomers))
    csrf = owner.csrf()

    answers = at_once([
        partial(cancel, owner, registration_id, csrf, 0),
        *(partial(visitor.post, f"/trainings/{session_id}/book", form, number % 2,
                  allow_redirects=False)
          for number, (visitor, form) in enumerate(zip(newcomers, forms, strict=True)))])
    assert answers[0].status_code == 303
    assert Counter(answer.status_code for answer in answers[1:]) == {409: NEWCOMERS}
    assert all("complète" in alert(answer.text) for answer in answers[1:])
    assert states(house, session_id) == ["offered", "waiting", "waiting"]

    # The mail: opening its link accepts nothing, its button does, clicked twice at once.
    mail = html_of(house.mailbox.wait_for_mail(line[0].login, "place se libère"))
    link = re.search(r'href="[^"]*(/trainings/waiting/[^"]+)"', mail)[1]
    page = line[0].get(html.unescape(link))
    assert "o_waiting_accept" in page.text
    assert states(house, session_id)[0] == "offered"
    tabs = [line[0], line[0].twin()]
    answers = at_once([
        partial(tab.post, f"{link}/accept", {"csrf_token": field(page.text, "csrf_token")},
                number, allow_redirects=False)
        for number, tab in enumerate(tabs)])
    assert [answer.status_code for answer in answers] == [303, 303]
    assert states(house, session_id) == ["seated", "waiting", "waiting"]
    seated = house.rows(
        f"SELECT partner_id FROM event_registration WHERE event_id = {session_id} "
        "AND state = 'open'")
    assert seated == [(line[0].partner_id,)]
    house.mailbox.wait_for_mail(line[0].login, "place est réservée")
    assert house.rows(
        f"SELECT balance FROM credit_wallet WHERE partner_id = {line[0].partner_id}") == [(0,)]
    invariants.check(house)


def test_freed_while_the_list_is_joined(house):
    """Joining and freeing at the same instant: the seat is offered, or the visitor told to book."""
    visitors = house.customers(6, credits=PRICE)
    for owner, waiter in zip(visitors[::2], visitors[1::2], strict=True):
        session_id, registration_id = full_session(house, owner)
        csrf, waiter_csrf = owner.csrf(), waiter.csrf()
        freed, joined = at_once([
            partial(cancel, owner, registration_id, csrf, 0),
            partial(waiter.post, f"/trainings/{session_id}/wait", {"csrf_token": waiter_csrf}, 1,
                    allow_redirects=False)])
        assert freed.status_code == 303
        # In line before the seat was freed: offered. After: told to book it.
        assert (joined.status_code, states(house, session_id)) in (
            (303, ["offered"]), (409, [])), (joined.status_code, states(house, session_id))
    invariants.check(house)


def test_cancelled_twice_at_the_same_instant(house):
    """One refund, to the original lots with their dates; the same when the lot expired since."""
    owner = house.customers(1)[0]
    with house.env() as env:
        wallet = env["credit.wallet"].search([("partner_id", "=", owner.partner_id)])
        today = wallet.company_id._credit_today()
        lot = wallet._grant(
            PRICE, 20.0, f"test:dated:{owner.login}", kind="adjustment", reason="Test",
            expiry_date=today).lot_move_ids.lot_id
        lot_id = lot.id
    _session_id, registration_id = full_session(house, owner)
    # Midnight passed since: written to the row, for the ledger's methods grant nothing expired.
    house.sql(f"UPDATE credit_lot SET expiry_date = expiry_date - 1 WHERE id = {lot_id}")
    csrf = owner.csrf()
    answers = at_once([
        partial(cancel, tab, registration_id, csrf, server)
        for server, tab in enumerate((owner, owner.twin()))])
    assert [answer.status_code for answer in answers] == [303, 303]
    assert house.rows(f"""
        SELECT COUNT(*), SUM(e.credits) FROM credit_entry e
          JOIN event_registration r ON r.credit_entry_id = e.reversed_entry_id
         WHERE r.id = {registration_id}""") == [(1, PRICE)]
    assert house.rows(
        f"SELECT remaining, expiry_date = CURRENT_DATE - 1 OR expiry_date < CURRENT_DATE "
        f"FROM credit_lot WHERE id = {lot_id}") == [(PRICE, True)]
    # The rule: a refund never lengthens the life of a credit. The next expiry takes it.
    with house.env() as env:
        env["credit.wallet"].search([("partner_id", "=", owner.partner_id)])._expire_lots()
    assert house.rows(f"SELECT remaining FROM credit_lot WHERE id = {lot_id}") == [(0,)]
    invariants.check(house)
