"""The middleware around an application, with a quota server on a real port."""

import time
from typing import Annotated

import anyio
import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from quota_middleware import (
    Item,
    PrometheusMetrics,
    QuotaClient,
    QuotaMiddleware,
    Rule,
    current_gate,
    feature,
    quota,
)
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

pytestmark = pytest.mark.anyio
CALLER = {"X-Subscription": "SUB1"}


def subscription_of(request):
    return request.headers.get("x-subscription")


def service():
    """Make an application with each kind of door."""
    app = FastAPI()

    @app.post("/dependency")
    async def dependency(item: Annotated[Item | None, Depends(quota("scans"))]):
        return {"left": item.left if item else None}

    @app.post("/decorated")
    @quota("scans", quantity=2)
    async def decorated(name: str = ""):
        return {"name": name}

    @app.post("/thread")
    @quota("scans")
    def thread():
        return {}

    @app.post("/status/{status}")
    @quota("scans")
    async def status(status: int):
        return PlainTextResponse("", status)

    @app.post("/raises/{status}", dependencies=[Depends(quota("scans"))])
    async def raises(status: int):
        raise HTTPException(status) if status else ValueError("broken")

    @app.post("/stream", dependencies=[Depends(quota("scans"))])
    async def stream():
        async def broken():
            yield b"half"
            raise ValueError("broken")
        return StreamingResponse(broken())

    @app.get("/feature", dependencies=[Depends(feature("api_access"))])
    async def needs_feature():
        return {}

    @app.post("/by-hand")
    async def by_hand(pages: int):
        await quota("scans", quantity=pages)()
        return {}

    @app.delete("/accounts")
    async def close_account():
        await current_gate().release("accounts")
        return {}

    @app.post("/ruled/{anything:path}")
    async def ruled(anything: str):
        return {}

    return app


RULES = [
    Rule("/ruled/free", methods=["POST"]),
    Rule("/ruled/{rest:path}", consume={"scans": 1, "accounts": 1}, require=["api_access"],
         methods=["POST"])]


@pytest.fixture
def clock(monkeypatch):
    """Let `clock.passed` seconds go by for what the middleware remembers, without waiting."""
    class Clock:
        passed = 0

        def monotonic(self):
            return time.monotonic() + self.passed

    clock = Clock()
    for module in ("cache", "guard"):
        monkeypatch.setattr(f"quota_middleware.{module}.time", clock)
    return clock


@pytest.fixture
async def open_app(server, anyio_backend):
    """Open an HTTP client of the application behind the middleware: `await open_app(**options)`."""
    opened = []

    async def open_app(url=None, **options):
        client = QuotaClient(url or server.url, "qk_service", timeout=0.6, deadline=3, retries=1,
                             metrics=options.pop("metrics", None))
        app = service()
        app.add_middleware(QuotaMiddleware, **{
            "client": client, "subscription_of": subscription_of, "rules": RULES, **options})
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://app", headers=CALLER)
        opened.extend((client, http))
        return http

    yield open_app
    for each in opened:
        await each.aclose()


@pytest.mark.parametrize("path, count", [
    ("/dependency", 1), ("/decorated?name=x", 2), ("/thread", 1), ("/by-hand?pages=3", 3)])
async def test_every_door_counts(server, open_app, path, count):
    http = await open_app()
    answer = await http.post(path)
    assert answer.status_code == 200, answer.text
    assert server.used["scans"] == count
    server.used["scans"] = 10
    refused = await http.post(path)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "3600"
    assert refused.json()["instance"] == path.partition("?")[0]
    assert refused.json()["upgrade_url"] == f"{server.url}/my/subscriptions/1"
    assert server.used["scans"] == 10


async def test_parameters_of_a_decorated_endpoint_are_its_own(open_app):
    assert (await (await open_app()).post("/decorated?name=me")).json() == {"name": "me"}


async def test_first_rule_that_matches_is_applied(server, open_app, clock):
    http = await open_app()
    for path in ("/ruled/free", "/ruled/a", "/ruled/a/b"):
        assert (await http.post(path)).status_code == 200
    assert server.used == {"scans": 2, "accounts": 2}
    assert (await http.post("/ruled/c")).status_code == 429
    server.features["api_access"] = False
    clock.passed = 1
    assert (await http.post("/ruled/c")).status_code == 403
    assert server.used == {"scans": 2, "accounts": 2}


@pytest.mark.parametrize("path, left", [
    ("/status/200", 9), ("/status/404", 9), ("/status/500", 10), ("/status/503", 10),
    ("/raises/0", 10), ("/raises/500", 10), ("/raises/422", 9), ("/stream", 10)])
async def test_given_back_when_the_handler_failed(server, open_app, path, left):
    try:
        await (await open_app()).post(path)
    except httpx.HTTPError:
        assert path == "/stream"
    assert 10 - server.used["scans"] == left


async def test_what_was_consumed_before_a_refusal_is_given_back(server, open_app):
    app = FastAPI()

    @app.post("/two", dependencies=[Depends(quota("scans")), Depends(quota("accounts", 3))])
    async def two():
        return {}

    client = QuotaClient(server.url, "qk_service")
    app.add_middleware(QuotaMiddleware, client=client, subscription_of=subscription_of)
    async with client, httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://app", headers=CALLER) as http:
        assert (await http.post("/two")).status_code == 429
    assert server.used == {"scans": 0, "accounts": 0}
    assert server.requests == ["consume", "consume", "release"]


async def test_known_refusal_is_repeated_without_asking_and_forgotten_in_time(
        server, open_app, clock):
    http = await open_app(max_stale=60)
    server.used["scans"] = 10
    assert [(await http.post("/dependency")).status_code for _call in range(3)] == [429] * 3
    assert server.requests == ["consume"]
    server.limits["scans"] = 20  # an upgrade
    clock.passed = 59
    assert (await http.post("/dependency")).status_code == 429
    clock.passed = 60
    assert (await http.post("/dependency")).status_code == 200


