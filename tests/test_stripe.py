"""Issue 6: cards by Stripe, against running servers: Odoo's, and the payment server in Stripe's
place.

The whole of it: ``STRIPE_REPETITIONS=50 STRIPE_ORDERS=200 STRIPE_KILLS=50 make test
ARGS=tests/test_stripe.py``.
"""

import base64
import contextlib
import io
import os
import random
import re
import signal
import time
from datetime import date, timedelta
from functools import partial

import openpyxl
import psycopg2
import pytest
import stripe

from tests import invariants
from tests.house import NO_PAYMENT_LOCK, NO_ROOM_FOR_PAYMENT, Visitor, at_once
from tests.payment_house import EFFECT_WITHIN, PaymentHouse, wait_for
from tests.test_desk_races import call
from tests.test_insaho_flow_http import json_answer, json_call
from tests.test_subscription_credit import lots_of, order_plan, subscription_of

ADDONS = ("subscription_credit", "subscription_stripe")
REPETITIONS = int(os.environ.get("STRIPE_REPETITIONS", "3"))
ORDERS = int(os.environ.get("STRIPE_ORDERS", "4"))
FIRST_MAILS = [
    "Paiement reçu", "Votre abonnement", "Votre abonnement a ajouté à votre portefeuille"]
KILLS = int(os.environ.get("STRIPE_KILLS", "3"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    made = PaymentHouse("caps_test_stripe", tmp_path_factory.mktemp("stripe"))
    yield made.start()
    made.stop()


@pytest.fixture(autouse=True)
def understood(shop):
    """Check after each test that Stripe understood each request, and that no event failed."""
    yield
    assert shop.stripe.refused() == []
    assert shop.rows("SELECT kind, error FROM stripe_event WHERE state = 'failed'") == []


# Payments, refusals, refunds ----------------------------------------------------------------------


def test_first_payment_by_the_webhook_alone(shop):
    """The customer closes the page at the bank: order, invoice, credits, card, in 5 seconds."""
    for visitor in shop.customers(2):  # the first finds the server cold
        reference = order_plan(shop, visitor)
        shop.stripe.confirm_payment(shop.intent(reference)["client_secret"])
        wait_for(lambda visitor=visitor: lots_of(shop, visitor) == [(10, 220)])
    told = [each for each in shop.stripe.deliveries("payment_intent.succeeded")][-1]["at"]
    seconds = time.time() - told
    assert seconds < EFFECT_WITHIN, f"{seconds:.1f} s after the webhook"
    shop.settled()
    assert shop.rows(
        f"SELECT state FROM sale_order WHERE partner_id = {visitor.partner_id}") == [("sale",)]
    assert shop.rows(
        "SELECT m.payment_state, s.state, p.state, t.stripe_payment_method IS NOT NULL"
        " FROM subscription_subscription s JOIN subscription_period p ON p.subscription_id = s.id"
        " JOIN account_move m ON m.id = p.invoice_id"
        " JOIN payment_token t ON t.id = s.token_id"
        f" WHERE s.partner_id = {visitor.partner_id}") == [
            ("paid", "active", "paid", True)]
    assert shop.payments(visitor) == [("inbound", 26400)]
    assert shop.told(visitor) == FIRST_MAILS
    assert shop.books(visitor) == {"445": -4400, "487": -22000, "Stripe": 26400}
    # The saved card pays the next invoice, off session.
    _subscription_id, period_id = subscription_of(shop, visitor)
    [(token_id,)] = shop.rows(
        "SELECT s.token_id FROM subscription_subscription s JOIN subscription_period p"
        f" ON p.subscription_id = s.id WHERE p.id = {period_id}")
    [renewal] = shop.due(visitor, token_id=token_id)
    shop.charge()
    shop.settled()
    assert shop.period(renewal) == ("paid", "active", "paid", 1)
    invariants.check(shop)


def test_renewal_off_session(shop):
    """Charged once under a reference that names the attempt; the books say so."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor, token_id=shop.save_card(visitor), amount=299.0)
    shop.charge()
    shop.settled()
    assert shop.period(period_id) == ("paid", "active", "paid", 1)
    [(reference, *outcome)] = shop.attempts(period_id)
    assert outcome == ["done", None, None]
    intent = shop.intent(reference)
    assert (intent["amount"], intent["currency"]) == (29900, "eur")
    [asked] = [call for call in shop.stripe.calls("POST", "/v1/payment_intents")
               if call["params"].get("description") == reference]
    assert (asked["params"]["off_session"], asked["params"]["confirm"]) == ("True", "True")
    assert shop.payments(visitor) == [("inbound", 29900)]
    # Receivable is cleared against the account of outstanding receipts of the journal.
    assert shop.rows(
        "SELECT account.account_type, line.balance FROM account_move_line line"
        " JOIN account_payment payment ON payment.move_id = line.move_id"
        " JOIN account_account account ON account.id = line.account_id"
        f" WHERE payment.partner_id = {visitor.partner_id} ORDER BY line.balance") == [
            ("asset_receivable", -299), ("asset_current", 299)]
    assert shop.books(visitor) == {"706": -29900, "Stripe": 29900}
    assert shop.told(visitor) == ["Paiement reçu"]
    shop.charge()
    assert shop.succeeded(reference) == 1


@pytest.mark.parametrize(("reason", "kind", "said"), [
    ("insufficient_funds", "soft", "pas assez d’argent"),
    ("lost_card", "hard", "refuse cette carte"),
    ("authentication_required", "authentication", "confirmer ce paiement"),
])
def test_refused_renewal(shop, reason, kind, said):
    """Past due, told why in French, with a way to pay; a hard refusal is not tried again."""
    visitor = shop.customer()
    token_id = shop.save_card(visitor, "4000002760003184" if kind == "authentication"
                              else "4242424242424242")
    if kind != "authentication":
        [(method,)] = shop.rows(
            f"SELECT stripe_payment_method FROM payment_token WHERE id = {token_id}")
        shop.stripe.card_becomes(method, reason)
    [period_id] = shop.due(visitor, token_id=token_id)
    shop.charge()
    shop.settled()
    shop.charge()  # nothing is due again: the webhook has not queued, nor undone, anything
    assert shop.period(period_id) == ("invoiced", "past_due", "not_paid", 1)
    [(reference, *outcome)] = shop.attempts(period_id)
    assert outcome == ["error", kind, reason]
    assert shop.payments(visitor) == []
    assert shop.books(visitor) == {"411": 10000, "706": -10000}  # the invoice, and nothing else
    assert shop.told(visitor) == ["Paiement refusé"]
    failed = [each for each in shop.subjects(visitor) if "Paiement refusé" in each]
    assert len(failed) == 1, shop.subjects(visitor)
    with shop.env() as env:
        period = env["subscription.period"].browse(period_id)
        assert said in period.transaction_ids.state_message
        body = env["mail.mail"].search(
            [("recipient_ids", "in", visitor.partner_id), ("subject", "=", failed[0])]).body_html
        assert said in body and "payment=True" in body
        assert bool(period._why_not_to_charge()) == (kind != "soft")
    assert shop.succeeded(reference) == 0


def test_card_that_fails_on_charge(shop):
    """4000000000000341 can be saved, and fails when it is charged; staff may try again."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor, token_id=shop.save_card(visitor, "4000000000000341"))
    for attempt in (1, 2):
        shop.charge()
        shop.settled()
        assert shop.period(period_id) == ("invoiced", "past_due", "not_paid", attempt)
        assert shop.attempts(period_id)[-1][1:] == ("error", "soft", "generic_decline")
        with shop.env() as env:
            env["subscription.period"].browse(period_id).action_charge()
    assert len({reference for reference, *_rest in shop.attempts(period_id)}) == 2
    assert shop.told(visitor) == ["Paiement refusé"] * 2
    assert shop.payments(visitor) == []
    assert shop.books(visitor) == {"411": 10000, "706": -10000}


def test_refunds_from_odoo_and_from_stripe(shop):
    """Part from the back office, part at Stripe, and never more than was paid."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor, token_id=shop.save_card(visitor))
    shop.charge()
    shop.settled()
    with shop.env() as env:
        transaction = env["subscription.period"].browse(period_id).transaction_ids
        transaction.action_refund(amount_to_refund=30.0)
    shop.settled()
    intent = shop.intent(shop.attempts(period_id)[0][0])
    shop.api.refunds.create({"payment_intent": intent["id"], "amount": 2000})
    shop.settled()
    refunds = [("outbound", 2000), ("outbound", 3000)]
    with shop.env() as env:
        env["payment.transaction"]._cron_post_process()
    assert sorted(shop.payments(visitor)) == [("inbound", 10000), *refunds]
    with shop.env() as env:
        transaction = env["payment.transaction"].browse(transaction.id)
        transaction.action_refund(amount_to_refund=60.0)  # 50 € are left
        refused = transaction.child_transaction_ids.sorted("id")[-1]
        assert (refused.state, refused.amount) == ("error", -60)
        assert "greater than unrefunded amount" in refused.state_message
    with pytest.raises(stripe.InvalidRequestError):
        shop.api.refunds.create({"payment_intent": intent["id"], "amount": 6000})
    shop.settled()
    assert sorted(shop.payments(visitor)) == [("inbound", 10000), *refunds]
    # Money given back without a credit note is due again.
    assert shop.books(visitor) == {"411": 5000, "706": -10000, "Stripe": 5000}
    assert shop.period(period_id)[2] == "paid"
    assert shop.told(visitor) == ["Paiement reçu"]


def test_refund_from_the_invoice(shop):
    """A credit note for a part, and one for the rest: back to the card, and settled by it. Both
    clicks of an impatient accountant are one refund."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor, token_id=shop.save_card(visitor))
    shop.charge()
    shop.settled()
    admin = Visitor(shop, "admin", "admin")
    for amount in (40.0, 60.0):
        note_id = credit_note(shop, period_id, amount)
        answers = at_once([partial(
            call, admin.twin(), "account.move", "action_refund_to_card", [note_id])] * 2)
        errors = [answer["error"]["data"]["name"] for answer in answers if "error" in answer]
        assert set(errors) <= {"odoo.exceptions.UserError"}, answers
        shop.settled()
        assert shop.rows(
            "SELECT state, payment_state, amount_residual FROM account_move"
            f" WHERE id = {note_id}") == [("posted", "paid", 0)]
    assert shop.payments(visitor) == [
        ("inbound", 10000), ("outbound", 4000), ("outbound", 6000)]
    [(reference, *_rest)] = shop.attempts(period_id)
    assert shop.books(visitor) == {}  # all is even: income, receivable, and Stripe
    assert shop.period(period_id)[:3] == ("paid", "active", "paid")
    assert shop.told(visitor) == ["Paiement reçu"]
    charge = shop.stripe.get(f"charges/{shop.intent(reference)['latest_charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (10000, True)


def credit_note(shop, period_id, amount):
    """Post a credit note of a part of the period's invoice.

    :return: its id
    """
    with shop.env() as env:
        invoice = env["subscription.period"].browse(period_id).invoice_id
        note = invoice._reverse_moves()
        note.invoice_line_ids.price_unit = amount
        note.action_post()
        return note.id


def test_pay_by_link(shop):
    """Bank transfer, and providers that keep no means of payment (as PayPal; here Odoo's own of
    that kind): nothing is charged by itself, each invoice is sent with a link to pay it."""
    visitor = shop.customer()
    by_transfer, by_provider = (shop.due(visitor)[0] for _subscription in range(2))
    shop.charge()
    assert shop.attempts(by_transfer) + shop.attempts(by_provider) == []
    with shop.env() as env:  # the mails that wait for Odoo's scheduled action, without the others
        invoices = env["account.move"].browse(map(shop.invoice, (by_transfer, by_provider)))
        assert all(invoices.mapped("sending_data"))
        env["account.move.send"]._generate_and_send_invoices(invoices, from_cron=True)
        mails = env["mail.mail"].search([("recipient_ids", "in", visitor.partner_id)])
        assert all("/mail/view?" in mail.body_html for mail in mails)
    assert shop.told(visitor) == ["Facture FAC"] * 2
    with shop.env() as env:
        demo = env.ref("payment.payment_provider_demo")
        demo.write({"is_published": True, "allow_tokenization": False})
        method = demo.payment_method_ids[:1].code
        transfer = env.ref("payment.payment_provider_transfer")
        transfer.write({"state": "enabled", "is_published": True})
        transfer.payment_method_ids.active = True
    reference = shop.start_payment(
        visitor, shop.invoice(by_provider), 100.0, **shop.by("demo", method, tokenize=True))
    shop.execute("UPDATE payment_provider SET is_published = FALSE WHERE code = 'demo'")
    json_call(visitor, "/payment/demo/simulate_payment", reference=reference,
              payment_details="4242", simulated_state="done")
    shop.wait_on_page(visitor)
    assert shop.period(by_provider)[:3] == ("paid", "active", "paid")
    reference = shop.start_payment(visitor, shop.invoice(by_transfer), 100.0, **shop.by(
        "custom", "wire_transfer", flow="redirect"))
    visitor.post("/payment/custom/process", {"reference": reference})
    assert shop.period(by_transfer)[:3] == ("invoiced", "active", "not_paid")
    assert shop.payments(visitor) == [("inbound", 10000)]
    with shop.env() as env:  # the money is on the bank's statement
        env["account.payment.register"].with_context(
            active_model="account.move", active_ids=[shop.invoice(by_transfer)],
        ).create({})._create_payments()
    assert shop.period(by_transfer)[:3] == ("paid", "active", "paid")
    assert shop.payments(visitor) == [("inbound", 10000)] * 2
    assert shop.rows(
        f"SELECT 1 FROM payment_token WHERE partner_id = {visitor.partner_id}") == []
    assert shop.told(visitor) == [
        *["Facture FAC"] * 2, *["Paiement reçu"] * 2]


# Unanswered requests ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [
    "drop_after", "drop_before", "error_after", "error_before", "error_kept"])
def test_unanswered_request(shop, kind):
    """500 after the effect, connection cut: charged once, and known here, with no webhook."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor, token_id=shop.save_card(visitor))
    with shop.stripe.hold(then="drop"):
        with shop.stripe.fault(kind, "POST", "/v1/payment_intents") as fault:
            shop.charge()
        assert fault.hits == 1
        if kind.endswith("before"):
            assert shop.attempts(period_id)[0][1] == "pending"
        for _run in range(2):
            shop.ask()
    [(reference, state, *_rest)] = shop.attempts(period_id)
    assert (state, shop.succeeded(reference)) == ("done", 1)
    assert shop.period(period_id) == ("paid", "active", "paid", 1)
    assert shop.payments(visitor) == [("inbound", 10000)]


def test_stripe_is_away(shop):
    """Neither charge nor search is answered: pending, told to nobody, then settled."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor, token_id=shop.save_card(visitor))
    with shop.stripe.fault("drop_before", "*", "/v1/*", times=100):
        shop.charge()
        shop.ask()
    [(reference, state, *_rest)] = shop.attempts(period_id)
    assert (state, shop.succeeded(reference)) == ("pending", 0)
    assert shop.period(period_id) == ("invoiced", "active", "not_paid", 1)
    shop.ask()
    assert shop.period(period_id) == ("paid", "active", "paid", 1)
    assert shop.succeeded(reference) == 1


def test_killed_between_charge_and_commit(shop):
    """kill -9 when Stripe has taken the money and Odoo has not written it down."""
    visitor = shop.customer()
    token_id = shop.save_card(visitor)
    for number in range(KILLS):
        [period_id] = shop.due(visitor, token_id=token_id, amount=10.0 + number)
        reference = charge_and_kill(shop, period_id)
        assert (shop.succeeded(reference), shop.attempts(period_id)[0][1]) == (1, "draft")
        something_changes(shop, visitor, reference, number % 3)
        shop.charge()
        assert shop.succeeded(reference) == 1
        assert shop.period(period_id) == ("paid", "active", "paid", 1)
    shop.settled()
    assert len(shop.payments(visitor)) == KILLS


def test_charged_once_by_two_runs(shop):
    """Two workers have the same list: whoever comes second finds the period charged, though the
    first has yet to post the payment."""
    visitors = shop.customers(3)
    periods = [shop.due(visitor, token_id=shop.save_card(visitor))[0] for visitor in visitors]
    at_once([shop.charge] * 2)
    shop.settled()
    for visitor, period_id in zip(visitors, periods, strict=True):
        assert [attempt[1] for attempt in shop.attempts(period_id)] == ["done"]
        assert shop.period(period_id) == ("paid", "active", "paid", 1)
        assert shop.payments(visitor) == [("inbound", 10000)]


def test_not_charged_while_the_customer_pays(shop):
    """The bank has said yes to the customer's browser, and nothing is posted yet: the run that
    comes meanwhile leaves the saved card alone."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor, token_id=shop.save_card(visitor))
    with shop.stripe.hold():
        reference = shop.start_payment(
            visitor, shop.invoice(period_id), 100.0, **shop.by_card())
        intent = shop.intent(reference)
        shop.stripe.confirm_payment(intent["client_secret"])
        shop.come_back(visitor, reference, intent)
        shop.charge()
        assert shop.attempts(period_id) == []
    shop.settled()
    assert shop.period(period_id)[:3] == ("paid", "active", "paid")
    assert shop.payments(visitor) == [("inbound", 10000)]


def test_two_tabs_pay_one_invoice(shop):
    """The form that was opened last takes the money, and the other one no more."""
    pay_in_two_tabs(shop)


def test_two_tabs_negative_control(shop):
    """One after the other: at the same moment, they would have one reference."""
    with shop.guard_off(NO_ROOM_FOR_PAYMENT), pytest.raises(AssertionError, match="taken twice"):
        pay_in_two_tabs(shop, start=lambda actions: [action() for action in actions])


def pay_in_two_tabs(shop, start=at_once):
    """« Payer maintenant » in both, at the same moment; the card is typed in both."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor)
    invoice_id = shop.invoice(period_id)
    references = start([
        partial(shop.start_payment, visitor.twin(), invoice_id, 100.0, **shop.by_card())
        for _tab in range(2)])
    for reference in references:  # Stripe refuses what was withdrawn
        shop.stripe.confirm_payment(shop.intent(reference)["client_secret"])
    shop.settled()
    assert shop.payments(visitor) == [("inbound", 10000)], "the money was taken twice"
    assert shop.period(period_id)[0] == "paid"


def test_credit_is_used_once_by_two_runs(shop):
    """60.00 in favour, and two invoices of 100.00 made at the same moment: 140.00 is left to pay.

    There is no negative control: without our lock, PostgreSQL refuses the second one that writes
    the row of the credit, and the run starts again all the same.
    """
    visitor = shop.customer()
    [period_id] = shop.due(visitor)
    with shop.env() as env:
        env["account.payment.register"].with_context(
            active_model="account.move", active_ids=[shop.invoice(period_id)],
        ).create({})._create_payments()
    note_id = credit_note(shop, period_id, 60.0)

    def renew():
        while True:
            with contextlib.suppress(psycopg2.errors.SerializationFailure):
                return shop.due(visitor)[0]

    both = at_once([renew] * 2)
    [(left,)] = shop.rows(
        "SELECT sum(move.amount_residual) FROM subscription_period period"
        " JOIN account_move move ON move.id = period.invoice_id"
        f" WHERE period.id IN {tuple(both)}")
    assert (left, shop.rows(f"SELECT amount_residual FROM account_move WHERE id = {note_id}")) == (
        140, [(0,)])


def something_changes(shop, visitor, reference, case):
    """Change something before the next worker comes: nothing, the day, or the customer's address.
    """
    if case == 1:  # Stripe has forgotten the idempotency key
        shop.stripe.forget_keys()
        with shop.env() as env:
            env.cr.execute(
                "UPDATE payment_transaction SET create_date = create_date - interval '2 days'"
                " WHERE reference = %s", [reference])
    elif case == 2:  # Stripe refuses the key with another address
        with shop.env() as env:
            env["res.partner"].browse(visitor.partner_id).street = reference


def charge_and_kill(shop, period_id):
    """Start a worker that charges, and kill it before it can write the answer down: its row is
    locked from outside while it waits for Stripe.

    :return: the reference of the charge
    """
    with shop.stripe.hold(then="drop"), shop.stripe.fault(
            "latency", "POST", "/v1/payment_intents", seconds=0.5):
        worker = shop.worker_that_charges()
        [(reference,)] = wait_for(lambda: shop.rows(
            "SELECT reference FROM payment_transaction"
            f" WHERE subscription_period_id = {period_id}"))
        with contextlib.closing(psycopg2.connect(dbname=shop.name)) as other:
            other.cursor().execute(
                f"SELECT 1 FROM payment_transaction WHERE reference = '{reference}' FOR UPDATE")
            wait_for(lambda: shop.succeeded(reference))
            os.kill(worker, signal.SIGKILL)
    return reference


# At the same moment -------------------------------------------------------------------------------


def test_webhook_while_the_order_is_post_processed(shop):
    """Page and webhooks at once: the order confirmed, invoiced, paid, and granted, once. The
    later one waits for the other and looks again, before any key of the database has to say no."""
    before = broken_keys(shop)
    for _round in range(REPETITIONS):
        pay_from_all_sides(shop)
    assert broken_keys(shop) == before
    invariants.check(shop)


def test_webhook_negative_control(shop):
    """Where nobody waits nor asks again, a conflict is swallowed, and the test says so."""
    with shop.guard_off(NO_PAYMENT_LOCK), pytest.raises(AssertionError, match="put off"):
        pay_from_all_sides(shop)
    with shop.env() as env:  # as staff would
        env["stripe.event"].search([("state", "=", "received")]).action_replay()
        env["stripe.event"]._cron_work()
    shop.settled()


def pay_from_all_sides(shop):
    """Pay while Stripe takes its time to answer the first webhook: the page and more webhooks come
    meanwhile, and the page asks until it is told.
    """
    visitor = shop.customer()
    reference = order_plan(shop, visitor)
    intent = shop.intent(reference)
    with shop.stripe.hold(then="drop"), shop.stripe.fault(
            "latency", "GET", "/v1/payment_intents/*", seconds=0.3) as slow:
        shop.stripe.confirm_payment(intent["client_secret"])
        events = shop.stripe.events("payment_intent.succeeded")[-1:]
        shop.deliver(events)
        wait_for(lambda: slow.hits)
        at_once([
            partial(shop.come_back, visitor.twin(), reference, intent),
            *[partial(shop.wait_on_page, visitor.twin())] * 2,
            *[partial(shop.deliver, events)] * 2])
    assert_none_put_off(shop)
    assert shop.rows(
        "SELECT o.state, t.state FROM sale_order o JOIN sale_order_transaction_rel r"
        " ON r.sale_order_id = o.id JOIN payment_transaction t ON t.id = r.transaction_id"
        f" WHERE t.reference = '{reference}' AND t.is_post_processed") == [("sale", "done")]
    assert shop.rows(
        "SELECT state, payment_state FROM account_move WHERE move_type = 'out_invoice'"
        f" AND partner_id = {visitor.partner_id}") == [("posted", "paid")]
    assert lots_of(shop, visitor) == [(10, 220)]
    assert len(shop.payments(visitor)) == 1
    assert len([each for each in shop.subjects(visitor) if "Paiement reçu" in each]) == 1


def assert_none_put_off(shop):
    """Check that a conflict is tried again at once, not in a minute by the scheduled action."""
    wait_for(lambda: not shop.rows(
        "SELECT 1 FROM stripe_event WHERE state = 'processing'"
        " OR state = 'received' AND attempts = 0"))
    waiting = shop.rows("SELECT kind, error FROM stripe_event WHERE state = 'received'")
    assert waiting == [], f"put off: {waiting}"


def broken_keys(shop):
    """Count how often two made the same row, and the database refused the second."""
    return len(re.findall("duplicate key value violates", shop.log()))


def test_life_in_any_order(shop):
    """Trial, paid, refused, paid, refunded twice, disputed: told in any order, up to three times
    each, by four threads at once. The end is the same: states, entries, mails."""
    ends = [live(shop, random.Random(seed)) for seed in range(ORDERS)]
    end = ends[0]
    for name in end:
        assert [each[name] for each in ends] == [end[name]] * ORDERS
    assert [period[:3] for period in end["periods"]] == [
        ("paid", "past_due", "paid"), ("invoiced", "past_due", "partial")]
    assert end["left to pay"] == [(55,)]
    assert end["books"] == {"411": 5500, "627": 2000, "Stripe": -7500}
    assert not [row for row in end["events"] if row[1] not in ("done", "ignored")]


def live(shop, chance):
    """Live a life at Stripe while nothing is told; then tell all of it.

    :return: how it ends: states, payments, books, mails, and what became of the events
    """
    visitor = shop.customer()
    first, period_id = periods_after_trial(shop, visitor)
    known = {event["id"] for event in shop.stripe.events()}
    with shop.stripe.hold(then="drop"):
        intent = shop.pay_invoice(visitor, shop.invoice(first), 100.0)
        shop.stripe.confirm_payment(intent["client_secret"])
        intent = shop.pay_invoice(visitor, shop.invoice(period_id), 100.0)
        shop.stripe.confirm_payment(intent["client_secret"], "4000000000009995")
        paid = shop.stripe.confirm_payment(intent["client_secret"])
        for amount in (3000, 1500):
            shop.api.refunds.create({"payment_intent": intent["id"], "amount": amount})
        dispute = shop.stripe.dispute(paid["latest_charge"])
        shop.stripe.close_dispute(dispute["id"], "lost")
    events = [event for event in shop.stripe.events() if event["id"] not in known]
    deliver_shuffled(shop, events, chance)
    shop.settled()
    ids = ",".join(repr(event["id"]) for event in events)
    return {
        "periods": [shop.period(first), shop.period(period_id)],
        "left to pay": shop.rows(
            f"SELECT amount_residual FROM account_move WHERE id = {shop.invoice(period_id)}"),
        "books": booked(shop, dispute),
        "payments": sorted(shop.payments(visitor)),
        "transactions": shop.rows(
            "SELECT operation, state, amount, is_post_processed FROM payment_transaction"
            f" WHERE partner_id = {visitor.partner_id} ORDER BY amount"),
        "mails": shop.told(visitor),
        "events": shop.rows(
            "SELECT kind, state, count(*) FROM stripe_event"
            f" WHERE event_id IN ({ids}) GROUP BY kind, state ORDER BY kind, state"),
    }


def periods_after_trial(shop, visitor):
    """Make a subscription whose trial ends today, and the two periods billed after it.

    :return: their ids
    """
    with shop.env() as env:
        plan = env["subscription.plan"].create({
            "name": "Avec essai", "taxes_id": False, "trial_days": 7,
            "price_ids": [(0, 0, {"interval_unit": "month", "amount": 100.0})]})
        subscription = env["subscription.subscription"].create({
            "partner_id": visitor.partner_id, "plan_id": plan.id,
            "price_id": plan.price_ids.id, "tz": "Europe/Paris"})
        subscription.anchor_date = subscription._today() - timedelta(days=7)
        subscription._start()
        assert subscription.state == "trial"
        return [subscription._renew().id for _period in range(2)]


def deliver_shuffled(shop, events, chance):
    copies = [event for event in events for _copy in range(chance.randint(1, 3))]
    chance.shuffle(copies)
    at_once([partial(shop.stripe.deliver, copies[thread::4]) for thread in range(4)])


# Disputes -----------------------------------------------------------------------------------------


def contested(shop, visitor, **how):
    """Make a renewal that the saved card paid, and that its holder contests.

    :return: ids of the period and of the card, and the dispute at Stripe
    """
    token_id = shop.save_card(visitor)
    [period_id] = shop.due(visitor, token_id=token_id)
    shop.charge()
    shop.settled()
    [(reference, *_rest)] = shop.attempts(period_id)
    dispute = shop.stripe.dispute(shop.intent(reference)["latest_charge"], **how)
    shop.settled()
    return period_id, token_id, dispute


def booked(shop, dispute):
    """Sum the cents that a dispute put on each account, by its first digits."""
    with shop.env() as env:
        ours = env["payment.dispute"].search([("reference", "=", dispute["id"])])
        account = ours.provider_id._stripe_account()
        balances = {}
        for line in (ours.balance_ids.move_id + ours.loss_move_id).line_ids:
            code = "Stripe" if line.account_id == account else line.account_id.code[:3]
            balances[code] = balances.get(code, 0) + round(line.balance * 100)
        return {code: balance for code, balance in balances.items() if balance}


def test_dispute_lost(shop):
    """The money leaves, the service stops, the card is spared; lost, the invoice is due again."""
    visitor = shop.customer()
    period_id, token_id, dispute = contested(shop, visitor)
    assert shop.period(period_id)[:3] == ("paid", "suspended", "paid")
    assert booked(shop, dispute) == {"416": 10000, "627": 2000, "Stripe": -12000}
    [other] = shop.due(visitor, token_id=token_id)
    shop.charge()
    assert shop.attempts(other) == []
    shop.stripe.close_dispute(dispute["id"], "lost")
    shop.settled()

    def ending():
        return shop.period(period_id)[:3], booked(shop, dispute), shop.subjects(visitor)

    end = ending()
    assert end[:2] == (("invoiced", "suspended", "not_paid"),
                       {"411": 10000, "627": 2000, "Stripe": -12000})
    with shop.env() as env:  # staff have every event looked at again
        env["stripe.event"].search([("object_ref", "=", dispute["id"])]).action_replay()
        env["stripe.event"]._cron_work()
    assert ending() == end
    # The customer pays with another card in the end.
    intent = shop.pay_invoice(visitor, shop.invoice(period_id), 100.0)
    shop.stripe.confirm_payment(intent["client_secret"])
    shop.settled()
    assert shop.period(period_id)[:3] == ("paid", "active", "paid")


def test_evidence_is_sent_once(shop):
    """Left unanswered, then two clicks at once: the bank reads one answer, and we win."""
    visitor = shop.customer()
    period_id, _token_id, dispute = contested(shop, visitor, reason="subscription_canceled")
    with shop.env() as env:
        ours = env["payment.dispute"].search([("reference", "=", dispute["id"])])
        pieces = {line.name: line for line in ours.evidence_ids}
        pieces["cancellation_policy"].write({
            "file": base64.b64encode(b"%PDF-1.4 terms"), "file_name": "conditions.pdf"})
        pieces["uncategorized_text"].text = "winning_evidence"
    admin = Visitor(shop, "admin", "admin")

    def submit():
        return call(admin.twin(), "payment.dispute", "action_submit", [ours.id])

    path = f"/v1/disputes/{dispute['id']}"
    with shop.stripe.hold():
        with shop.stripe.fault("drop_after", "POST", path):
            unanswered = submit()
        assert "Click again" in unanswered["error"]["data"]["message"]
        answers = at_once([submit] * 2)
    errors = [answer["error"]["data"]["message"] for answer in answers if "error" in answer]
    assert len(errors) == 1 and "No answer is expected" in errors[0]
    shop.settled()
    theirs = shop.stripe.get(f"disputes/{dispute['id']}")
    assert (theirs["evidence_details"]["submission_count"], theirs["status"]) == (1, "won")
    stored = shop.stripe.get(f"files/{theirs['evidence']['cancellation_policy']}")
    assert (stored["filename"], stored["size"]) == ("conditions.pdf", 14)
    assert theirs["evidence"]["customer_name"] == "Client " + visitor.login[:4]
    assert shop.period(period_id)[:3] == ("paid", "active", "paid")
    assert booked(shop, dispute) == {"627": 2000, "Stripe": -2000}


def test_written_off_by_two_at_once(shop):
    """Both accountants are content, and the loss is on the books once."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor)
    admin = Visitor(shop, "admin", "admin")

    def write_off(wizard):
        return call(admin.twin(), "subscription.write.off", "action_confirm", [wizard])

    made = [call(admin, "subscription.write.off", "create", [{"period_id": period_id}])["result"]
            for _wizard in range(2)]
    answers = at_once([partial(write_off, *wizard) for wizard in made])
    assert [answer for answer in answers if "error" in answer] == []
    assert shop.rows(
        "SELECT count(*) FROM account_move"
        f" WHERE written_off_invoice_id = {shop.invoice(period_id)}") == [(1,)]
    assert shop.period(period_id)[:2] == ("written_off", "ended")


# The month ----------------------------------------------------------------------------------------


def test_month_agrees_with_the_balance(shop):
    """Accountant's view: payments, a refund, disputes lost and won, fees and a payout of a month;
    the account equals Stripe's balance to the cent."""
    bank = shop.stripe.other_account("month")
    provider_id = merchant(shop, bank, ("517900", "STRM"))
    visitors = shop.customers(4)
    charges = [charged(shop, bank, provider_id, visitor) for visitor in visitors]
    api = stripe.StripeClient(bank.secret_key, base_addresses={"api": bank.url}).v1
    api.refunds.create({"charge": charges[0], "amount": 4000})
    for charge, verdict in zip(charges[1:], ("lost", "won"), strict=False):
        dispute = bank.dispute(charge)
        api.disputes.update(dispute["id"], {
            "evidence": {"uncategorized_text": {
                "lost": "losing_evidence", "won": "winning_evidence"}[verdict]}})
    api.payouts.create({"amount": 5000, "currency": "eur"})
    bank.wait_for_deliveries()
    shop.settled()
    with shop.env() as env:
        env["payment.transaction"]._cron_post_process()
        statement_id = env["stripe.statement"].create({"provider_id": provider_id}).id
    admin = Visitor(shop, "admin", "admin")
    answers = at_once([partial(
        call, admin.twin(), "stripe.statement", "action_fetch", [statement_id])] * 2)
    assert [answer for answer in answers if "error" in answer] == []
    assert_agrees(shop, bank, statement_id)
    book = admin.get(f"/stripe/statement/{statement_id}.xlsx")
    rows = list(openpyxl.load_workbook(io.BytesIO(book.content)).worksheets[1].values)
    assert len(rows) == 1 + 4 + 1 + 3 + 1
    assert visitors[0].get(f"/stripe/statement/{statement_id}.xlsx").status_code == 404
    assert bank.refused() == []


def test_the_demo(shop):
    """What `make demo` puts before staff: each customer as its story ends, in the inbox nothing
    that waits, two differences, and a month that agrees once the missing payment is taken over."""
    from ops.demo_payments import ACCOUNT, Month

    bank = shop.stripe.other_account("demo")
    provider_id = merchant(shop, bank, ACCOUNT)
    month = Month(shop.name, bank, provider_id)
    month.tell()
    with shop.env() as env:
        assert {name: shown(env, id) for name, id in month.subscriptions.items()} == {
            "Inès Moreau": ("active", "paid", False, [None]),
            "Julien Faure": ("past_due", "invoiced", True, ["soft"]),
            "Marc Dubois": ("past_due", "invoiced", True, ["hard"]),
            "Aïcha Diallo": ("past_due", "invoiced", True, ["authentication"]),
            "Claire Fontaine": ("active", "paid", False, [None]),
            "Thomas Girard": ("suspended", "paid", False, [None]),
            "Élodie Perrin": ("active", "invoiced", False, []),
        }
        provider = env["payment.provider"].browse(provider_id)
        assert (provider.state, provider.is_published) == ("test", False)
        health = env["stripe.health"].browse(provider_id)
        assert (health.waiting_count, health.failed_count, health.difference_count) == (0, 0, 2)
        [dispute] = env["payment.dispute"].search([("provider_id", "=", provider_id)])
        assert (dispute.partner_id.name, dispute.status) == ("Thomas Girard", "needs_response")
        assert dispute.due_at and dispute.evidence_ids.filtered("is_done")
        assert env["payment.transaction"].search([
            ("provider_id", "=", provider_id), ("operation", "=", "refund")]).amount == -36
        # « Relancer le paiement », and « Reprendre de Stripe »
        julien = env["subscription.subscription"].browse(month.subscriptions["Julien Faure"])
        julien.action_charge()
        missing = env["stripe.difference"].search([
            ("provider_id", "=", provider_id), ("kind", "=", "unpaid_here")])
        missing.action_take_over()
    shop.charge()
    month.settled()
    with shop.env() as env:
        for name in ("Julien Faure", "Élodie Perrin"):
            assert shown(env, month.subscriptions[name])[:2] == ("active", "paid")
        statement = env["stripe.statement"].search([("provider_id", "=", provider_id)])
        assert (statement.payouts, statement.refunds, statement.disputes) == (-100, -36, -178.8)
        statement.action_fetch()
        assert (statement.difference, statement.stranger_count) == (0, 0)
    assert shop.rows(
        f"SELECT kind FROM stripe_difference WHERE provider_id = {provider_id}"
        " AND state = 'open'") == []
    assert bank.refused() == []


def shown(env, subscription_id):
    """Return (state, of its last period, whether a next step is shown, kinds of refusals)."""
    subscription = env["subscription.subscription"].browse(subscription_id)
    period = subscription.period_ids.sorted("id")[-1]
    return (subscription.state, period.state, bool(period.dunning_next_date),
            [each.decline_kind or None for each in period.transaction_ids])


def assert_agrees(shop, bank, statement_id):
    """Check each movement, both balances, and what the payments were for."""
    balance = bank.get("balance")["available"][0]["amount"]
    with shop.env() as env:
        statement = env["stripe.statement"].browse(statement_id)
        assert {row.kind: row.difference for row in statement.row_ids if row.difference} == {}
        assert (round(statement.closing * 100), statement.difference) == (balance, 0)
        assert (statement.opening, statement.opening_here, statement.stranger_count) == (0, 0, 0)
        assert (statement.payments, statement.refunds, statement.payouts) == (400, -40, -50)
        assert (statement.disputes, statement.fees) == (-100, -(4 * 1.75 + 2 * 20))
        shares = {share.account_id.code[:3]: share.amount for share in statement.share_ids}
        assert shares == {"487": 400}
        entries = statement.row_ids.fee_move_id - statement.row_ids.move_id
        assert len(entries) == 1  # the fees of the day


def merchant(shop, bank, account):
    """Make another company account at Stripe, with an account of its own on the books.

    :param account: codes of it and of its journal

    :return: id of the provider
    """
    from ops.demo_payments import connect, open_account

    with shop.env() as env:
        provider = env.ref("payment.payment_provider_stripe").copy({
            "name": f"Stripe, {bank.account}", "stripe_webhook_secret": False})
        connect(env, bank, provider)
        open_account(env, provider, *account)
        return provider.id


def charged(shop, bank, provider_id, visitor):
    """Make a period, whose price pays for credits, that a card saved with the account has paid.

    :return: id of the charge
    """
    api = stripe.StripeClient(bank.secret_key, base_addresses={"api": bank.url}).v1
    customer = api.customers.create({"name": visitor.login})
    method = api.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    with shop.env() as env:
        token = env["payment.token"].create({
            "provider_id": provider_id, "partner_id": visitor.partner_id,
            "payment_method_id": env.ref("payment.payment_method_card").id,
            "provider_ref": customer.id, "stripe_payment_method": method.id})
    [period_id] = shop.due(visitor, token_id=token.id, granted_credits=10)
    shop.charge()
    [(reference, state, *_rest)] = shop.attempts(period_id)
    assert state == "done"
    [intent] = [each for each in bank.get("payment_intents", limit=100)["data"]
                if each["metadata"]["odoo_reference"] == reference]
    return intent["latest_charge"]


# Tenants and bad input ----------------------------------------------------------------------------


def test_token_of_another_customer(shop):
    """Nobody sees or pays with the other's card: refused by Odoo, unknown to Stripe."""
    owner, thief = shop.customers(2)
    token_id = shop.save_card(owner)
    [period_id] = shop.due(thief)
    [(invoice_id,)] = shop.rows(
        f"SELECT invoice_id FROM subscription_period WHERE id = {period_id}")
    calls = len(shop.stripe.calls("POST", "/v1/payment_intents"))
    answer = json_answer(
        thief, f"/invoice/transaction/{invoice_id}", access_token=None, amount=100.0,
        landing_route="/my", is_validation=False, **{
            **shop.by_card(), "flow": "token", "token_id": token_id, "payment_method_id": None})
    assert "AccessError" in answer["error"]["data"]["name"]
    assert len(shop.stripe.calls("POST", "/v1/payment_intents")) == calls
    assert "4242" not in thief.get("/my/payment_method").text
    assert "4242" in owner.get("/my/payment_method").text
    # Nor does a stolen pair of identifiers work with the keys of another account.
    other = shop.stripe.other_account("other")
    with shop.env() as env:
        token = env["payment.token"].browse(token_id)
        customer, method = token.provider_ref, token.stripe_payment_method
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        stripe.StripeClient(other.secret_key, base_addresses={"api": other.url}).v1\
            .payment_intents.create({
                "amount": 1000, "currency": "eur", "confirm": True, "customer": customer,
                "payment_method": method, "off_session": True})


def test_other_amount_than_ours(shop):
    """Stripe took another amount: nothing is posted, nobody is chased, staff are told."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor)
    [(invoice_id,)] = shop.rows(
        f"SELECT invoice_id FROM subscription_period WHERE id = {period_id}")
    intent = shop.pay_invoice(visitor, invoice_id, 100.0)
    shop.api.payment_intents.update(intent["id"], {"amount": 9000})
    shop.stripe.confirm_payment(intent["client_secret"])
    shop.stripe.wait_for_deliveries()
    [(event_id, error)] = wait_for(lambda: shop.rows(
        "SELECT id, error FROM stripe_event WHERE state = 'failed'"))
    assert "9000 EUR" in error and "10000 EUR" in error
    assert shop.payments(visitor) == []
    assert shop.rows(
        f"SELECT state FROM payment_transaction WHERE partner_id = {visitor.partner_id}"
    ) == [("draft",)]
    with shop.env() as env:
        event = env["stripe.event"].browse(event_id)
        assert event.activity_ids.user_id.has_group("account.group_account_manager")
        event.action_ignore()


def test_card_replaced_and_taken_away(shop):
    """The bank's new number is shown; a card detached at Stripe is not charged any more."""
    visitor = shop.customer()
    token_id = shop.save_card(visitor)
    [(method,)] = shop.rows(
        f"SELECT stripe_payment_method FROM payment_token WHERE id = {token_id}")
    card = f"SELECT payment_details, card_expiry, active FROM payment_token WHERE id = {token_id}"
    year = time.gmtime().tm_year + 4  # see confirm_setup
    assert shop.rows(card) == [("4242", date(year, 12, 31), True)]
    shop.stripe.renew_card(method, number="5555555555554444", exp_year=year + 2, exp_month=2)
    shop.settled()
    [(details, expiry, _active)] = shop.rows(card)
    assert (details, (expiry + timedelta(days=1)).isoformat()) == ("4444", f"{year + 2}-03-01")
    with shop.stripe.hold(then="drop"):
        shop.api.payment_methods.detach(method)
    customer = shop.rows(f"SELECT provider_ref FROM payment_token WHERE id = {token_id}")[0][0]
    shop.api.customers.update(customer, {"phone": "+33698765432"})
    shop.settled()
    assert not shop.rows(card)[0][2]


# Every night --------------------------------------------------------------------------------------


def test_comparison_with_the_list_of_stripe(shop):
    """A payment and a refund whose events never came, and one of which nothing is known here."""
    visitor = shop.customer()
    [period_id] = shop.due(visitor)
    [(invoice_id,)] = shop.rows(
        f"SELECT invoice_id FROM subscription_period WHERE id = {period_id}")
    before = open_differences(shop)  # of other tests
    with shop.stripe.hold(then="drop"):
        intent = shop.pay_invoice(visitor, invoice_id, 100.0)
        shop.stripe.confirm_payment(intent["client_secret"])
        stranger = shop.api.payment_intents.create({
            "amount": 700, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}})
    assert open_differences(shop) - before == {
        ("unpaid_here", intent["id"], 100, 0), ("unknown_here", stranger.id, 7, 0)}
    act(shop, intent["id"], "action_take_over")
    act(shop, stranger.id, "action_accept")
    assert shop.payments(visitor) == [("inbound", 10000)]
    assert shop.period(period_id)[0] == "paid"
    with shop.stripe.hold(then="drop"):
        refund = shop.api.refunds.create({"payment_intent": intent["id"], "amount": 4000})
    assert open_differences(shop) - before == {("refund_here", refund.id, 40, 0)}
    act(shop, refund.id, "action_take_over")
    assert shop.payments(visitor) == [("inbound", 10000), ("outbound", 4000)]
    assert open_differences(shop) == before


def open_differences(shop):
    from odoo import fields

    with shop.env() as env:
        now = fields.Datetime.now()
        found = env["stripe.difference"]._compare(
            env.ref("payment.payment_provider_stripe"), fields.Datetime.subtract(now, days=1),
            fields.Datetime.add(now, minutes=1))
        return {(each.kind, each.object_ref, each.amount_there, each.amount_here)
                for each in found}


def act(shop, object_ref, action):
    with shop.env() as env:
        difference = env["stripe.difference"].search([("object_ref", "=", object_ref)])
        accountant = env["stripe.health"]._find_accountant(env.company)
        getattr(difference.with_user(accountant), action)()
