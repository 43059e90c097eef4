"""The tests' payment server answers as Stripe's pages say, to Stripe's own library."""

import http.server
import io
import threading
import time
import uuid

import pytest
import requests
import stripe

from sandbox.stripe import PaymentServer, keeping
from sandbox.stripe.client import wait_for
from tests.house import at_once

ADDONS = ()
ODOO_VERSION = "2019-05-16"  # the one payment_stripe asks for
# A form that does what Odoo's does with Stripe's script.
SHOP = """<!doctype html><title>Shop</title><div id="card"></div><p id="error"></p>
<button id="save">Save</button><script src="https://js.stripe.com/v3/"></script><script>
const form = new URLSearchParams(location.search);
const stripe = Stripe(form.get("key"), {apiVersion: "2019-05-16"});
const elements = stripe.elements({mode: "setup", setupFutureUsage: "off_session"});
elements.create("payment", {}).mount("#card");
document.querySelector("#save").addEventListener("click", async () => {
    await elements.submit();
    const {error} = await stripe.confirmSetup({
        elements, clientSecret: form.get("secret"),
        confirmParams: {return_url: `${location.origin}/return?reference=S1`},
    });
    document.querySelector("#error").textContent = error?.message;
});</script>"""


@pytest.fixture(scope="module")
def process():
    with PaymentServer() as server:
        yield server


@pytest.fixture
def server(process):
    """Give each test an account of its own."""
    return process.other_account(uuid.uuid4().hex)


@pytest.fixture
def api(server):
    return stripe.StripeClient(
        server.secret_key, base_addresses={"api": server.url}, max_network_retries=0).v1


@pytest.fixture
def inbox():
    """Open an endpoint that refuses deliveries as often as it is told to."""
    inbox = Inbox()
    yield inbox
    inbox.close()


class Inbox:
    def __init__(self):
        self.received = []  # (body, signature), the refused ones as well
        self.refusals = 0
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # noqa: N802  http.server's name
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                inbox.received.append((body, self.headers["Stripe-Signature"]))
                refused = inbox.refusals > 0
                inbox.refusals -= refused
                self.send_response(500 if refused else 200)
                self.end_headers()

            def do_GET(self):  # noqa: N802
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(SHOP.encode())

            def log_message(self, *arguments):
                """Silence."""

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/stripe"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    def events(self, secret, since=0):
        """List what came, each verified by the library.

        :raise stripe.SignatureVerificationError: for a wrong signature
        """
        return [
            stripe.Webhook.construct_event(body, signature, secret)
            for body, signature in self.received[since:]]


def saved_card(server, api, number="4242424242424242"):
    """Save a card by the form in the browser; return the customer's and the payment method's ids.

    :return: the customer's and the payment method's ids, after the form in the browser
    """
    customer = api.customers.create({"name": "Ada", "email": "ada@example.com"})
    intent = api.setup_intents.create({
        "customer": customer.id, "allowed_payment_method_types": ["card"]})
    confirmed = server.confirm_setup(intent.client_secret, number)
    assert confirmed["status"] == "succeeded", confirmed
    return customer.id, confirmed["payment_method"]


def charge(api, customer, method, key=None, amount=12_00, **params):
    """Charge off session, as a renewal does."""
    return api.payment_intents.create({
        "amount": amount, "currency": "eur", "customer": customer, "payment_method": method,
        "confirm": True, "off_session": True, **params},
        options={"idempotency_key": key or str(uuid.uuid4())})


def paid(server, api, amount=12_00, **params):
    """Make a payment intent that succeeded."""
    return charge(api, *saved_card(server, api), amount=amount, **params)


def types(server):
    return [event["type"] for event in server.events()]


# --- Idempotency (https://docs.stripe.com/api/idempotent_requests) ---


def test_same_key_and_parameters_give_the_same_answer_and_one_charge(server, api):
    card = saved_card(server, api)
    first = charge(api, *card, key="SUB/1/1")
    second = charge(api, *card, key="SUB/1/1")
    assert second.id == first.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(api.charges.list().data) == 1
    assert charge(api, *card, key="SUB/1/2").id != first.id


