"""INSAHO §3.2 (docs/spec): « S'abonner à un pack récurrent », by HTTP against running servers."""

import re
import time
import uuid
from functools import partial

import psycopg2
import pytest

from tests import invariants
from tests.house import at_once
from tests.test_insaho_flow_http import (
    balance,
    check_mailed_once,
    checkout,
    order_pack,
    pay_by_card,
    wake,
)
from tests.test_subscription_browser import pass_days
from tests.test_wallet_races import notify, wallet_of

ADDONS = ("invoice_europe_booking", "invoice_europe_subscription", "subscription_credit")
NOTIFICATIONS = 10
PLAN = "INSAHO mensuel"


def order_plan(house, visitor):
    """Choose the plan on the pricing page, up to the card: §3.2.

    :return: the reference of the payment that now waits for the card
    """
    page = visitor.get("/subscriptions").text
    card = page.split(PLAN)[1].split("</form>")[0]
    assert "10 crédits par mois, à utiliser jusqu’à la fin de chaque période" in card
    cart = visitor.post("/subscriptions/subscribe", {
        "csrf_token": visitor.csrf(),
        "price_id": re.search(r'name="price_id" value="(\d+)"', card)[1]})
    assert cart.url.endswith("/shop/cart") and PLAN in cart.text, cart.url
    return checkout(house, visitor)


def subscription_of(house, visitor):
    """Return the subscription's id, and that of its only period."""
    [row] = house.rows(
        "SELECT s.id, p.id FROM subscription_subscription s JOIN subscription_period p "
        f"ON p.subscription_id = s.id WHERE s.partner_id = {visitor.partner_id}")
    return row


def lots_of(house, visitor):
    """List the credits granted and their value, of each lot."""
    return house.rows(
        "SELECT l.granted, l.value_granted FROM credit_lot l "
        f"WHERE l.partner_id = {visitor.partner_id} ORDER BY l.id")


def test_insaho_3_subscribe_and_book(house):
    """§3.2, §3.3, §3.6: the plan, its credits in the wallet, a session booked with them."""
    visitor = house.customer()
    # §2.2: not enough credits for a session, then to the plans, and back once they are paid.
    session_id = house.session(capacity=5, price=3)
    visitor.get(f"/credits/packs?back=/trainings/{session_id}")
    assert 'href="/subscriptions"' in visitor.get("/my/credits").text
    confirmation = pay_by_card(visitor, order_plan(house, visitor))
    assert balance(confirmation.text) == "10 crédits"
    assert f'href="/trainings/{session_id}"' in confirmation.text
    assert lots_of(house, visitor) == [(10, 220)]
    subscription_id, _period_id = subscription_of(house, visitor)

    # §2.3 and §2.6: subscription, wallet and mail say where the credits come from.
    number, last_day = house.rows(
        "SELECT s.name, to_char(p.date_end - 1, 'DD/MM/YYYY') FROM subscription_period p "
        "JOIN subscription_subscription s ON s.id = p.subscription_id "
        f"WHERE s.id = {subscription_id}")[0]
    page = visitor.get(f"/my/subscriptions/{subscription_id}").text
    assert f"10 crédits par mois, à utiliser jusqu’au {last_day}" in page
    wallet = visitor.get("/my/credits").text
    assert number in wallet and balance(wallet) == "10 crédits"
    house.mailbox.wait_for_mail(visitor.login, "Votre abonnement a ajouté")

    # §3.5 to §3.7: a session costs credits of the subscription, and becomes income.
    assert "/my/trainings/" in visitor.book(session_id).url
    assert wallet_of(house, visitor) == 7
    assert house.rows(
        "SELECT -line.balance FROM account_move_line line "
        "JOIN account_move m ON m.id = line.move_id "
        "JOIN credit_entry e ON e.id = m.credit_entry_id "
        f"WHERE e.partner_id = {visitor.partner_id} AND e.kind = 'booking' "
        "AND line.display_type = 'product' AND line.balance < 0") == [(66,)]
    check_mailed_once(house, visitor, "Facture", 2)
    invariants.check(house)


