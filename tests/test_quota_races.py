"""Quotas with many hands at once: programs on two servers, renewals, upgrades, retries.

The whole of it: ``QUOTA_OPERATIONS=10000 make test ARGS=tests/test_quota_races.py``.
"""

import contextlib
import os
import random
import re
import threading
import time
import uuid
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import psycopg2
import pytest
import requests

from tests import invariants
from tests.house import at_once, field
from tests.quota_house import make_plans, subscribe_all

ADDONS = ("quota_credit", "subscription_credit")
OPERATIONS = int(os.environ.get("QUOTA_OPERATIONS", "800"))
THREADS = 8
PROGRAMS = 50
SECRET = re.compile(r"qk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}")


@pytest.fixture(scope="module")
def plans(house):
    """Make a small plan and a large one, with metrics of this file's own.

    :return: dict of ids
    """
    mark = uuid.uuid4().hex[:6]
    with house.env() as env:
        scans, accounts = env["quota.metric"].create([
            {"name": "Race scans", "code": f"scans_{mark}", "kind": "period"},
            {"name": "Race accounts", "code": f"accounts_{mark}", "kind": "held"}])
        family = env["subscription.family"].create({"name": f"Race {mark}"})
        made = env["subscription.plan"].create([{
            "name": f"Race {name} {mark}", "family_id": family.id, "quota_grace_days": 0,
            "price_ids": [(0, 0, {"interval_unit": "month", "amount": amount})],
            "quota_limit_ids": [
                (0, 0, {"metric_id": scans.id, "limit_value": limit}),
                (0, 0, {"metric_id": accounts.id, "limit_value": limit // 10})],
        } for name, amount, limit in (("small", 10.0, 100), ("large", 100.0, 160))])
        return {"scans": scans.code, "accounts": accounts.code,
                "small": made[0].id, "large": made[1].id}


def subscribe(house, plan_id, **vals):
    """Make a new customer's subscription, active since yesterday.

    :return: (its id, an API key of the customer)
    """
    with house.env() as env:
        partner = env["res.partner"].create({
            "name": "Program", "email": f"{uuid.uuid4().hex[:8]}@example.com",
            "street": "1 rue du Test", "zip": "69001", "city": "Lyon",
            "country_id": env.ref("base.fr").id})
        plan = env["subscription.plan"].browse(plan_id)
        yesterday = datetime.now(ZoneInfo("Europe/Paris")).date() - timedelta(days=1)
        subscription = env["subscription.subscription"].create({
            "partner_id": partner.id, "plan_id": plan.id, "price_id": plan.price_ids.id,
            "tz": "Europe/Paris", "anchor_date": yesterday, **vals})
        if not vals:
            subscription.write({
                "state": "active", "next_date": yesterday + timedelta(days=28)})
        key = env["quota.api.key"].create({"name": "Race", "partner_id": partner.id})
        return subscription.id, key.action_generate()["context"]["default_token"]


def consume(house, token, code, quantity=1, server=0, key=None, path="consume"):
    headers = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})}
    return requests.post(
        f"{house.urls[server]}/quota/v1/{path}", json={"metric": code, "quantity": quantity},
        headers=headers, timeout=60)


def used(house, subscription_id, code):
    [(total,)] = house.rows(f"""
        SELECT COALESCE(sum(used), 0) FROM quota_counter c JOIN quota_metric m
        ON m.id = c.metric_id WHERE c.subscription_id = {subscription_id} AND m.code = '{code}'
        """)
    return total


def check_history(house, subscription_id):
    """Check that counters, movements and totals of a day tell the same."""
    assert not house.rows(f"""
        SELECT metric_id, c.used, u.units, d.units FROM
        (SELECT metric_id, sum(used) AS used FROM quota_counter
         WHERE subscription_id = {subscription_id} GROUP BY 1) c
        LEFT JOIN (SELECT metric_id, sum(quantity) AS units FROM quota_usage
         WHERE subscription_id = {subscription_id} GROUP BY 1) u USING (metric_id)
        LEFT JOIN (SELECT metric_id, sum(consumed - released) AS units FROM quota_usage_day
         WHERE subscription_id = {subscription_id} GROUP BY 1) d USING (metric_id)
        WHERE c.used <> COALESCE(u.units, 0) OR c.used <> COALESCE(d.units, 0)""")


