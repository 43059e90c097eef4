"""A server that keeps the contract of the quota API, in memory, and fails when it is told to.

It listens on a real port: what is tried against it are connections, timeouts and
unanswered requests. The product itself is tried in ``tests/test_quota_api.py`` against Odoo.
"""

import asyncio
import threading
import time
from collections import deque

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PROBLEM = "application/problem+json"


class ContractServer:
    """One subscription ``SUB1``: ten scans, two accounts, a feature."""

    def __init__(self):
        self.limits = {"scans": 10, "accounts": 2}
        self.used = {"scans": 0, "accounts": 0}
        self.features = {"api_access": True}
        self.suspended = False
        self.answers = {}  # by idempotency key
        self.undone = set()
        self.faults = deque()  # of the next requests: unanswered, slow, or a status
        self.requests = []
        self.languages = []
        self.app = Starlette(routes=[
            Route("/quota/v1/{call}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request):
        call = request.path_params["call"]
        self.requests.append(call)
        self.languages.append(request.headers.get("accept-language"))
        fault = self.faults.popleft() if self.faults else None
        if isinstance(fault, int):
            return self.problem(fault, "fault", headers={"Retry-After": "0"})
        response = await self.serve(request, call)
        if fault == "slow":
            await asyncio.sleep(1.2)
        if fault == "unanswered":
            return _Unanswered()
        return response

    async def serve(self, request, call):
        if request.headers.get("authorization") not in ("Bearer qk_service", "Bearer qk_own"):
            return self.problem(401, "unauthenticated", headers={"WWW-Authenticate": "Bearer"})
        if call == "entitlements":
            return self.entitlements(request)
        body = await request.json()
        key = request.headers.get("idempotency-key")
        if key and key in self.answers:
            return JSONResponse(self.answers[key], headers={"Idempotent-Replayed": "true"})
        answer = self.undo(body["undo"]) if "undo" in body else self.count(call, body)
        if isinstance(answer, Response):
            return answer
        if key:
            self.answers[key] = answer
        return JSONResponse(answer)

    def count(self, call, body):
        if self.suspended:
            return self.problem(402, "suspended", pay_url="/my/subscriptions/1")
        items = body.get("items") or [body]
        for item in items:
            metric, quantity = item["metric"], item["quantity"]
            if metric in self.features:
                if call != "check":
                    return self.problem(422, "invalid")
            elif metric not in self.limits:
                return self.problem(422, "invalid")
            elif call == "consume" and self.used[metric] + quantity > self.limits[metric]:
                return self.problem(
                    429, "limit_reached", metric=metric, upgrade_url="/my/subscriptions/1",
                    headers={"Retry-After": "3600"})
        sign = {"consume": 1, "release": -1, "check": 0}[call]
        for item in items:
            if item["metric"] in self.used:
                self.used[item["metric"]] += sign * item["quantity"]
        answers = [self.item(item["metric"]) for item in items]
        if call == "check":
            for item, answer in zip(items, answers, strict=True):
                answer["allowed"] = answer["left"] is None or answer["left"] >= item["quantity"]
        return {"allowed": all(answer.get("allowed", True) for answer in answers),
                "items": answers, "counted": items}

    def undo(self, key):
        counted = self.answers.get(key, {}).get("counted", ())
        if key not in self.undone:
            self.undone.add(key)
            for item in counted:
                self.used[item["metric"]] -= item["quantity"]
        return {"allowed": True, "items": [self.item(item["metric"]) for item in counted]}

    def item(self, metric):
        limit, used = self.limits.get(metric), self.used.get(metric, 0)
        if metric in self.features:
            limit = int(self.features[metric])
        return {"metric": metric, "used": used, "limit": limit,
                "left": None if limit is None else limit - used, "resets_on": "2027-01-01",
                "mode": "hard", "overage": 0}

    def entitlements(self, request):
        items = [{**self.item(metric), "kind": "period", "unit": "", "name": metric}
                 for metric in self.limits]
        items += [{**self.item(metric), "kind": "feature", "unit": "", "name": metric,
                   "enabled": enabled} for metric, enabled in self.features.items()]
        etag = f'"{hash(str(items))}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return JSONResponse(
            {"subscription": "SUB1", "plan": "Pro", "items": items,
             "state": "suspended" if self.suspended else "active"}, headers={"ETag": etag})

    def problem(self, status, slug, headers=None, **members):
        return JSONResponse(
            {"type": f"/quota/v1/problems/{slug}", "title": slug, "detail": f"told: {slug}",
             "status": status, **members}, status, headers, PROBLEM)


class _Unanswered(Response):
    """The connection breaks in the middle of the answer."""

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200,
                    "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"{"})


class Listening:
    """An ASGI application on a port of its own."""

    def __init__(self, app, port=0):
        self.server = uvicorn.Server(uvicorn.Config(
            app, host="127.0.0.1", port=port, log_level="critical"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + 10
        while not self.server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        return self

    def __exit__(self, *error):
        self.server.should_exit = True
        self.thread.join(timeout=10)

    @property
    def url(self):
        host, port = self.server.servers[0].sockets[0].getsockname()
        return f"http://{host}:{port}"