def test_every_purchase_is_invoiced_to_an_english_customer(house):
    """A pack, a subscription, its next period and a booking: an invoice each, mailed once."""
    visitor, = house.customers(1, lang="en_US")
    pay_by_card(visitor, order_pack(house, visitor, 5))
    pay_by_card(visitor, order_plan(house, visitor))
    assert "/my/trainings/" in visitor.book(house.session(price=3)).url
    subscription_id, _period_id = subscription_of(house, visitor)
    pass_days(house, subscription_id, 35)
    wake(house, "ir_cron_renew")
    [(periods,)] = house.rows(
        f"SELECT COUNT(*) FROM subscription_period WHERE subscription_id = {subscription_id}")
    assert periods > 1
    check_mailed_once(house, visitor, "Invoice", 2 + periods)


def test_another_customer_gets_404(house):
    """Neither the subscription nor its credits are for the eyes of others."""
    owner, other = house.customers(2)
    pay_by_card(owner, order_plan(house, owner))
    subscription_id, _period_id = subscription_of(house, owner)
    assert owner.get(f"/my/subscriptions/{subscription_id}").status_code == 200
    assert other.get(f"/my/subscriptions/{subscription_id}").status_code == 404
    assert balance(other.get("/my/credits").text) == "0 crédit"


def pay_once_told_often(house, notifications=NOTIFICATIONS):
    """Pay once, told ten times by the browser and the provider on two servers; then run ten jobs at
    once that find the invoice paid.
    """
    visitor = house.customer()
    reference = order_plan(house, visitor)
    at_once([
        partial(notify, visitor.twin(), reference, number % len(house.urls))
        for number in range(notifications)])
    deadline = time.monotonic() + 60
    while notify(visitor, reference, 0):  # as the page does, until it is told of the payment
        assert time.monotonic() < deadline, "the payment was never confirmed"
        time.sleep(0.5)
    _subscription_id, period_id = subscription_of(house, visitor)
    at_once([partial(tell_paid, house, period_id) for _job in range(NOTIFICATIONS)])
    lots = lots_of(house, visitor)
    assert len(lots) == 1, f"{len(lots)} lots for one payment"
    assert lots == [(10, 220)] and wallet_of(house, visitor) == 10
    assert house.rows(
        "SELECT state, payment_state FROM account_move "
        f"WHERE partner_id = {visitor.partner_id} AND move_type = 'out_invoice'"
    ) == [("posted", "paid")]
    invariants.check(house)


def tell_paid(house, period_id):
    """Do what a payment does to the invoice of the period, in its own transaction, tried again as
    Odoo does; a server that gave up would be asked again.
    """
    from odoo.service.model import retrying

    for _request in range(20):
        try:
            with house.env() as env:
                period = env["subscription.period"].browse(period_id)
                return retrying(period.invoice_id._invoice_paid_hook, env)
        except psycopg2.errors.SerializationFailure:
            continue
    raise AssertionError("the payment could not be told")


def test_payment_notified_ten_times_at_once(house):
    """10 notifications of one payment, and 10 jobs: one lot of 10 credits."""
    pay_once_told_often(house)


def test_payment_notified_negative_control(house, monkeypatch):
    """Jobs that forget the period and its key grant again, and the test says so."""
    with house.env() as env:
        model = env.registry["subscription.period"]
    prepare = model._prepare_credit_grant

    def forgetful(self, wallet):
        grant = prepare(self, wallet)
        return {**grant, "key": uuid.uuid4().hex, "entry_vals": {"origin": "Control"}}

    monkeypatch.setattr(model, "_prepare_credit_grant", forgetful)
    monkeypatch.setattr(model, "_credit_grants", lambda self: {})
    with pytest.raises(AssertionError, match=rf"{NOTIFICATIONS + 1} lots for one payment"):
        pay_once_told_often(house, notifications=1)
