"""Events on their way (https://docs.stripe.com/webhooks#behaviors).

Each is signed when it is sent, and sent again, later and later, until an answer of the 200s. No
order is promised. Here the first delays are fractions of a second, and all can be held back.
"""

import asyncio
import fnmatch
import json
import time

import aiohttp

from .signing import signature
from .versions import LATEST, event_as_of

FIRST_DELAY, LONGEST_DELAY, ATTEMPTS = 0.2, 5, 30  # seconds; Stripe's are hours
PATIENCE = aiohttp.ClientTimeout(total=30)


class Deliveries:
    """The sender of one account's events."""

    def __init__(self, account):
        self._account = account
        self._tasks = set()
        self.forget()

    def forget(self):
        """Begin anew: nothing held, nothing on its way, an empty log."""
        self.held = False
        self.insisting = []  # what is on its way, until it is accepted: ids of endpoint and event
        self.waiting = []  # what was held, in order: (endpoint, event)
        self.log = []  # every attempt: event, type, url, status, when sent, and answered (at)
        self.cancel()

    def cancel(self):
        """Cancel what is on its way."""
        for task in self._tasks:
            task.cancel()

    def send(self, event):
        """Send a new event to all endpoints that asked for its type."""
        for endpoint in self.receivers(event):
            event["pending_webhooks"] += 1
            self.waiting.append((endpoint, event))
        if not self.held:
            self.release()

    def receivers(self, event):
        """List the endpoints that asked for the event's type."""
        return [
            endpoint for endpoint in self._account.all("webhook_endpoint", status="enabled")
            if matches(event["type"], endpoint["enabled_events"])]

    def release(self):
        """Send what was held."""
        self.held = False
        waiting, self.waiting = self.waiting, []
        for endpoint, event in waiting:
            self._send_until_taken(endpoint, event)

    def resume(self, pairs):
        """Send again, after a restart, what was on its way."""
        for endpoint_id, event_id in pairs:
            self._send_until_taken(
                self._account.objects[endpoint_id], self._account.get("event", event_id))

    def _send_until_taken(self, endpoint, event):
        self.insisting.append((endpoint["id"], event["id"]))
        task = asyncio.ensure_future(self._insist(endpoint, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def drop(self):
        """Forget what was held: it never arrives, as when Stripe gave up after three days."""
        self.held = False
        self.waiting.clear()

    @property
    def underway(self):
        """Return how many deliveries are on their way."""
        return len(self._tasks)

    async def _insist(self, endpoint, event):
        delay = FIRST_DELAY
        for attempt in range(1, ATTEMPTS + 1):
            if endpoint.get("status") != "enabled":
                break
            status = await self.post_to(endpoint, event, attempt)
            if 200 <= status < 300:
                event["pending_webhooks"] -= 1
                break
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)
        self.insisting.remove((endpoint["id"], event["id"]))

    async def post_to(self, endpoint, event, attempt=1):
        """Send once to an endpoint, signed with the secrets it has now."""
        return await self.post(
            event, endpoint["url"], self._account.hidden[endpoint["id"]],
            endpoint["api_version"], attempt)

    async def post(self, event, url, secrets, version=None, attempt=1):
        """Send once.

        :return: the answer's status, 0 when there was none
        """
        sent = time.time()
        body = json.dumps(event_as_of(self._account, event, version or LATEST), indent=2)
        status = await _status_of_post(url, body, {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(body, secrets)})
        self.log.append({
            "event": event["id"], "type": event["type"], "url": url, "attempt": attempt,
            "status": status, "sent": sent, "at": time.time()})
        return status


async def _status_of_post(url, body, headers):
    """Post on a connection of its own; a redirection counts as a failure, as at Stripe."""
    try:
        async with aiohttp.ClientSession(timeout=PATIENCE) as session, session.post(
                url, data=body.encode(), headers=headers, allow_redirects=False) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


def matches(type, wanted):
    """Tell whether the type is among those wanted, which may name groups: ``charge.*``."""
    return any(fnmatch.fnmatchcase(type, pattern) for pattern in wanted)
