"""What the README shows works as it stands there."""

import re
import textwrap
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

pytestmark = pytest.mark.anyio
README = Path(__file__).parents[1] / "README.md"


def snippets(server):
    """Return the Python of the README, with the address and the key of the test's server."""
    return [snippet.replace("https://odoo.example.com", server.url).replace("qk_…", "qk_service")
            for snippet in re.findall(r"```python\n(.*?)```", README.read_text(), re.S)]


def run(snippet, names=None):
    names = {} if names is None else names
    exec(compile(snippet, "snippet of the README", "exec"), names)
    return names


def signed_in(app):
    """Mark a request as the application's own sign-in would."""
    async def wrapped(scope, receive, send):
        scope["state"] = {"user": SimpleNamespace(subscription="SUB1")}
        await app(scope, receive, send)
    return wrapped


def calling(app):
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(signed_in(app)), base_url="http://app",
        headers={"Accept-Language": "fr"})


async def test_in_a_minute(server):
    first, *_others = snippets(server)
    names = run(first)
    async with calling(names["app"]) as http:
        answers = [await http.post("/scans") for _scan in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].json()["upgrade_url"].startswith(server.url)
    assert server.languages[-1] == "fr"


@pytest.mark.parametrize("way, method, path, used", [
    (0, "POST", "/duplex", (2, 1)), (0, "POST", "/simplex", (1, 1)),
    (1, "POST", "/document?pages=7", (7, 1)), (1, "DELETE", "/accounts", (0, 0)),
    (2, "POST", "/accounts", (0, 2)), (2, "GET", "/api/x", (0, 1))])
async def test_ways_to_say_what_a_call_costs(server, way, method, path, used):
    first, *ways, _alone = snippets(server)
    assert len(ways) == 3
    names = run(first)
    if way == 2:
        names["app"] = FastAPI()  # instead of the first one's middleware
    run(ways[way], names)
    if way == 2:
        names["app"].api_route(path, methods=[method])(nothing)
    server.used["accounts"] = 1
    async with calling(names["app"]) as http:
        assert (await http.request(method, path)).is_success
    assert (server.used["scans"], server.used["accounts"]) == used
    assert ("entitlements" in server.requests) == (path == "/api/x")


async def nothing():
    return {}


async def test_client_alone(server):
    *_others, alone = snippets(server)
    alone = alone.replace('"pages": 12', '"accounts": 2')  # what the test's server has
    names = run(f"from quota_middleware import QuotaClient\nasync def main():\n"
                f"{textwrap.indent(alone, '    ')}    return answer")
    answer = await names["main"]()
    assert [item.used for item in answer.items] == [1, 2]
    assert server.used == {"scans": 1, "accounts": 2}
    assert server.requests == ["consume", "entitlements"]
