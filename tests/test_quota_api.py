"""Issue 8, part 3: the middleware, its sample application and the API's description, against
Odoo."""

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
import requests
import uvicorn
from quota_middleware import Caller, Mistake, QuotaClient, Refused

from ops import paths
from tests.house import field
from tests.quota_house import Line, QuotaApi, make_key, make_plans, subscribe_all

ADDONS = ("subscription_quota",)


SMALL, LARGE = 3, 5  # scans of the two plans
CASES = int(os.environ.get("SCHEMATHESIS_CASES", "5"))  # made up for each operation of the API


@pytest.fixture(scope="module")
def key(house):
    return make_key(house)


@pytest.fixture(scope="module")
def plans(house):
    return make_plans(
        house, ("Petit", 10.0, {"scans": SMALL, "accounts": 1, "api_access": 0}),
        ("Grand", 30.0, {"scans": LARGE, "accounts": 2, "api_access": 1}))


@pytest.fixture(scope="module")
def customers(house, plans):
    """Yield customers of the small plan, one for each test: (visitor, reference, id)."""
    visitors = house.customers(8, credits=None)
    return iter([(visitor, *subscription) for visitor, subscription in zip(
        visitors, subscribe_all(house, visitors, plans[0]), strict=True)])


@contextmanager
def sample(monkeypatch, url, key, **environment):
    """Yield the sample application, listening."""
    monkeypatch.setenv("QUOTA_URL", url)
    monkeypatch.setenv("QUOTA_KEY", key)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(paths.MIDDLEWARE / "examples")
    sys.modules.pop("scan_api", None)
    import scan_api
    server = uvicorn.Server(uvicorn.Config(
        scan_api.app, host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


def call(url, reference, method="POST", path="/scans"):
    return requests.request(
        method, f"{url}{path}", headers={"X-Subscription": reference, "Accept-Language": "fr"},
        timeout=30)


def upgrade(visitor, subscription_id, plan_id):
    """Look at the amounts and confirm, as the customer does in the portal."""
    [(price_id,)] = visitor.house.rows(
        f"SELECT id FROM subscription_plan_price WHERE plan_id = {plan_id}")
    path = f"/my/subscriptions/{subscription_id}/change"
    preview = visitor.get(f"{path}?price={price_id}").text
    visitor.post(path, {
        "csrf_token": field(preview, "csrf_token"), "price": price_id, "timing": "now",
        "due": field(preview, "due")})


def test_sample_stops_at_the_limit_and_goes_on_after_an_upgrade(
        house, monkeypatch, key, plans, customers):
    """« Si la limite est atteinte : blocage en temps réel », then the customer upgrades."""
    visitor, reference, subscription_id = next(customers)
    api = QuotaApi(house, key, reference)
    with sample(monkeypatch, house.url, key) as url:
        left = [call(url, reference).json()["left"] for _scan in range(SMALL)]
        assert left == [2, 1, 0]
        refused = call(url, reference)
        assert refused.status_code == 429, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) > 0
        problem = refused.json()
        assert (problem["metric"], problem["used"], problem["limit"]) == ("scans", 3, 3)
        assert "utilisés" in problem["detail"], "not in French"
        assert visitor.http.get(problem["upgrade_url"], timeout=60).status_code == 200
        assert requests.get(problem["type"], timeout=60).status_code == 200
        assert call(url, reference, "GET", "/report").status_code in (403, 429)

        upgrade(visitor, subscription_id, plans[1])
        time.sleep(1)  # what the middleware remembers is no older
        assert call(url, reference).json()["left"] == LARGE - SMALL - 1
        assert call(url, reference, "GET", "/report").status_code == 200
        # A handler that failed costs nothing.
        assert call(url, reference, path="/scans/broken").status_code == 503
        wait_until(lambda: api.used("scans") == SMALL + 1)
        # Held: opened, refused, closed, opened.
        opened = [call(url, reference, path="/accounts?name=x") for _account in range(3)]
        assert [answer.status_code for answer in opened] == [201, 201, 429]
        closed = call(url, reference, "DELETE", f"/accounts/{opened[0].json()['account']}")
        assert closed.status_code == 204
        assert call(url, reference, path="/accounts?name=x").status_code == 201
        assert api.used("accounts") == 2


def test_suspended_and_paid_within_a_second(house, monkeypatch, key, customers):
    """« Suspension automatique en cas de paiement échoué », as the middleware's caller sees it."""
    _visitor, reference, subscription_id = next(customers)
    with sample(monkeypatch, house.url, key) as url:
        assert call(url, reference).status_code == 200
        with house.env() as env:
            env["subscription.subscription"].browse(subscription_id)._suspend()
        time.sleep(1)
        refused = call(url, reference)
        assert (refused.status_code, refused.json()["state"]) == (402, "suspended")
        with house.env() as env:
            env["subscription.subscription"].browse(subscription_id)._recover()
        time.sleep(1)
        assert call(url, reference).status_code == 200


def test_unanswered_call_is_counted_once(house, key, customers):
    """A consumption goes unanswered twice; then the call is undone, twice."""
    _visitor, reference, _id = next(customers)
    line, api, caller = Line(house.url), QuotaApi(house, key, reference), Caller(reference)

    async def consume_and_undo():
        async with QuotaClient(line.url, key, timeout=10, deadline=30) as client:
            await client.consume("scans", caller=caller)  # another call, which stays
            line.unanswered = 2
            answer = await client.consume("scans", caller=caller, idempotency_key="unanswered")
            assert answer.replayed and answer.items[0].used == 2
            assert line.carried == 4
            for _time in range(2):
                await client.undo("unanswered", caller=caller)
            assert api.used("scans") == 1
            # What is undone before it arrives does not count when it does.
            await client.undo("late", caller=caller)
            with pytest.raises(Mistake):
                await client.consume("scans", caller=caller, idempotency_key="late")
            assert api.used("scans") == 1

    asyncio.run(consume_and_undo())
    line.cut()


@pytest.mark.parametrize("fail_open, status", [("1", 200), ("0", 503)])
def test_server_away(house, monkeypatch, key, customers, fail_open, status):
    _visitor, reference, _id = next(customers)
    line = Line(house.url)
    with sample(monkeypatch, line.url, key, QUOTA_FAIL_OPEN=fail_open) as url:
        assert call(url, reference).json()["left"] == SMALL - 1
        line.cut()
        assert call(url, reference).status_code == status
    assert QuotaApi(house, key, reference).used("scans") == 1


def test_another_customers_key_sees_nothing(house, customers):
    """A key of one customer does not consume, undo nor read for another."""
    (owner, reference, _id), (other, _reference, _other_id) = next(customers), next(customers)
    keys = [make_key(house, is_service=False, partner_id=visitor.partner_id)
            for visitor in (owner, other)]
    mine, theirs = (QuotaApi(house, key, reference) for key in keys)
    assert mine.post("consume", "scans", idempotency_key="mine").status_code == 200
    for call_name in ("consume", "check"):
        assert theirs.post(call_name, "scans").status_code == 404
    assert theirs.http.get(
        f"{theirs.url}/entitlements?subscription={reference}", timeout=60).status_code == 404
    theirs.subscription = None
    theirs.post("release", undo="mine")
    assert mine.used("scans") == 1

    async def refused():
        async with QuotaClient(house.url) as client:
            await client.consume("scans", caller=Caller(reference, keys[1]))

    with pytest.raises(Refused):
        asyncio.run(refused())


# What is served is what is described -------------------------------------------------------------


def test_served_as_described(house):
    """Schemathesis finds no server error, and no answer that the served OpenAPI does not have.

    It asks with a customer's own key, so that what it makes up is counted. One of its checks is
    left out: that whatever fits the schema is accepted; giving back what is not held is not.
    """
    [plan_id] = make_plans(
        house, ("Énorme", 99.0, {"scans": 10**9, "accounts": 10**9, "api_access": 1}))
    [visitor] = house.customers(1, credits=None)
    [(reference, _id)] = subscribe_all(house, [visitor], plan_id)
    key = make_key(house, is_service=False, partner_id=visitor.partner_id)
    api = QuotaApi(house, key, reference)
    assert api.post("consume", "accounts", 9).status_code == 200  # there are some to release
    before = answered(house)
    run = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{house.url}/quota/v1/openapi.json",
         "--header", f"Authorization: Bearer {key}", "--phases", "examples,coverage,fuzzing",
         "--max-examples", str(CASES), "--exclude-checks", "positive_data_acceptance",
         "--suppress-health-check", "all", "--no-color"],
        cwd=house.folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert api.used("scans") > 0
    done = {name: count - before[name] for name, count in answered(house).items()}
    assert min(done.values()) > 0, f"never done: {done}"


def answered(house):
    """Count how often each address of the API was answered 200."""
    return {name: len(re.findall(rf'/quota/v1/{name}\S* HTTP/1\.\d" 200', house.log()))
            for name in ("consume", "release", "check", "entitlements", "usage")}


def wait_until(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)
