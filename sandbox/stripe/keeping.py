"""The server's memory in a file, so that a demo finds its customers and charges again after a
restart. Tests need none of it.
"""

import asyncio
import os
import pickle

from aiohttp import web

from .idempotency import IN_USE
from .objects import Account

DELAY = 0.2  # seconds: many requests, one write
KEPT = ("objects", "kinds", "hidden", "prices")


def keep(server, app, file):
    """Read the file, if there is one, and write it a moment after each request that changed
    something.

    :param Path file: made by this module, and trusted as such
    """
    on_their_way = recall(server, file)
    due = []

    @web.middleware
    async def remember(request, handler):
        try:
            return await handler(request)
        finally:
            if request.method != "GET" and not due:
                due.append(asyncio.get_running_loop().call_later(DELAY, write))

    def write():
        due.clear()
        store(server, file)

    async def end(_app):
        store(server, file)

    async def resume(_app):
        for name, pairs in on_their_way.items():
            server.accounts[name].deliveries.resume(pairs)

    app.middlewares.append(remember)
    app.on_startup.append(resume)
    app.on_shutdown.append(end)


def store(server, file):
    """Write the state to a new file first: whoever is killed meanwhile leaves the old one whole."""
    new = file.with_suffix(".new")
    new.write_bytes(pickle.dumps({
        name: _state(account) for name, account in server.accounts.items()}))
    os.replace(new, file)


def _state(account):
    answered = {key: reply for key, reply in account.replies.items() if reply[1] is not IN_USE}
    return {"replies": answered, "on their way": account.deliveries.insisting,
            **{name: getattr(account, name) for name in KEPT}}


def recall(server, file):
    """Read the state that :func:`store` wrote.

    :return: the deliveries to go on with, of each account by its name
    """
    on_their_way = {}
    for name, state in (pickle.loads(file.read_bytes()) if file.exists() else {}).items():
        on_their_way[name] = state.pop("on their way")
        account = server.accounts[name] = Account(name)
        vars(account).update(state)
    return on_their_way
