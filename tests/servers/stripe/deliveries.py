"""Events on their way (https://docs.stripe.com/webhooks#behaviors).

Each is signed when it is sent, and sent again, later and later, until an answer of the 200s. No
order is promised. Here the first delays are fractions of a second, and all can be held back.
"""

import asyncio
import json
import time

import aiohttp

from .events import matches
from .objects import LATEST, event_as_of
from .signing import signature

FIRST_DELAY, LONGEST_DELAY, ATTEMPTS = 0.2, 5, 30  # seconds; Stripe's are hours
PATIENCE = aiohttp.ClientTimeout(total=30)


class Deliveries:
    """The sender of all accounts' events."""

    def __init__(self):
        self.held = False
        self.waiting = []  # what was held, in order: (account, endpoint, event)
        self.log = []  # every attempt: event, type, url, attempt, status
        self._tasks = set()
        self._session = None

    async def start(self):
        self._session = aiohttp.ClientSession(timeout=PATIENCE)

    async def stop(self):
        for task in self._tasks:
            task.cancel()
        await self._session.close()

    def send(self, account, event):
        """Called with each new event: to all endpoints that asked for its type."""
        for endpoint in account.all("webhook_endpoint", status="enabled"):
            if matches(event["type"], endpoint["enabled_events"]):
                event["pending_webhooks"] += 1
                self.waiting.append((account, endpoint, event))
        if not self.held:
            self.release()

    def release(self):
        """Let go of what was held."""
        self.held = False
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            task = asyncio.ensure_future(self._insist(*each))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def drop(self):
        """Forget what was held: it never arrives, as when Stripe gave up after three days."""
        self.held = False
        self.waiting.clear()

    @property
    def underway(self):
        return len(self._tasks)

    async def _insist(self, account, endpoint, event):
        delay = FIRST_DELAY
        for attempt in range(1, ATTEMPTS + 1):
            if account.objects[endpoint["id"]].get("status") != "enabled":
                return
            status = await self.post(
                account, event, endpoint["url"], account.hidden[endpoint["id"]],
                endpoint["api_version"], attempt)
            if 200 <= status < 300:
                event["pending_webhooks"] -= 1
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def post(self, account, event, url, secrets, version=None, attempt=1):
        """Send once.

        :return: the answer's status, 0 when there was none
        """
        body = json.dumps(event_as_of(account, event, version or LATEST), indent=2)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(body, secrets)}
        try:
            async with self._session.post(
                    url, data=body.encode(), headers=headers, allow_redirects=False) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        self.log.append({
            "event": event["id"], "type": event["type"], "url": url, "attempt": attempt,
            "status": status, "at": time.time()})
        return status