def test_same_key_with_other_parameters_is_an_error(server, api):
    card = saved_card(server, api)
    charge(api, *card, key="SUB/2/1", amount=1000)
    with pytest.raises(stripe.IdempotencyError) as error:
        charge(api, *card, key="SUB/2/1", amount=2000)
    assert error.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):  # nor for another endpoint
        api.customers.create({"name": "Ada"}, options={"idempotency_key": "SUB/2/1"})
    assert [charge.amount for charge in api.charges.list().data] == [1000]


def test_same_key_at_the_same_time_is_a_conflict(server, api):
    card = saved_card(server, api)

    def attempt():
        try:
            return charge(api, *card, key="SUB/3/1").id
        except stripe.StripeError as error:
            return error.http_status, error.json_body["error"]["code"]

    with server.fault("latency", path="/v1/payment_intents", seconds=0.3) as fault:
        answers = at_once([attempt] * 3)
    assert fault.hits == 1
    conflict = (409, "idempotency_key_in_use")
    assert answers.count(conflict) == 2
    [made] = [answer for answer in answers if answer != conflict]
    assert charge(api, *card, key="SUB/3/1").id == made
    assert len(api.charges.list().data) == 1


def test_after_a_day_the_key_is_forgotten(server, api):
    card = saved_card(server, api)
    first = charge(api, *card, key="SUB/5/1")
    server.forget_keys()
    assert charge(api, *card, key="SUB/5/1").id != first.id


def test_a_decline_is_repeated_under_its_key_but_a_refused_parameter_is_not(server, api):
    card = saved_card(server, api, "4000000000000341")
    for _time in range(2):
        with pytest.raises(stripe.CardError):
            charge(api, *card, key="SUB/4/1")
    assert len(api.charges.list().data) == 1
    with pytest.raises(stripe.InvalidRequestError):
        charge(api, *card, key="SUB/4/2", colour="blue")
    with pytest.raises(stripe.CardError):  # the key is still free
        charge(api, *card, key="SUB/4/2")


# --- Cards (https://docs.stripe.com/testing) ---


