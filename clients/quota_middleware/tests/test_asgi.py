"""What servers and browsers do at the edges: websockets, HEAD and OPTIONS, answers that break off,
callers who hang up, many calls at once."""

import socket
import time
from contextlib import suppress

import anyio
import httpx
import pytest
from contract_server import Listening
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, WebSocket
from quota_middleware import QuotaClient, QuotaMiddleware, Rule, current_gate, quota
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from test_middleware import CALLER, subscription_of

pytestmark = pytest.mark.anyio
RULES = [
    Rule("/any/{rest:path}", consume={"scans": 1}),
    Rule("/get", consume={"scans": 1}, methods=["GET"]),
    Rule("/asked", consume={"scans": 1}, methods=["OPTIONS"]),
    Rule("/socket", consume={"scans": 1})]


def service(sent):
    """Make an application that streams its answer.

    :param sent: how many pieces of a stream have left, so far
    """
    app = FastAPI()

    @app.api_route("/any/thing", methods=["GET", "HEAD", "OPTIONS"])
    @app.api_route("/get", methods=["GET", "HEAD"])
    @app.api_route("/asked", methods=["OPTIONS"])
    async def answer():
        return {}

    @app.post("/background", dependencies=[Depends(quota("scans"))])
    async def background(tasks: BackgroundTasks, status: int = 200):
        def fail():
            raise ValueError("after the answer")
        tasks.add_task(fail)
        if status >= 500:
            raise HTTPException(status)
        return {}

    @app.post("/late", dependencies=[Depends(quota("scans"))])
    async def late():
        async def parts():
            yield b"half"
            await current_gate().consume("accounts", 3)  # there are two
        return StreamingResponse(parts())

    @app.post("/endless", dependencies=[Depends(quota("scans"))])
    async def endless():
        async def parts():
            while True:
                yield b"x" * 65536
                sent.append(time.monotonic())
                await anyio.sleep(0.005)
        return StreamingResponse(parts())

    @app.websocket("/socket")
    async def talk(websocket: WebSocket):
        await websocket.accept()
        try:
            current_gate()
        except RuntimeError:
            await websocket.send_text("not counted")
        await websocket.close()

    return app


@pytest.fixture
def sent():
    return []


@pytest.fixture
async def app(server, sent, anyio_backend):
    app = service(sent)
    client = QuotaClient(server.url, "qk_service", timeout=2, deadline=5)
    app.add_middleware(
        QuotaMiddleware, client=client, subscription_of=subscription_of, rules=RULES)
    async with client:
        yield app


@pytest.fixture
async def http(app):
    async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://app", headers=CALLER) as http:
        yield http


@pytest.mark.parametrize("method, path, used", [
    ("GET", "/any/thing", 1), ("HEAD", "/any/thing", 1), ("OPTIONS", "/any/thing", 0),
    ("GET", "/get", 1), ("HEAD", "/get", 1), ("OPTIONS", "/get", 0), ("OPTIONS", "/asked", 1)])
async def test_which_methods_a_rule_is_for(server, http, method, path, used):
    """A HEAD costs what its GET does; a browser's question before a call costs nothing, and is
    not refused for want of a caller."""
    await http.request(method, path)
    assert server.used["scans"] == used
    if method == "OPTIONS" and not used:
        anonymous = await http.request(method, "/any/thing", headers={"X-Subscription": ""})
        assert anonymous.status_code == 200


async def test_websockets_pass_through(server, app):
    """Real ones: accepted, answered and closed by the application, which has no gate there."""
    said, received = [], [{"type": "websocket.connect"}]

    async def receive():
        return received.pop(0)

    async def send(message):
        said.append(message)

    scope = {"type": "websocket", "path": "/socket", "raw_path": b"/socket", "query_string": b"",
             "headers": [], "subprotocols": [], "scheme": "ws", "root_path": "",
             "client": ("127.0.0.1", 1), "server": ("app", 80)}
    await app(scope, receive, send)
    assert [message["type"] for message in said] == [
        "websocket.accept", "websocket.send", "websocket.close"]
    assert said[1]["text"] == "not counted"
    assert server.requests == []


async def test_other_messages_of_the_server_reach_the_application(server):
    """Lifespan, and whatever a server may invent: unchanged, both ways."""
    seen = []

    async def application(scope, receive, send):
        seen.append((scope["type"], await receive()))
        await send({"type": "answer"})

    wrapped = QuotaMiddleware(application, QuotaClient(server.url), subscription_of=subscription_of)
    for kind in ("lifespan", "news"):
        async def receive(kind=kind):
            return {"type": f"{kind}.startup"}

        async def send(message, kind=kind):
            seen.append((kind, message))

        await wrapped({"type": kind}, receive, send)
    assert seen == [(kind, {"type": name}) for kind in ("lifespan", "news")
                    for name in (f"{kind}.startup", "answer")]


@pytest.mark.parametrize("status, used", [(200, 1), (503, 0)])
async def test_what_fails_after_the_answer_is_not_given_back(server, http, status, used):
    """A background task: the caller has had the whole answer, unless it says that it failed."""
    await http.post(f"/background?status={status}")
    assert server.used["scans"] == used


async def test_refused_in_the_middle_of_a_stream_is_given_back(server, http):
    with suppress(httpx.HTTPError):  # the answer has begun: there is no other way to tell
        await http.post("/late")
    assert server.used == {"scans": 0, "accounts": 0}


@pytest.mark.parametrize("kind", ["uvicorn", "OSError"])
async def test_a_caller_who_hangs_up_has_used_it(server, app, sent, kind):
    """Of a server that ends the stream, and of one that fails to send as ASGI 2.4 says."""
    if kind == "uvicorn":
        with Listening(app) as listening:
            host, port = listening.url.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port))) as caller:
                caller.sendall(b"POST /endless HTTP/1.1\r\nHost: app\r\nX-Subscription: SUB1\r\n"
                               b"Content-Length: 0\r\n\r\n")
                await anyio.to_thread.run_sync(caller.recv, 1000)
            while not sent or time.monotonic() - sent[-1] < 0.2:
                await anyio.sleep(0.05)  # until the stream has ended
    else:
        async def send(message):
            if message["type"] == "http.response.body":
                raise OSError("nobody listens")

        async def receive():
            await anyio.sleep_forever()

        scope = {"type": "http", "method": "POST", "path": "/endless", "raw_path": b"/endless",
                 "query_string": b"", "headers": [(b"x-subscription", b"SUB1")],
                 "http_version": "1.1", "scheme": "http", "root_path": "",
                 "asgi": {"version": "3.0", "spec_version": "2.4"},
                 "client": ("127.0.0.1", 1), "server": ("app", 80)}
        with pytest.raises(ClientDisconnect):
            await app(scope, receive, send)
    assert server.used["scans"] == 1
    assert server.requests == ["consume"]


async def test_many_at_once_are_each_counted(server, http):
    """Consumptions of one caller are not put together: each is a call, ten of which pass."""
    statuses = []

    async def scan():
        statuses.append((await http.get("/any/thing")).status_code)

    async with anyio.create_task_group() as group:
        for _call in range(25):
            group.start_soon(scan)
    assert sorted(statuses) == [200] * 10 + [429] * 15
    assert server.used["scans"] == 10
