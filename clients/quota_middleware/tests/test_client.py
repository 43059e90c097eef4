"""The client over real connections: what goes unanswered is repeated and counted once."""

import time

import anyio
import pytest
from conftest import SUBSCRIPTION
from quota_middleware import (
    Caller,
    Misconfigured,
    Mistake,
    QuotaClient,
    Refused,
    Unavailable,
)
from quota_middleware.words import language_of

pytestmark = pytest.mark.anyio


async def test_consume_tells_what_is_left(server, client):
    answer = await client.consume("scans", 3, caller=SUBSCRIPTION)
    assert (answer.items[0].used, answer.items[0].left) == (3, 7)
    assert answer.items[0].resets_on.isoformat() == "2027-01-01"
    assert not answer.replayed


async def test_batch_is_all_or_nothing(server, client):
    with pytest.raises(Refused) as refused:
        await client.consume({"scans": 1, "accounts": 3}, caller=SUBSCRIPTION)
    assert refused.value.problem.metric == "accounts"
    assert server.used == {"scans": 0, "accounts": 0}


@pytest.mark.parametrize(
    "faults", [["unanswered"], ["slow"], [503], [409], ["unanswered", 503, "slow"]])
async def test_unanswered_call_is_counted_once(server, client, faults):
    server.faults.extend(faults)
    answer = await client.consume("scans", caller=SUBSCRIPTION)
    assert answer.items[0].used == server.used["scans"] == 1
    assert server.requests == ["consume"] * (len(faults) + 1)
    assert answer.replayed == (faults[0] in ("unanswered", "slow"))


async def test_retries_end(server, client):
    server.faults.extend([503] * 10)
    with pytest.raises(Unavailable) as error:
        await client.consume("scans", caller=SUBSCRIPTION)
    assert error.value.sent
    assert len(server.requests) == 4


async def test_deadline_bounds_all_attempts(server):
    server.faults.extend(["slow"] * 10)
    async with QuotaClient(server.url, "qk_service", timeout=0.2, deadline=0.5,
                           retries=10) as client:
        started = time.monotonic()
        with pytest.raises(Unavailable) as error:
            await client.consume("scans", caller=SUBSCRIPTION)
    assert time.monotonic() - started < 2
    assert error.value.sent


async def test_nobody_listens(unused_port):
    async with QuotaClient(f"http://127.0.0.1:{unused_port}", "qk_service", retries=1) as client:
        with pytest.raises(Unavailable) as error:
            await client.consume("scans", caller=SUBSCRIPTION)
    assert not error.value.sent


async def test_undo_counts_back_once(server, client):
    await client.consume("scans", 4, caller=SUBSCRIPTION, idempotency_key="k")
    for _time in range(2):
        await client.undo("k", caller=SUBSCRIPTION)
    assert server.used["scans"] == 0


async def test_refusals_keep_the_words_and_lead_to_the_server(server, client):
    server.suspended = True
    with pytest.raises(Refused) as refused:
        await client.consume("scans", caller=Caller("SUB1", language="fr"))
    problem = refused.value.problem
    assert (problem.status, problem.slug) == (402, "suspended")
    assert problem.members["pay_url"] == f"{server.url}/my/subscriptions/1"
    assert problem.members["type"] == f"{server.url}/quota/v1/problems/suspended"
    assert server.languages == ["fr"]


async def test_bad_service_key_is_no_refusal_of_the_caller(server):
    async with QuotaClient(server.url, "qk_revoked") as client:
        with pytest.raises(Misconfigured):
            await client.consume("scans", caller=SUBSCRIPTION)
        with pytest.raises(Refused) as refused:
            await client.consume("scans", caller=Caller(api_key="qk_also_bad"))
    assert refused.value.problem.headers["www-authenticate"] == "Bearer"


async def test_mistakes_of_the_application_are_told_to_it(server, client):
    with pytest.raises(Mistake, match="told: invalid"):
        await client.consume("unknown", caller=SUBSCRIPTION)
    async with QuotaClient(server.url) as without_key:
        with pytest.raises(Mistake, match="No key"):
            await without_key.consume("scans", caller=SUBSCRIPTION)


async def test_unchanged_entitlements_are_not_sent_again(server, client):
    first = await client.entitlements(caller=SUBSCRIPTION)
    read_at = first.read_at
    await anyio.sleep(0.01)
    assert await client.entitlements(caller=SUBSCRIPTION, known=first) is first
    assert first.read_at > read_at
    server.limits["scans"] = 99
    changed = await client.entitlements(caller=SUBSCRIPTION, known=first)
    assert changed.items["scans"].limit == 99


async def test_a_closed_client_opens_again(server, client):
    await client.consume("scans", caller=SUBSCRIPTION)
    await client.aclose()
    assert (await client.consume("scans", caller=SUBSCRIPTION)).items[0].used == 2


async def test_check_counts_nothing_and_its_no_is_worded(server, client):
    await client.check("api_access", caller=SUBSCRIPTION)
    server.features["api_access"] = False
    with pytest.raises(Refused) as refused:
        await client.check("api_access", caller=Caller("SUB1", language="en"))
    assert (refused.value.problem.status, refused.value.problem.detail) == (
        403, "“api_access” is not part of the plan.")
    with pytest.raises(Refused) as refused:
        await client.check({"scans": 1, "accounts": 3}, caller=SUBSCRIPTION)
    problem = refused.value.problem
    assert (problem.status, problem.metric) == (429, "accounts")
    assert problem.members["upgrade_url"] == f"{server.url}/my/subscriptions"
    assert server.used == {"scans": 0, "accounts": 0}


@pytest.mark.parametrize("accepted, language", [
    (None, "fr"), ("", "fr"), ("en", "en"), ("de, en;q=0.8, fr;q=0.2", "en"),
    ("en-GB;q=0.5, fr-FR", "fr"), ("fr;q=x, en;q=0.1", "en"), ("de", "fr")])
def test_language_of_refusals(accepted, language):
    assert language_of(accepted) == language


def test_no_key_in_what_is_printed():
    assert "qk_own" not in repr(Caller(api_key="qk_own"))
    assert "qk_own" not in Caller(api_key="qk_own").account