# One unit left ------------------------------------------------------------------------------------


def one_of_fifty(house, plans):
    """Try « Limit 100, used 99, 50 parallel consumes from two server processes: one allowed. »"""
    subscription_id, token = subscribe(house, plans["small"])
    for server in range(len(house.urls)):  # each server compiles its routes at the first call
        consume(house, token, plans["scans"], 99 if server == 0 else 100, server)
    started = time.monotonic()
    answers = at_once([
        partial(consume, house, token, plans["scans"], server=number % len(house.urls))
        for number in range(PROGRAMS)])
    seconds = time.monotonic() - started
    outcomes = Counter(answer.status_code for answer in answers)
    assert outcomes[200] == 1, f"{outcomes[200]} allowed where one was left"
    assert outcomes == {200: 1, 429: PROGRAMS - 1}, outcomes
    assert used(house, subscription_id, plans["scans"]) == 100
    check_history(house, subscription_id)
    print(f"{PROGRAMS} consumes at once in {seconds:.1f} s: {dict(outcomes)}")


@contextlib.contextmanager
def engine_without(house, guard, replacement=""):
    """Switch off one guard of the database's engine inside the block."""
    [(whole,)] = house.rows("SELECT pg_get_functiondef('quota_move'::regproc)")
    assert len(re.findall(guard, whole)) == 1, guard
    house.execute(re.sub(guard, replacement, whole))
    try:
        yield
    finally:
        house.execute(whole)


def test_one_left_fifty_programs_two_servers(house, plans):
    one_of_fifty(house, plans)


def test_one_left_without_the_condition(house, plans):
    """Negative control: the statement counts whatever the limit is."""
    with engine_without(house, r"OR other\.units > 0 AND other\.mode = 'hard' AND .*limit_value"), \
            pytest.raises(AssertionError, match="50 allowed where one was left"):
        one_of_fifty(house, plans)


def test_one_left_without_the_lock(house, plans):
    """Negative control: the limit is looked at before the wait, and several pass it. A statement
    of some length stands for a busy server."""
    with engine_without(house, r"FOR NO KEY UPDATE OF counter"), \
            engine_without(house, r"SELECT q\.\*, w\.units,", "SELECT q.*, w.units + "
                           "length(pg_sleep(0.5)::text) AS units,"), \
            pytest.raises(AssertionError, match=r"\d+ allowed where one was left"):
        one_of_fifty(house, plans)


# The same key -------------------------------------------------------------------------------------


def test_same_key_twenty_times_at_once(house, plans):
    """Counted once; whoever comes while it is answered is told so, and gets the answer later."""
    subscription_id, token = subscribe(house, plans["small"])
    call = partial(consume, house, token, plans["scans"], 5, key="job 1")
    answers = at_once([partial(call, server=number % len(house.urls)) for number in range(20)])
    outcomes = Counter(answer.status_code for answer in answers)
    assert set(outcomes) <= {200, 409}, outcomes
    replayed = [answer for answer in answers if "Idempotent-Replayed" in answer.headers]
    assert len(replayed) == outcomes[200] - 1
    assert call().headers["Idempotent-Replayed"] == "true"
    assert used(house, subscription_id, plans["scans"]) == 5
    assert len({answer.text for answer in answers if answer.status_code == 200}) == 1
    print(f"20 at once under one key: {dict(outcomes)}")


# Anything at any time -----------------------------------------------------------------------------


