"""Plans with limits, subscriptions and keys, for the tests and the benchmark of the quota API."""

import socket
import threading
from contextlib import suppress

import requests

KINDS = {"scans": "period", "accounts": "held", "api_access": "feature"}


def make_key(house, **vals):
    """Make a service key with every scope, or with what `vals` make of it."""
    with house.env() as env:
        return env["quota.api.key"].create({
            "name": f"Key {env['quota.api.key'].search_count([])}", "is_service": True,
            "can_history": True, **vals})._generate()


def make_plans(house, *plans):
    """Make plans of one family, by the month, without tax.

    :param plans: (name, price, {code of metric: limit})
    :return: their ids
    """
    with house.env() as env:
        family = env["subscription.family"].create({"name": plans[0][0]})
        metrics = _metrics(env)
        return env["subscription.plan"].create([{
            "name": name, "family_id": family.id, "taxes_id": [(5,)], "is_published": True,
            "price_ids": [(0, 0, {"interval_unit": "month", "amount": price})],
            "quota_limit_ids": [
                (0, 0, {"metric_id": metrics[code].id, "limit_value": limit})
                for code, limit in limits.items()]} for name, price, limits in plans]).ids


def _metrics(env):
    """Return the metrics of the demo by their codes; make those it lacks."""
    metrics = env["quota.metric"].search([])
    metrics += metrics.create([
        {"name": code, "code": code, "kind": kind} for code, kind in KINDS.items()
        if code not in metrics.mapped("code")])
    return {metric.code: metric for metric in metrics}


def subscribe_all(house, visitors, plan_id):
    """Make a subscription of the plan for each, begun today.

    :return: list of (reference, id)
    """
    with house.env() as env:
        plan = env["subscription.plan"].browse(plan_id)
        subscriptions = env["subscription.subscription"].create([{
            "partner_id": visitor.partner_id, "plan_id": plan_id,
            "price_id": plan.price_ids[0].id} for visitor in visitors])
        for subscription in subscriptions:
            subscription.action_start()
        env["account.payment.register"].with_context(
            active_model="account.move", active_ids=subscriptions.period_ids.invoice_id.ids
        ).create({"group_payment": False})._create_payments()
        return [(subscription.name, subscription.id) for subscription in subscriptions]


class QuotaApi:
    """The API as a program calls it."""

    def __init__(self, house, key, subscription=None, server=0):
        self.url = f"{house.urls[server]}/quota/v1"
        self.subscription = subscription
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {key}"

    def post(self, call, metric=None, quantity=1, idempotency_key=None, **body):
        if metric:
            body.update(metric=metric, quantity=quantity)
        if self.subscription:
            body.setdefault("subscription", self.subscription)
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self.http.post(f"{self.url}/{call}", json=body, headers=headers, timeout=60)

    def used(self, metric):
        answer = self.http.get(
            f"{self.url}/entitlements", params={"subscription": self.subscription}, timeout=60)
        return next(item["used"] for item in answer.json()["items"] if item["metric"] == metric)


class Line:
    """The line between a program and a server: it can lose answers, and be cut.

    :ivar int unanswered: of the next requests, so many are carried out and not answered
    """

    def __init__(self, url):
        self.unanswered = 0
        self.carried = 0
        self._to = tuple(url.removeprefix("http://").split(":"))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self):
        """Answer nobody from now on."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _listen(self):
        with suppress(OSError):
            while True:
                client, _address = self._listening.accept()
                threading.Thread(target=self._carry, args=[client], daemon=True).start()

    def _carry(self, client):
        """Carry one request over a connection, as Odoo's threaded server has it."""
        with client, socket.create_connection(self._to) as server:
            asked = threading.Thread(target=_pour, args=[client, server], daemon=True)
            asked.start()
            answer = b"".join(_chunks(server))
            self.carried += 1
            if self.unanswered:
                self.unanswered -= 1
            else:
                client.sendall(answer)
            client.shutdown(socket.SHUT_RDWR)


def _chunks(source):
    while chunk := source.recv(65536):
        yield chunk


def _pour(source, target):
    with suppress(OSError):
        for chunk in _chunks(source):
            target.sendall(chunk)
