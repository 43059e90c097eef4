"""The payment server in a test's hands: started, ordered about, asked what happened."""

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

import requests

from .signing import signature

ROOT = Path(__file__).resolve().parents[2]  # the folder that holds `sandbox`
PATIENCE = 30  # seconds


class PaymentServer:
    """A payment server in its own process, seen from one account.

    :param str account: what follows the prefix of its keys
    :param Path state: the file of what outlives the process, if anything does
    """

    def __init__(self, account="house", url=None, state=None):
        self.account = account
        self.url = url
        self._state = state
        self._process = None
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {self.secret_key}"

    @property
    def secret_key(self):
        """Return the secret key of the account."""
        return f"sk_test_{self.account}"

    @property
    def publishable_key(self):
        """Return the publishable key of the account."""
        return f"pk_test_{self.account}"

    # --- Its life ---

    def start(self):
        """Start the process, and wait for its address."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.stripe", "--child",
             *(["--state", str(self._state)] if self._state else [])], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the payment server did not start"
        return self

    def stop(self):
        """Stop the process."""
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._http.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    def other_account(self, name):
        """Return the same process as another merchant sees it."""
        return PaymentServer(name, self.url)

    def forget(self):
        """Begin anew: no object, no request, no delivery."""
        self.control("forget")

    def control(self, order, **values):
        """Order something of the server; see :mod:`sandbox.stripe.control`."""
        answer = self._http.post(f"{self.url}/_control/{order}", json=values, timeout=PATIENCE)
        assert answer.ok, f"{order}: {answer.status_code} {answer.text}"
        return answer.json()

    def state(self):
        """Return what the server knows: the requests that were made, and the deliveries."""
        return self._http.get(f"{self.url}/_control/state", timeout=PATIENCE).json()

    # --- What happened ---

    def calls(self, method=None, path=None):
        """List the requests that were made: each with params, key, status, and whether it was
        replayed.
        """
        return [
            call for call in self.state()["calls"]
            if method in (None, call["method"]) and path in (None, call["path"])]

    def refused(self):
        """List requests with parameters Stripe does not know: a test asserts there are none."""
        return self.state()["refused"]

    def deliveries(self, type=None):
        """List every attempt to deliver an event, with the status of its answer (0: none)."""
        return [
            each for each in self.state()["deliveries"] if type in (None, each["type"])]

    def events(self, *types, api_version=None):
        """List the events so far, oldest first, in the shape of a version of the API."""
        return self.control("events", types=list(types), api_version=api_version)

    def get(self, path, **params):
        """Fetch an object or a list, as any client would ask for it."""
        answer = self._http.get(f"{self.url}/v1/{path}", params=params, timeout=PATIENCE)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    # --- What the customer's browser does in js.stripe.com ---

    def confirm_setup(self, client_secret, number="4242424242424242", authenticated=True):
        """Type a card in the form and save it.

        :param bool authenticated: the answer of the card's holder, if the bank asks
        :return: the setup intent, or the error the form would show
        """
        return self._confirm(client_secret, number, authenticated)

    def confirm_payment(self, client_secret, number="4242424242424242", authenticated=True):
        """Type a card in the form and pay; see :meth:`confirm_setup`."""
        return self._confirm(client_secret, number, authenticated)

    def _confirm(self, client_secret, number, authenticated):
        method = self._browser("payment_methods", {
            "type": "card", "card[number]": number, "card[cvc]": "123", "card[exp_month]": "12",
            "card[exp_year]": str(time.gmtime().tm_year + 4)})
        if "error" in method:
            return method
        intent = self._on_intent(client_secret, "confirm", payment_method=method["id"])
        if intent.get("status") == "requires_action":
            return self.authenticate(client_secret, authenticated)
        return intent

    def authenticate(self, client_secret, success=True):
        """Answer the bank's question."""
        return self._on_intent(
            client_secret, "_authenticate", success="true" if success else "false")

    def _on_intent(self, client_secret, action, **form):
        intent = client_secret.partition("_secret_")[0]
        kind = "setup_intents" if intent.startswith("seti_") else "payment_intents"
        return self._browser(
            f"{kind}/{intent}/{action}", {"client_secret": client_secret, **form})

    def _browser(self, path, form):
        return requests.post(
            f"{self.url}/v1/{path}", data={"key": self.publishable_key, **form},
            timeout=PATIENCE).json()

    @property
    def script(self):
        """Return the script that takes the place of https://js.stripe.com/v3/ in a browser's page::

            page.route("https://js.stripe.com/**", lambda route: route.fulfill(
                content_type="text/javascript", body=server.script))
        """
        source = (Path(__file__).parent / "browser.js").read_text()
        return f"const API_URL = {json.dumps(self.url)};\n{source}"

    # --- Webhooks ---

    def webhook(self, url, secret=None, events=("*",), api_version=None):
        """Register an address as Stripe's dashboard does.

        :return: the endpoint, with its signing ``secret``
        """
        return self.control(
            "webhook_endpoints", url=url, secret=secret, enabled_events=list(events),
            api_version=api_version)

    def roll_secret(self, endpoint, keep_old=True, secret=None):
        """Roll the signing secret of an endpoint.

        :return: the new secret; the old one signs as well, unless told not to
        """
        return self.control(
            f"webhook_endpoints/{endpoint['id']}/roll", keep_old=keep_old, secret=secret)

    @contextlib.contextmanager
    def hold(self, then="release"):
        """Hold events back inside the block; send them afterwards, or drop them ("drop")."""
        self.control("hold")
        try:
            yield
        finally:
            self.control(then)

    def deliver(self, events, url=None, secret=None, api_version=None):
        """Send events again or in another order: in the order given, once each.

        :param url: another address than those registered, with its `secret`
        :return: status of each answer
        """
        return self.control(
            "deliver", events=[event["id"] for event in events], url=url, secret=secret,
            api_version=api_version)

    def wait_for_deliveries(self, timeout=PATIENCE):
        """Wait until every event was accepted by every endpoint."""
        wait_for(lambda: not self.state()["underway"], timeout,
                 lambda: self.state()["deliveries"][-5:])

    sign = staticmethod(signature)

    # --- Trouble ---

    def forget_keys(self):
        """Forget idempotency keys, as Stripe does after a day."""
        self.control("forget_keys")

    @contextlib.contextmanager
    def fault(self, kind, method="POST", path="/v1/*", times=1, seconds=0):
        """Make that many requests fail inside the block; see :mod:`sandbox.stripe.faults`.

        :return: a :class:`Hits`, whose ``hits`` says how many did
        """
        made = Hits(self, self.control(
            "faults", kind=kind, method=method, path=path, times=times, seconds=seconds)["id"])
        try:
            yield made
        finally:
            made.end()

    def card_becomes(self, payment_method, reason):
        """Let the bank decline the saved card from now on: ``insufficient_funds``,
        ``lost_card``...

        :param reason: None: it works again
        """
        self.control(f"payment_methods/{payment_method}/decline", reason=reason)

    def renew_card(self, payment_method, **card):
        """Replace the card as its bank would: exp_month, exp_year, or number (a test card)."""
        return self.control(f"payment_methods/{payment_method}/renew", **card)

    def dispute(self, charge, reason="fraudulent", amount=None, days=7, inquiry=False):
        """Contest the charge as its holder; the answer is due in so many days.

        :param bool inquiry: the bank asks before it takes the money
        """
        return self.control(
            f"charges/{charge}/dispute", reason=reason, amount=amount, days=days,
            inquiry=inquiry)

    def escalate(self, dispute):
        """Take the money after the bank's inquiry."""
        return self.control(f"disputes/{dispute}/escalate")

    def prices(self, **prices):
        """Set what Stripe takes from now on: per_mille and fixed of a payment, and a dispute."""
        self.control("prices", **prices)

    def close_dispute(self, dispute, status, fee_back=False):
        """Close a dispute as the bank decides: ``won`` or ``lost``."""
        return self.control(f"disputes/{dispute}/close", status=status, fee_back=fee_back)

    def fail_refund(self, refund):
        """Fail a refund: the card could not take the money back."""
        return self.control(f"refunds/{refund}/fail")


class Hits:
    """The number of requests that a fault has hit."""

    def __init__(self, server, number):
        self._server = server
        self._number = number
        self._ended = None

    @property
    def hits(self):
        """Return how many requests the fault has hit."""
        return (self._ended or self._server.control(f"faults/{self._number}"))["hits"]

    def end(self):
        """End the fault, and keep its number."""
        self._ended = self._server.control(f"faults/{self._number}/remove")


def wait_for(question, timeout=PATIENCE, complaint=lambda: "it did not happen"):
    """Wait for the first true answer, and return it."""
    deadline = time.monotonic() + timeout
    while not (answer := question()):
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.05)
    return answer
