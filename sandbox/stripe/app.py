"""The HTTP server: who asks, is it allowed, was it asked before, do it, answer.

Handlers are plain functions that never wait, so each request's effect happens at once or not at
all; only faults, deliveries and sockets wait.
"""

import asyncio
import base64
import hashlib
import json
import re
from dataclasses import dataclass

from aiohttp import web

from . import (
    accounts,
    balance,
    charges,
    customers,
    disputes,
    events,
    files,
    forms,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
)
from .control import add_controls
from .errors import ApiError, invalid
from .idempotency import Slot
from .objects import Account, new_id
from .parameters import checked
from .routes import ROUTES
from .versions import LATEST, expanded, snapshot

# The resources: importing them filled the table of endpoints.
RESOURCES = (
    accounts, balance, charges, customers, disputes, events, files, payment_intents,
    payment_methods, refunds, setup_intents)
KEY = re.compile(r"(sk|pk|rk)_test_(\w+)")
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*",
        "Access-Control-Allow-Methods": "GET, POST, DELETE"}


@dataclass
class Call:
    """A request, read."""

    method: str
    path: str
    params: dict
    key: str  # for idempotency
    version: str
    api_key: str
    id: str

    @classmethod
    async def read(cls, request):
        """Read the parameters of the query or the form; Odoo sends a form even with a GET."""
        params = forms.parsed(request.query_string)
        if request.content_type == "multipart/form-data":
            params.update(await _uploaded(request))
        else:
            params.update(forms.parsed(await request.text()))
        return cls(
            request.method, request.path, params, request.headers.get("Idempotency-Key"),
            request.headers.get("Stripe-Version") or LATEST,
            _api_key(request) or params.pop("key", ""), new_id("req"))


@dataclass
class Reply:
    """An answer, ready to be sent and to be kept."""

    status: int
    body: dict


class Server:
    """All accounts of this process."""

    def __init__(self):
        self.accounts = {}

    def application(self):
        """Make the web application: endpoints of Stripe, controls of tests, preflights."""
        app = web.Application(client_max_size=10_000_000)  # files, too
        for each in ROUTES:
            app.router.add_route(each.method, each.path, self._endpoint(each))
        add_controls(self, app)
        app.router.add_route("OPTIONS", "/{path:.*}", _preflight)
        app.router.add_route("*", "/{path:.*}", self._endpoint(None))
        app.on_shutdown.append(self._stop)
        return app

    async def _stop(self, _app):
        for account in self.accounts.values():
            account.deliveries.cancel()

    def account(self, api_key, public=False):
        """Return the account of a key (https://docs.stripe.com/keys).

        :param bool public: whether a publishable key is enough
        :raise ApiError: 401
        """
        found = KEY.fullmatch(api_key)
        if not found:
            raise ApiError(
                401, "invalid_request_error", f"Invalid API Key provided: {api_key or 'none'}. "
                "This server knows test keys only.")
        if found[1] == "pk" and not public:
            raise ApiError(
                401, "invalid_request_error", "This API call cannot be made with a publishable "
                "API key. Please use a secret API key.", code="secret_key_required")
        name = found[2]
        if name not in self.accounts:
            self.accounts[name] = Account(name)
        return self.accounts[name]

    def _endpoint(self, route):
        async def answer(request):
            call = await Call.read(request)
            try:
                account = self.account(call.api_key, route and route.public)
            except ApiError as error:
                return _response(call, Reply(error.status, {"error": error.body}), False)
            entry = {
                "id": call.id, "method": call.method, "path": call.path, "params": call.params,
                "key": call.key, "version": call.version, "status": None, "replayed": False}
            account.calls.append(entry)
            fault = account.faults.take(call.method, call.path)
            kind = fault.kind if fault else ""
            reply, replayed = await _reply(account, route, request, call, fault)
            entry.update(status=reply.status, replayed=replayed)
            if kind.startswith("drop") and request.transport:  # None: the client left first
                request.transport.abort()
            return _response(call, _failure(502) if kind == "error_after" else reply, replayed)
        return answer


async def _reply(account, route, request, call, fault):
    """Answer a request, or repeat the answer to an earlier one.

    :return: the answer, and whether it is that of an earlier request
    """
    slot = Slot(account, call)
    try:
        if not route:
            raise invalid(f"Unrecognized request URL ({call.method}: {call.path}).", status=404)
        reply = slot.open()
        if reply:
            return reply, True
        if fault and fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind in ("error_before", "drop_before"):
            return _failure(500), False
        params = _checked(account, route, call)
        reply = _done(account, route, params, request.match_info, call)
        if fault and fault.kind == "error_kept":
            reply = _failure(500)
        slot.keep(reply)
        return reply, False
    except ApiError as error:
        return Reply(error.status, {"error": error.body}), False
    finally:
        slot.close()


def _checked(account, route, call):
    """Check the parameters against those the library declares.

    :raise ApiError: 400, noted in `refused`, for a parameter the library does not declare
    """
    params = dict(call.params)
    # Only browsers send the secret: the library's types are those of servers.
    secret = params.pop("client_secret", None) if route.public else None
    try:
        params = checked(route.params, params, call.version) if route.params else params
    except ApiError as error:
        account.refused.append({"method": call.method, "path": call.path, **error.body})
        raise
    return {**params, "client_secret": secret} if secret else params


def _done(account, route, params, ids, call):
    """Call the handler, and put its answer in the shape that the request asks for."""
    account.request = {"id": call.id, "idempotency_key": call.key}
    paths = params.pop("expand", [])
    try:
        _check_secret(account, params.pop("client_secret", None), ids, call)
        answer = route.handler(account, params, **ids)
        body = expanded(account, snapshot(account, answer, call.version), paths, call.version)
        return Reply(200, body)
    except ApiError as error:
        return Reply(error.status, {"error": snapshot(account, error.body, call.version)})
    finally:
        account.request = {"id": None, "idempotency_key": None}


def _check_secret(account, secret, ids, call):
    """Check that the browser was given this intent."""
    intent = account.objects.get(ids.get("id"))
    if call.api_key.startswith("pk_") and intent and intent.get("client_secret") != secret:
        raise ApiError(
            401, "invalid_request_error", "The client_secret provided does not match the "
            "client_secret associated with this intent.", param="client_secret")


def _failure(status):
    return Reply(status, {"error": {
        "type": "api_error", "message": "Something went wrong on our end."}})


def _response(call, reply, replayed):
    headers = {"Request-Id": call.id, "Stripe-Version": call.version, **CORS}
    if call.key:
        headers["Idempotency-Key"] = call.key
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return web.Response(
        status=reply.status, text=json.dumps(reply.body, indent=2) + "\n",
        content_type="application/json", headers=headers)


async def _uploaded(request):
    """Return the fields of a form with files; of a file, what Stripe tells of it."""
    fields = await request.post()
    return {name: value if isinstance(value, str) else {
        "filename": value.filename, "size": len(content := value.file.read()),
        "sha256": hashlib.sha256(content).hexdigest()} for name, value in fields.items()}


def _api_key(request):
    """Return the key of ``Authorization: Bearer`` or ``Basic``."""
    kind, _space, value = request.headers.get("Authorization", "").partition(" ")
    if kind == "Basic":
        return base64.b64decode(value).decode().partition(":")[0]
    return value


async def _preflight(_request):
    return web.Response(headers=CORS)