class Play:
    """Threads that consume, release, upgrade and downgrade, while time passes over resets."""

    def __init__(self, house, plans, subscription_id, seed):
        from odoo.modules.registry import Registry

        self.house, self.plans, self.subscription_id = house, plans, subscription_id
        self.registry = Registry(house.name)
        self.chance = random.Random(seed)
        self.lock = threading.Lock()
        self.moment = datetime.now().replace(microsecond=0)
        self.expected = Counter()
        self.answered = {}
        self.above = []
        self.outcomes = Counter()

    def run(self, count):
        at_once([partial(self.work, random.Random(self.chance.random()), count // THREADS)
                 for _thread in range(THREADS)])

    def work(self, chance, count):
        for _operation in range(count):
            draw = chance.random()
            if draw < 0.02:
                self.change_plan(chance)
            elif draw < 0.04:
                with self.lock:
                    self.moment += timedelta(days=chance.randrange(8))  # resets come by
            else:
                self.move(chance)

    def move(self, chance):
        """Send one request, or the same request again."""
        from odoo.addons.subscription_quota import engine

        code = chance.choice((self.plans["scans"], self.plans["accounts"]))
        sign = -1 if code == self.plans["accounts"] and chance.random() < 0.4 else 1
        with self.lock:
            keys = list(self.answered)
        key, units = (chance.choice(keys) if keys and chance.random() < 0.2
                      else (uuid.uuid4().hex, ((code, sign * chance.randrange(1, 9)),)))
        with contextlib.closing(self.registry.cursor()) as cr:
            engine.begin(cr)
            outcome = engine.move(
                cr, self.subscription_id, dict(units), self.moment, None, key)
            cr.commit()
        self.note(key, units, outcome)

    def note(self, key, units, outcome):
        with self.lock:
            self.outcomes[outcome.name] += 1
            self.answered[key, units] = True
            if outcome.name != "moved":
                return
            for code, quantity in units:
                self.expected[code] += quantity
                metric = outcome.metrics[code]
                if quantity > 0 and metric["used"] > metric["limit"]:
                    self.above.append((code, quantity, metric))

    def change_plan(self, chance):
        from odoo.service.model import retrying

        with self.house.env() as env:
            plan = env["subscription.plan"].browse(
                self.plans[chance.choice(("small", "large"))])
            subscription = env["subscription.subscription"].browse(self.subscription_id)
            with contextlib.suppress(psycopg2.errors.SerializationFailure):
                retrying(partial(subscription.write, {
                    "plan_id": plan.id, "price_id": plan.price_ids.id}), env)


def test_anything_at_any_time(house, plans):
    """« 10,000 random consume/release/reset/upgrade operations by 8 threads with retries of the
    same keys: used = Σ effects, never above a hard limit. »"""
    seed = int(os.environ.get("QUOTA_SEED", random.randrange(10**6)))
    subscription_id, _token = subscribe(house, plans["small"])
    play = Play(house, plans, subscription_id, seed)
    started = time.monotonic()
    play.run(OPERATIONS)
    print(f"seed {seed}: {OPERATIONS} operations in {time.monotonic() - started:.1f} s, "
          f"{dict(play.outcomes)}")
    assert not play.above, (seed, play.above[:3])
    for code in (plans["scans"], plans["accounts"]):
        assert used(house, subscription_id, code) == play.expected[code], (seed, code)
    check_history(house, subscription_id)
    assert play.outcomes["moved"] and play.outcomes["refused"] and play.outcomes["replayed"]
    resets = house.rows(
        f"SELECT count(*) FROM quota_counter WHERE subscription_id = {subscription_id}")
    assert resets[0][0] > 2, resets


# A reset at this moment ---------------------------------------------------------------------------


def test_reset_at_the_second_of_consumption(house, plans):
    """« A reset at the second of consumption counts once »: each unit is in one period, and the
    new period has one counter, however many begin it."""
    from odoo.modules.registry import Registry

    from odoo.addons.subscription_quota import engine

    subscription_id, _token = subscribe(house, plans["small"])
    [(midnight,)] = house.rows(f"""
        SELECT (ends::timestamp AT TIME ZONE s.tz AT TIME ZONE 'UTC')
        FROM subscription_subscription s, quota_period(s.anchor_date, 'month', 1, s.anchor_date)
        WHERE s.id = {subscription_id}""")

    def count(number):
        moment = midnight + timedelta(seconds=-1 if number % 2 else 0)
        with contextlib.closing(Registry(house.name).cursor()) as cr:
            engine.begin(cr)
            outcome = engine.move(cr, subscription_id, {plans["scans"]: 1}, moment)
            cr.commit()
        return outcome.name

    assert set(at_once([partial(count, number) for number in range(16)])) == {"moved"}
    assert house.rows(
        f"SELECT used FROM quota_counter WHERE subscription_id = {subscription_id}") == [(8,), (8,)]
    check_history(house, subscription_id)


# How often a key may ask --------------------------------------------------------------------------


def set_parameter(house, name, value):
    """Set a parameter; tell both servers, as the settings do.

    :return: what it was
    """
    with house.env() as env:
        before = env["ir.config_parameter"].get_param(name)
        env["ir.config_parameter"].set_param(name, value)
        env.cr.commit()
        env.registry.signal_changes()
        return before


def test_rate_limit_holds_over_both_servers(house, plans):
    """A limit of twelve a minute is twelve, whichever server is asked."""
    parameter = "subscription_quota.api_requests_per_minute"
    _subscription_id, token = subscribe(house, plans["small"])
    for server in range(len(house.urls)):
        consume(house, "qk_none", plans["scans"], server=server)  # routes are compiled
    before = set_parameter(house, parameter, "12")
    try:
        time.sleep(max(0, time.time() % 60 - 50) and 60 - time.time() % 60)  # within one minute
        answers = at_once([
            partial(consume, house, token, plans["scans"], server=number % len(house.urls))
            for number in range(24)])
    finally:
        set_parameter(house, parameter, before)
    assert Counter(answer.status_code for answer in answers) == {200: 12, 429: 12}
    for answer in answers:
        if answer.status_code == 429:
            assert answer.json()["type"].endswith("/rate_limited")
            assert 0 < int(answer.headers["Retry-After"]) <= 60


# Suspended, paid ----------------------------------------------------------------------------------


def answered_within(house, token, code, status):
    """Ask both servers until they answer so.

    :return: the seconds it took
    """
    started = time.monotonic()
    while {consume(house, token, code, server=server).status_code
           for server in range(len(house.urls))} != {status}:
        assert time.monotonic() - started < 1, f"no {status} within a second"
    return time.monotonic() - started


def test_suspended_and_paid_within_a_second(house, plans, no_mail):
    """« 402 within one second of suspension and work again within one second of payment. »"""
    subscription_id, token = subscribe(house, plans["small"], token_id=False)
    with house.env() as env:
        subscription = env["subscription.subscription"].browse(subscription_id)
        subscription.action_start()
    answered_within(house, token, plans["scans"], 200)
    with house.env() as env:
        subscription = env["subscription.subscription"].browse(subscription_id)
        subscription._mark_past_due()
        subscription._suspend()
    off = answered_within(house, token, plans["scans"], 402)
    with house.env() as env:
        invoice = env["subscription.subscription"].browse(subscription_id).period_ids.invoice_id
        env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create({})._create_payments()
    on = answered_within(house, token, plans["scans"], 200)
    print(f"suspended: 402 after {off:.3f} s; paid: 200 after {on:.3f} s")


# Packs of units -----------------------------------------------------------------------------------

CREDITS, PRICE, UNITS, LIMIT = 10, 4, 50, 100


@pytest.fixture(scope="module")
def packs(house):
    """Make a plan of 100 scans that grants ten credits a period, and a pack of 50 more for four.

    :return: (plan, pack), their ids
    """
    [plan_id] = make_plans(house, (f"Packs {uuid.uuid4().hex[:6]}", 100.0, {"scans": LIMIT}))
    with house.env() as env:
        env["subscription.plan"].browse(plan_id).price_ids.granted_credits = CREDITS
        return plan_id, env["product.template"].create({
            "name": "50 scans de plus", "type": "service", "service_tracking": "quota_pack",
            "invoice_policy": "order", "list_price": 20.0, "quota_credit_price": PRICE,
            "quota_metric_id": env["quota.metric"].search([("code", "=", "scans")]).id,
            "quota_units": UNITS, "taxes_id": [(5,)], "is_published": True}).id


def subscribed(house, plan_id, count):
    """Make customers; return (visitor, subscription) of each, with ten credits in the wallet."""
    visitors = house.customers(count, credits=None)
    return [(visitor, subscription_id) for visitor, (_name, subscription_id)
            in zip(visitors, subscribe_all(house, visitors, plan_id), strict=True)]


def tabs(visitor, subscription_id, pack_id, count):
    """Open the page of packs in so many tabs, half of them on the other server.

    :return: for each the click on « Payer 4 crédits »
    """
    clicks = []
    for number in range(count):
        tab, server = visitor.twin(), number % len(visitor.house.urls)
        page = tab.get(f"/my/subscriptions/{subscription_id}/packs", server).text
        form = {name: field(page, name) for name in ("csrf_token", "key")}
        clicks.append(partial(
            tab.post, f"/my/subscriptions/{subscription_id}/packs/{pack_id}/credits", form,
            server, allow_redirects=False))
    return clicks


def bought(house, visitor, subscription_id):
    """Count the packs paid, after checking that wallet, units and documents say the same."""
    [(entries, paid, documents)] = house.rows(f"""
        SELECT count(DISTINCT e.id), COALESCE(sum(DISTINCT e.credits), 0), count(m.id)
        FROM credit_entry e LEFT JOIN account_move m
        ON m.credit_entry_id = e.id AND m.state = 'posted' AND m.payment_state = 'paid'
        WHERE e.kind = 'quota' AND e.partner_id = {visitor.partner_id}""")
    [(grants, units)] = house.rows(f"""
        SELECT count(*), COALESCE(sum(quantity), 0) FROM quota_grant
        WHERE subscription_id = {subscription_id}""")
    assert (grants, units, documents) == (entries, UNITS * entries, entries), "not in step"
    assert paid == (-PRICE if entries else 0)
    invariants.check(house)
    return entries


def balance_of(house, visitor):
    [(balance,)] = house.rows(
        f"SELECT balance FROM credit_wallet WHERE partner_id = {visitor.partner_id}")
    return balance


def test_packs_paid_by_credits(house, packs, no_mail):
    """The same click four times at once is one pack; three tabs at once are the two packs that ten
    credits pay."""
    plan_id, pack_id = packs
    one, several = subscribed(house, plan_id, 2)
    clicks = [*tabs(*one, pack_id, 1) * 4, *tabs(*several, pack_id, 3)]
    started = time.monotonic()
    answers = at_once(clicks)
    print(f"{len(clicks)} clicks at once: {time.monotonic() - started:.1f} s")
    assert {answer.status_code for answer in answers} == {303}
    for customer, paid in ((one, 1), (several, CREDITS // PRICE)):
        assert bought(house, *customer) == paid
        assert balance_of(house, customer[0]) == CREDITS - paid * PRICE


def test_packs_paid_while_the_credits_are_refunded(house, packs, no_mail):
    """The customer spends credits on units while the accountant refunds them: what is left is
    taken back, what was spent is owed, and nobody has both."""
    plan_id, pack_id = packs
    admin, customers = house.administrator(), subscribed(house, plan_id, 2)
    actions = []
    for wait, (visitor, subscription_id) in zip((0, 0.3), customers, strict=True):
        with house.env() as env:
            invoice = env["subscription.subscription"].browse(
                subscription_id).period_ids.invoice_id
            note = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
        actions += [partial(after, wait, click)
                    for click in tabs(visitor, subscription_id, pack_id, 2)]
        actions.append(partial(after, 0.3 - wait, partial(post, admin.twin(), note.id)))
    answers = at_once(actions)
    assert {answer.status_code for answer in answers} == {200, 303}
    outcomes = []
    for customer in customers:
        paid = bought(house, *customer) * PRICE
        [(taken, owed)] = house.rows(f"""
            SELECT (SELECT COALESCE(-sum(credits), 0) FROM credit_entry
                    WHERE partner_id = {customer[0].partner_id} AND kind = 'clawback'),
                   (SELECT COALESCE(sum(credits), 0) FROM credit_debt
                    WHERE partner_id = {customer[0].partner_id})""")
        assert (taken, owed, balance_of(house, customer[0])) == (CREDITS - paid, paid, 0)
        outcomes.append(paid)
    print(f"credits spent before the refund: {outcomes}")


def after(seconds, action):
    time.sleep(seconds)
    return action()


def post(admin, move_id):
    """Post a document, as the accountant does.

    :return: the answer, which is no error
    """
    answer = admin.http.post(
        f"{admin.house.urls[1]}/web/dataset/call_kw/account.move/action_post", timeout=120,
        json={"params": {"model": "account.move", "method": "action_post",
                         "args": [[move_id]], "kwargs": {}}})
    assert "error" not in answer.json(), answer.json()["error"]["data"]["message"]
    return answer


def test_units_taken_back_while_they_are_consumed(house, packs, no_mail):
    """A pack paid by card is refunded while programs consume it: each unit is used or given back,
    none both."""
    plan_id, pack_id = packs
    [(visitor, subscription_id)] = subscribed(house, plan_id, 1)
    with house.env() as env:
        order = env["sale.order"].create({
            "partner_id": visitor.partner_id, "order_line": [(0, 0, {
                "product_id": env["product.template"].browse(pack_id).product_variant_id.id,
                "quota_subscription_id": subscription_id})]})
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create({})._create_payments()
        note = invoice._reverse_moves([{"invoice_date": invoice.invoice_date}])
        key = env["quota.api.key"].create({"name": "Race", "partner_id": visitor.partner_id})
        token = key.action_generate()["context"]["default_token"]
    assert consume(house, token, "scans", 90).json()["items"][0]["limit"] == LIMIT + UNITS
    admin = house.administrator()
    *consumed, _refunded = at_once([
        *(partial(after, number / 20, partial(
            consume, house, token, "scans", 5, number % 2)) for number in range(16)),
        partial(post, admin, note.id)])
    outcomes = Counter(answer.status_code for answer in consumed)
    assert set(outcomes) <= {200, 429}, outcomes
    total = used(house, subscription_id, "scans")
    [(left, taken)] = house.rows(f"""
        SELECT g.quantity, l.quota_units FROM quota_grant g JOIN account_move_line l
        ON l.quota_grant_id = g.id AND l.move_id = {note.id}
        WHERE g.subscription_id = {subscription_id}""")
    assert left + taken == UNITS
    assert total == 90 + 5 * outcomes[200] <= LIMIT + left, (total, left, taken)
    check_history(house, subscription_id)
    print(f"{dict(outcomes)}, {taken} units taken back, {total} used")


# Keys ---------------------------------------------------------------------------------------------


def test_the_number_of_keys_holds_when_many_are_made_at_once(house):
    """Issue 19: 36 at once made 24, of the 20 that a customer may have."""
    customer = house.customer()
    token = customer.csrf()
    answers = at_once([partial(
        customer.twin().post, "/my/quota/keys",
        {"csrf_token": token, "name": f"Program {number}", "scopes": "can_check"}, number % 2)
        for number in range(36)])
    assert {answer.status_code for answer in answers} == {200}
    assert len({secret for answer in answers for secret in SECRET.findall(answer.text)}) == 20
    assert house.sql("SELECT count(*) FROM quota_api_key WHERE revoked_at IS NULL"
                     f" AND partner_id = {customer.partner_id}") == "20"