@pytest.mark.parametrize("number, code, decline", [
    ("4000000000000341", "card_declined", "generic_decline"),
    ("4000002760003184", "authentication_required", "authentication_required"),
])
def test_a_saved_card_that_fails_off_session_answers_402_with_the_intent(
        server, api, number, code, decline):
    card = saved_card(server, api, number)
    with pytest.raises(stripe.CardError) as error:
        charge(api, *card)
    assert error.value.http_status == 402
    assert (error.value.code, error.value.error.decline_code) == (code, decline)
    intent = api.payment_intents.retrieve(error.value.error.payment_intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == code
    assert intent.last_payment_error.payment_method.id == card[1]
    assert api.charges.retrieve(intent.latest_charge).failure_code == code
    assert types(server)[-3:] == [
        "payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


@pytest.mark.parametrize("number, decline", [
    ("4000000000009995", "insufficient_funds"), ("4000000000009987", "lost_card"),
    ("4000000000000002", "generic_decline"),
])
def test_a_declined_card_can_neither_be_saved_nor_pay(server, api, number, decline):
    intent = api.setup_intents.create({"customer": api.customers.create({}).id})
    refused = server.confirm_setup(intent.client_secret, number)
    assert refused["error"]["decline_code"] == decline
    assert refused["error"]["setup_intent"]["status"] == "requires_payment_method"
    payment = api.payment_intents.create({"amount": 500, "currency": "eur"})
    refused = server.confirm_payment(payment.client_secret, number)
    assert refused["error"]["decline_code"] == decline
    assert api.payment_intents.retrieve(payment.id).amount_received == 0


def test_a_good_card_can_be_lost_later(server, api):
    card = saved_card(server, api)
    for reason in ("lost_card", "insufficient_funds"):
        server.card_becomes(card[1], reason)
        with pytest.raises(stripe.CardError) as error:
            charge(api, *card)
        assert error.value.error.decline_code == reason
    server.card_becomes(card[1], None)
    assert charge(api, *card).status == "succeeded"


def test_a_card_saved_with_authentication_pays_off_session(server, api):
    card = saved_card(server, api, "4000002500003155")
    assert "setup_intent.requires_action" in types(server)
    assert charge(api, *card).status == "succeeded"
    unsaved = api.payment_methods.attach(
        "pm_card_authenticationRequiredOnSetup", {"customer": card[0]})
    with pytest.raises(stripe.CardError) as error:
        charge(api, card[0], unsaved.id)
    assert error.value.code == "authentication_required"


def test_on_session_the_holder_is_asked(server, api):
    intent = api.payment_intents.create({"amount": 500, "currency": "eur"})
    refused = server.confirm_payment(
        intent.client_secret, "4000002760003184", authenticated=False)
    assert refused["status"] == "requires_payment_method"
    assert refused["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert server.confirm_payment(intent.client_secret, "4000002760003184")["status"] == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as error:
        api.payment_intents.confirm(intent.id)
    assert error.value.code == "payment_intent_unexpected_state"


def test_a_card_of_another_customer_or_of_another_account_cannot_be_charged(server, api):
    ada, method = saved_card(server, api)
    bob = api.customers.create({"name": "Bob"}).id
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        charge(api, bob, method)
    other = server.other_account(f"other{server.account}")
    rival = stripe.StripeClient(other.secret_key, base_addresses={"api": server.url}).v1
    with pytest.raises(stripe.InvalidRequestError, match="No such customer") as error:
        charge(rival, ada, method)
    assert error.value.code == "resource_missing"
    assert other.events() == [] and api.charges.list().data == []


def test_an_id_of_another_kind_or_of_a_deleted_customer_is_not_found(server, api):
    customer, method = saved_card(server, api)
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        api.payment_intents.retrieve(customer)
    api.customers.delete(customer)
    assert api.customers.retrieve(customer).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        charge(api, customer, method)
    assert types(server)[-2:] == ["payment_method.detached", "customer.deleted"]


def test_a_detached_card_is_of_no_use(server, api):
    customer, method = saved_card(server, api)
    api.payment_methods.detach(method)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        charge(api, customer, method)
    [event] = server.events("payment_method.detached")
    assert event["data"]["previous_attributes"] == {"customer": customer}


def test_the_network_renews_a_card(server, api):
    customer, method = saved_card(server, api)
    server.renew_card(method, exp_month=7, exp_year=2033)
    [event] = server.events("payment_method.automatically_updated")
    assert event["data"]["object"]["card"]["exp_year"] == 2033
    assert "card" in event["data"]["previous_attributes"]
    assert charge(api, customer, method).status == "succeeded"


def test_a_browser_may_only_act_on_its_own_intent(server, api):
    intent = api.setup_intents.create({})
    as_browser = {"key": server.publishable_key, "payment_method": "pm_card_visa"}
    answer = requests.post(f"{server.url}/v1/setup_intents/{intent.id}/confirm", data={
        **as_browser, "client_secret": "seti_x_secret_y"})
    assert answer.status_code == 401
    answer = requests.get(f"{server.url}/v1/customers", params={"key": server.publishable_key})
    assert answer.status_code == 401


def test_a_form_in_a_browser_saves_a_card(server, api, inbox, browser):
    intent = api.setup_intents.create({"customer": api.customers.create({}).id})
    page = browser.new_page()
    page.route("https://js.stripe.com/**", lambda route: route.fulfill(
        content_type="text/javascript", body=server.script))
    page.goto(f"{inbox.url}?key={server.publishable_key}&secret={intent.client_secret}")
    page.get_by_label("Expiration").fill("12/34")
    page.get_by_label("Code de sécurité").fill("123")
    page.get_by_label("Numéro de carte").fill("4000 0000 0000 9995")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("insufficient funds").wait_for(timeout=5000)
    page.get_by_label("Numéro de carte").fill("4000 0025 0000 3155")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Authentifier").click(timeout=5000)
    page.wait_for_url("**/return?**", timeout=5000)
    assert f"reference=S1&setup_intent={intent.id}" in page.url
    page.close()
    saved = api.setup_intents.retrieve(intent.id, {"expand": ["payment_method"]})
    assert (saved.status, saved.payment_method.card.last4) == ("succeeded", "3155")


# --- Requests as Odoo's payment_stripe sends them ---


def test_odoo_gets_charges_in_the_intent_and_sends_forms_with_a_get(server, api):
    customer, method = saved_card(server, api)
    headers = {"AUTHORIZATION": f"Bearer {server.secret_key}", "Stripe-Version": ODOO_VERSION}
    intent = requests.post(f"{server.url}/v1/payment_intents", headers=headers, data={
        "amount": 1200, "currency": "eur", "description": "S00042-1",
        "capture_method": "automatic", "payment_method_types[]": "card",
        "expand[]": "payment_method", "shipping[address][city]": "Lyon",
        "shipping[address][country]": "FR", "shipping[address][line1]": "1 rue Longue",
        "shipping[address][line2]": "", "shipping[address][postal_code]": "69001",
        "shipping[address][state]": "", "shipping[name]": "Ada", "confirm": True,
        "customer": customer, "off_session": True, "payment_method": method,
        "mandate": None}).json()
    assert intent["status"] == "succeeded", intent
    assert intent["payment_method"]["card"]["last4"] == "4242"
    assert intent["charges"]["data"][0]["payment_method_details"]["card"]["mandate"] is None
    page = requests.get(f"{server.url}/v1/payment_methods", headers=headers, data={
        "customer": customer, "type": "card", "limit": 1}).json()
    assert [each["id"] for each in page["data"]] == [method]
    refund = requests.post(f"{server.url}/v1/refunds", headers=headers, data={
        "payment_intent": intent["id"], "amount": 200}).json()
    [event] = server.events("charge.refunded", api_version=ODOO_VERSION)
    assert event["data"]["object"]["refunds"]["data"][0]["id"] == refund["id"]
    assert "charges" not in api.payment_intents.retrieve(intent["id"])
    assert server.refused() == []


# --- Parameters ---


@pytest.mark.parametrize("params, code, param", [
    ({"colour": "blue"}, "parameter_unknown", "colour"),
    ({"api_key": "sk_test_x"}, "parameter_unknown", "api_key"),
    ({"shipping": {"name": "Ada", "address": {"planet": "Mars"}}},
     "parameter_unknown", "shipping[address][planet]"),
    ({"amount": "twelve"}, "parameter_invalid_integer", "amount"),
    ({"currency": None}, "parameter_missing", "currency"),
    ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported",
     "payment_method_types"),  # since 2026-09-30; Odoo's version still takes it
    ({"amount": 49}, "amount_too_small", "amount"),
])
def test_parameters_that_stripe_does_not_know_are_refused(server, api, params, code, param):
    given = {"amount": 500, "currency": "eur", **params}
    with pytest.raises(stripe.InvalidRequestError) as error:
        api.payment_intents.create(
            {name: value for name, value in given.items() if value is not None})
    assert (error.value.http_status, error.value.code, error.value.param) == (400, code, param)
    expected = [] if code == "amount_too_small" else [param]
    assert [each["param"] for each in server.refused()] == expected
    assert server.events() == []


# --- Refunds (https://docs.stripe.com/refunds) ---


def test_refunds_in_part_then_whole_then_no_more(server, api):
    intent = paid(server, api)
    api.refunds.create({"payment_intent": intent.id, "amount": 500})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        api.refunds.create({"payment_intent": intent.id, "amount": 701})
    rest = api.refunds.create({"charge": intent.latest_charge})
    assert (rest.amount, rest.status) == (700, "succeeded")
    charged = api.charges.retrieve(intent.latest_charge)
    assert (charged.refunded, charged.amount_refunded) == (True, 1200)
    with pytest.raises(stripe.InvalidRequestError) as error:
        api.refunds.create({"payment_intent": intent.id})
    assert error.value.code == "charge_already_refunded"
    assert types(server).count("charge.refunded") == 2


def test_a_refund_that_fails_comes_back_to_the_balance(server, api):
    intent = paid(server, api)
    refund = api.refunds.create({"payment_intent": intent.id})
    server.fail_refund(refund.id)
    assert api.refunds.retrieve(refund.id).status == "failed"
    assert api.charges.retrieve(intent.latest_charge).amount_refunded == 0
    assert "charge.refund.updated" in types(server)
    assert sum(each.net for each in api.balance_transactions.list().data) == 1200 - 43


# --- Disputes and the balance ---


@pytest.mark.parametrize("verdict, net", [("won", -2000), ("lost", -2000 - 1200)])
def test_a_dispute_takes_the_money_and_winning_brings_it_back(server, api, verdict, net):
    intent = paid(server, api)
    dispute = server.dispute(intent.latest_charge)
    assert api.charges.retrieve(intent.latest_charge).disputed
    with pytest.raises(stripe.InvalidRequestError) as error:
        api.refunds.create({"payment_intent": intent.id})
    assert error.value.code == "charge_disputed"
    answered = api.disputes.update(
        dispute["id"], {"evidence": {"product_description": "A course"}})
    assert answered.status == "under_review"
    assert answered.evidence_details.submission_count == 1
    server.close_dispute(dispute["id"], verdict)
    closed = api.disputes.retrieve(dispute["id"])
    assert closed.status == verdict
    assert sum(each.net for each in closed.balance_transactions) == net
    assert [type for type in types(server) if "dispute" in type] == [
        "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated",
        *(["charge.dispute.funds_reinstated"] if verdict == "won" else []),
        "charge.dispute.closed"]


def test_a_dispute_may_be_given_up_or_decided_by_test_evidence(server, api):
    card = saved_card(server, api)
    first, second = (server.dispute(charge(api, *card).latest_charge) for _time in range(2))
    assert api.disputes.close(first["id"]).status == "lost"
    won = api.disputes.update(
        second["id"], {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert won.status == "won"
    with pytest.raises(stripe.InvalidRequestError):
        api.disputes.close(second["id"])
    contested = charge(api, *saved_card(server, api, "4000000000000259"))
    assert api.disputes.list({"charge": contested.latest_charge}).data[0].reason == "fraudulent"


def test_an_inquiry_moves_no_money_until_it_becomes_a_dispute(server, api):
    dispute = server.dispute(paid(server, api).latest_charge, inquiry=True)
    assert (dispute["status"], dispute["balance_transactions"]) == ("warning_needs_response", [])
    server.escalate(dispute["id"])
    escalated = api.disputes.retrieve(dispute["id"])
    assert escalated.status == "needs_response"
    assert [each.net for each in escalated.balance_transactions] == [-2000 - 1200]


def test_evidence_may_be_a_file_that_was_uploaded(server, api):
    uploads = stripe.StripeClient(
        server.secret_key, base_addresses={"api": server.url, "files": server.url}).v1.files
    file = io.BytesIO(b"%PDF-1.4 terms")
    file.name = "terms.pdf"
    stored = uploads.create({"purpose": "dispute_evidence", "file": file})
    assert (stored.filename, stored.size, stored.type) == ("terms.pdf", 14, "pdf")
    dispute = server.dispute(paid(server, api).latest_charge)
    with pytest.raises(stripe.InvalidRequestError, match="No such file"):
        api.disputes.update(dispute["id"], {"evidence": {"receipt": "file_unknown"}})
    answered = api.disputes.update(dispute["id"], {"evidence": {"receipt": stored.id}})
    assert (answered.evidence.receipt, answered.status) == (stored.id, "under_review")


def test_fees_are_those_of_the_account(server, api):
    server.prices(per_mille=29, fixed=30, dispute=1500)
    server.dispute(paid(server, api, amount=100_00).latest_charge)
    fees = [each.fee for each in api.balance_transactions.list().data]
    assert fees == [1500, 290 + 30]


def test_the_balance_list_adds_up_to_what_is_paid_out(server, api):
    paid(server, api, amount=100_00)
    refunded = paid(server, api, amount=30_00)
    api.refunds.create({"payment_intent": refunded.id, "amount": 10_00})
    movements = api.balance_transactions.list({"limit": 100}).data
    assert sum(each.fee for each in movements) == (150 + 25) + (45 + 25)
    due = sum(each.net for each in movements)
    assert due == 120_00 - 245 == api.balance.retrieve().available[0].amount
    payout = api.payouts.create({"amount": due, "currency": "eur"})
    listed = api.balance_transactions.list({"payout": payout.id}).data
    assert {each.type for each in listed} == {"charge", "refund", "payout"}
    assert sum(each.net for each in listed) == 0 == api.balance.retrieve().available[0].amount


# --- Events and webhooks (https://docs.stripe.com/webhooks) ---


def test_events_are_listed_newest_first_page_by_page(server, api):
    paid(server, api)
    everything = list(api.events.list({"limit": 2}).auto_paging_iter())
    assert [event.id for event in reversed(everything)] == [
        event["id"] for event in server.events()]
    assert [event.type for event in api.events.list({"type": "payment_intent.*"}).data] == [
        "payment_intent.succeeded", "payment_intent.created"]
    assert api.events.list({"created": {"gt": int(time.time()) + 5}}).data == []
    event = api.events.retrieve(everything[0].id)
    assert event.data.object.status == "succeeded"
    assert event.request.idempotency_key


def test_deliveries_are_signed_and_repeated_until_accepted(server, api, inbox):
    endpoint = api.webhook_endpoints.create({
        "url": inbox.url, "enabled_events": ["customer.created"]})
    inbox.refusals = 2
    customer = api.customers.create({"name": "Ada"})
    api.customers.update(customer.id, {"name": "Ada L."})  # an event nobody asked for
    server.wait_for_deliveries()
    received = inbox.events(endpoint.secret)
    assert [event.data.object.id for event in received] == [customer.id] * 3
    assert len({event.id for event in received}) == 1
    assert [each["status"] for each in server.deliveries()] == [500, 500, 200]
    assert api.events.retrieve(received[0].id).pending_webhooks == 0
    assert {event.type for event in received} == {"customer.created"}
    with pytest.raises(stripe.SignatureVerificationError):
        inbox.events("whsec_of_somebody_else")


def test_two_endpoints_have_their_secrets_and_a_rolled_one_signs_twice(server, api, inbox):
    first = server.webhook(inbox.url, secret="whsec_first")
    api.customers.create({})
    server.wait_for_deliveries()
    assert len(inbox.events("whsec_first")) == 1
    new = server.roll_secret(first)
    api.customers.create({})
    server.wait_for_deliveries()
    assert len(inbox.events("whsec_first", since=1)) == len(inbox.events(new, since=1)) == 1
    server.roll_secret(first, keep_old=False, secret="whsec_last")
    second = server.webhook(inbox.url, events=["customer.*"])
    api.customers.create({})
    server.wait_for_deliveries()
    bodies = inbox.received[2:]
    assert len(bodies) == 2
    for secret, expected in (("whsec_last", 1), (second["secret"], 1), (new, 0)):
        accepted = [signature for body, signature in bodies if _verifies(body, signature, secret)]
        assert len(accepted) == expected


def _verifies(body, signature, secret):
    try:
        return stripe.Webhook.construct_event(body, signature, secret)
    except stripe.SignatureVerificationError:
        return None


def test_events_are_held_repeated_and_reordered_on_demand(server, api, inbox):
    endpoint = server.webhook(inbox.url)
    with server.hold(then="drop"):
        paid(server, api)
        events = server.events()
        assert server.state()["held"] == len(events) and inbox.received == []
    order = [*reversed(events), events[0]]
    assert server.deliver(order) == [200] * len(order)
    received = inbox.events(endpoint["secret"])
    assert [event.id for event in received] == [event["id"] for event in order]
    assert server.deliver(events[:1], url=inbox.url, secret="whsec_mine") == [200]
    assert inbox.events("whsec_mine", since=len(order))[0].id == events[0]["id"]
    with server.hold():
        late = api.customers.create({})
    server.wait_for_deliveries()
    assert inbox.events(endpoint["secret"], since=len(order) + 1)[0].data.object.id == late.id


def test_an_event_shows_its_object_as_it_was(server, api):
    customer = api.customers.create({"name": "Ada", "metadata": {"a": "1", "b": "2"}})
    api.customers.update(customer.id, {"name": "Ada L.", "metadata": {"b": ""}})
    created, updated = server.events("customer.*")
    assert created["data"]["object"]["name"] == "Ada"
    assert updated["data"]["object"]["metadata"] == {"a": "1"}
    assert updated["data"]["previous_attributes"] == {
        "name": "Ada", "metadata": {"a": "1", "b": "2"}}


# --- Faults ---


@pytest.mark.parametrize("kind, raised, charges", [
    ("error_before", stripe.APIError, 0),
    ("drop_before", stripe.APIConnectionError, 0),
    ("error_after", stripe.APIError, 1),
    ("drop_after", stripe.APIConnectionError, 1),
])
def test_after_a_fault_the_same_key_leads_to_one_charge(server, api, kind, raised, charges):
    card = saved_card(server, api)
    with server.fault(kind, path="/v1/payment_intents") as fault:
        with pytest.raises(raised):
            charge(api, *card, key="SUB/9/1")
    assert fault.hits == 1
    assert len(api.charges.list().data) == charges
    again = charge(api, *card, key="SUB/9/1")
    assert again.status == "succeeded"
    assert len(api.charges.list().data) == 1
    replayed = [call["replayed"] for call in server.calls("POST", "/v1/payment_intents")]
    assert replayed == [False, bool(charges)]


def test_a_failure_of_stripe_itself_is_repeated_under_its_key(server, api):
    card = saved_card(server, api)
    with server.fault("error_kept", path="/v1/payment_intents"):
        for _time in range(2):
            with pytest.raises(stripe.APIError):
                charge(api, *card, key="SUB/10/1")
    assert len(api.charges.list().data) == 1


def test_a_capture_later(server, api):
    held = paid(server, api, capture_method="manual")
    assert (held.status, held.amount_capturable) == ("requires_capture", 1200)
    assert api.balance_transactions.list().data == []
    assert api.payment_intents.capture(held.id, {"amount_to_capture": 1000}).status == "succeeded"
    assert types(server)[-2:] == ["charge.captured", "payment_intent.succeeded"]
    other = paid(server, api, capture_method="manual")
    assert api.payment_intents.cancel(other.id).status == "canceled"


def test_outlives_its_process(tmp_path, inbox):
    """The demo's server after a restart, which is a kill here: customers, cards and what their
    bank says, keys, the balance, and the deliveries that nobody has accepted yet."""
    file = tmp_path / "state"
    with PaymentServer("kept", state=file) as server:
        shop = stripe.StripeClient(server.secret_key, base_addresses={"api": server.url}).v1
        customer = shop.customers.create({"name": "Inès"})
        method = shop.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        charge = {"amount": 5000, "currency": "eur", "customer": customer.id, "confirm": True,
                  "payment_method": method.id, "off_session": True}
        paid = shop.payment_intents.create(charge, {"idempotency_key": "first"})
        server.card_becomes(method.id, "lost_card")
        inbox.refusals = 1000
        server.webhook(inbox.url, events=["customer.updated"])
        shop.customers.update(customer.id, {"phone": "+33612345678"})
        wait_for(server.deliveries)
        time.sleep(2 * keeping.DELAY)
    inbox.refusals = 0
    with PaymentServer("kept", state=file) as server:
        shop = stripe.StripeClient(server.secret_key, base_addresses={"api": server.url}).v1
        assert shop.payment_intents.create(charge, {"idempotency_key": "first"}).id == paid.id
        with pytest.raises(stripe.CardError, match="declined"):
            shop.payment_intents.create(charge, {"idempotency_key": "second"})
        assert shop.balance.retrieve().available[0].amount == 5000 - 100
        server.wait_for_deliveries()
        assert server.deliveries("customer.updated")[-1]["status"] == 200