async def test_smaller_call_is_asked_after_a_larger_was_refused(server, open_app):
    http = await open_app(max_stale=10)
    server.used["scans"] = 9
    assert (await http.post("/by-hand?pages=2")).status_code == 429
    assert (await http.post("/by-hand?pages=1")).status_code == 200


async def test_refusals_are_remembered_for_each_language(server, open_app):
    """Of two languages, however many a caller makes up: what is remembered does not grow."""
    http = await open_app(max_stale=10)
    server.used["scans"] = 10
    for language in ("fr-CA", "en-US", "fr", "en", "de", "x, en;q=0.1"):
        await http.post("/dependency", headers={"Accept-Language": language})
    assert server.languages == ["fr-CA", "en-US"]


async def test_suspension_refuses_every_metric(server, open_app):
    http = await open_app(max_stale=10)
    server.suspended = True
    assert (await http.post("/dependency")).status_code == 402
    assert (await http.get("/feature")).status_code == 402
    assert server.requests == ["consume"]


async def test_released_unit_is_there_at_once(server, open_app):
    http = await open_app(max_stale=10)
    server.used["accounts"] = 2
    assert (await http.post("/ruled/a")).status_code == 429
    assert (await http.delete("/accounts")).status_code == 200
    assert (await http.post("/ruled/a")).status_code == 200


async def test_feature_is_read_from_the_cache_until_it_is_stale(server, open_app, clock):
    http = await open_app(max_stale=60)
    for _call in range(5):
        assert (await http.get("/feature")).status_code == 200
    assert server.requests == ["entitlements"]
    server.features["api_access"] = False
    clock.passed = 60
    refused = await http.get("/feature")
    assert (refused.status_code, refused.json()["metric"]) == (403, "api_access")


async def test_many_at_once_ask_for_entitlements_once(server, open_app):
    http = await open_app()
    async with anyio.create_task_group() as group:
        for _call in range(20):
            group.start_soon(http.get, "/feature")
    assert server.requests == ["entitlements"]


@pytest.mark.parametrize("fail_open, status", [(True, 200), (False, 503)])
async def test_server_away(open_app, unused_port, fail_open, status):
    metrics = PrometheusMetrics()
    http = await open_app(f"http://127.0.0.1:{unused_port}", fail_open=fail_open, metrics=metrics)
    for request in (http.post("/dependency"), http.get("/feature")):
        answer = await request
        assert answer.status_code == status
        assert fail_open or int(answer.headers["retry-after"]) >= 1
    outcome = "failed_open" if fail_open else "failed_closed"
    assert metrics.count("consume", outcome) == metrics.count("check", outcome) == 1
    assert f'operation="consume",outcome="{outcome}"' in metrics.text()


async def test_server_that_was_away_is_not_waited_for_by_every_call(server, open_app, clock):
    http = await open_app(fail_open=True)
    server.faults.extend([503] * 2)
    for _call in range(3):
        assert (await http.post("/dependency")).json() == {"left": None}
    assert server.requests == ["consume"] * 2
    clock.passed = 1
    assert (await http.post("/dependency")).json() == {"left": 9}


async def test_answer_lost_for_good_is_not_charged(server, open_app):
    """The call was counted, its answer never came, the caller was answered 503."""
    http = await open_app()
    server.faults.extend(["unanswered", "unanswered"])
    assert (await http.post("/dependency")).status_code == 503
    assert server.requests == ["consume", "consume", "release"]
    assert server.used["scans"] == 0


async def test_who_calls(server, open_app):
    http = await open_app()
    nobody = await http.post("/dependency", headers={"X-Subscription": ""})
    assert (nobody.status_code, nobody.json()["title"]) == (403, "Pas d’abonnement")
    assert nobody.headers["content-language"] == "fr"
    http = await open_app(subscription_of=None)
    without = await http.post("/dependency")
    assert (without.status_code, without.headers["www-authenticate"]) == (401, "Bearer")
    own = await http.post("/dependency", headers={"Authorization": "Bearer qk_own"})
    assert own.status_code == 200
    bad = await http.post("/dependency", headers={"Authorization": "Bearer qk_bad"})
    assert (bad.status_code, bad.headers["www-authenticate"]) == (401, "Bearer")


async def test_bad_service_key_is_hidden_from_the_caller(open_app, server):
    http = await open_app(client=QuotaClient(server.url, "qk_revoked"))
    answer = await http.post("/dependency")
    assert answer.status_code == 503
    assert "www-authenticate" not in answer.headers


async def test_starlette_alone_and_lifespan_closes_the_client(server):
    @quota("scans")
    async def scan(request):
        return PlainTextResponse("scanned")

    app = Starlette(routes=[Route("/scans", scan, methods=["POST"])])
    client = QuotaClient(server.url, "qk_service")
    wrapped = QuotaMiddleware(app, client, subscription_of=subscription_of)
    async with httpx.AsyncClient(
            transport=httpx.ASGITransport(wrapped), base_url="http://app",
            headers=CALLER) as http:
        assert (await http.post("/scans")).text == "scanned"
    assert server.used["scans"] == 1
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    said = []

    async def receive():
        return next(messages)

    async def send(message):
        said.append((message["type"], client._http is None))

    await wrapped({"type": "lifespan"}, receive, send)
    assert said == [("lifespan.startup.complete", False), ("lifespan.shutdown.complete", True)]


def test_without_the_middleware_the_error_says_what_to_do():
    with pytest.raises(RuntimeError, match="add_middleware"):
        current_gate()
