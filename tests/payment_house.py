"""The house with the tests' payment server in Stripe's place; nothing of ours is patched."""

import os
import re
import subprocess

import stripe

from ops import database, paths, postgres
from sandbox.stripe import PaymentServer
from sandbox.stripe.client import wait_for
from tests.house import House
from tests.test_insaho_flow_http import json_answer, json_call

EFFECT_WITHIN = 5  # seconds from the webhook to its effect (issue 6, part 7)


class PaymentHouse(House):
    """One Odoo process that runs no scheduled action: what happens is asked for by the test, or
    is an effect of a webhook."""

    def __init__(self, name, folder, **options):
        super().__init__(name, folder, **{"processes": 1, "crons": 0, **options})
        self.stripe = PaymentServer("house")
        self._workers = None

    def create(self):
        super().create()
        self.stripe.start()
        with self.env() as env:
            self._set_up(env)
        return self

    def _set_up(self, env):
        """Do what the demo does, but offer visitors Stripe instead of the demo's card."""
        from ops.demo_payments import connect

        env["payment.provider"].search([("code", "=", "demo")]).is_published = False
        connect(env, self.stripe, env.ref("payment.payment_provider_stripe"), published=True)

    def stop(self):
        if self._workers:
            self._workers.communicate()
        super().stop()
        self.stripe.stop()

    def worker_that_charges(self):
        """Start a process of its own that runs the scheduled action once, and may be killed.

        :return: its number
        """
        if not self._workers:
            self._workers = subprocess.Popen(
                [str(paths.PYTHON), "-m", "tests.charge_workers", self.name,
                 *database.odoo_options(), "--log-level=warn"], cwd=paths.ROOT, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                env={**os.environ, **postgres.environment()})
        print(file=self._workers.stdin, flush=True)
        return int(self._workers.stdout.readline())

    @property
    def api(self):
        """Return the account as its owner uses it outside of Odoo, with Stripe's own library."""
        return stripe.StripeClient(
            self.stripe.secret_key, base_addresses={"api": self.stripe.url}).v1

    def customer(self):
        """Make a customer who is signed in already."""
        return self.customers(1)[0]

    # What customers do ----------------------------------------------------------------------------

    def save_card(self, visitor, number="4242424242424242"):
        """Save a card by the form of « Mes moyens de paiement »; Stripe tells of it.

        :return: id of the token
        """
        page = visitor.get("/my/payment_method").text
        token = re.search(r'data-access-token="([^"]*)"', page)[1]
        values = json_call(
            visitor, "/payment/transaction", access_token=token, amount=None, currency_id=None,
            partner_id=visitor.partner_id, landing_route="/my/payment_method",
            is_validation=True, **self.by_card(tokenize=True))
        self.stripe.confirm_setup(values["client_secret"], number)
        return wait_for(lambda: self.rows(
            f"SELECT id FROM payment_token WHERE partner_id = {visitor.partner_id}"
            " AND active"))[-1][0]

    def by_card(self, tokenize=False):
        return self.by("stripe", "card", tokenize)

    def by(self, provider_code, method_code, tokenize=False, flow="direct"):
        """Return what the form says of the provider and method the customer chose."""
        provider, method = self.rows(
            "SELECT p.id, m.id FROM payment_provider p, payment_method m"
            f" WHERE p.code = '{provider_code}' AND p.is_published AND m.code = '{method_code}'"
            " AND m.active")[0]
        return {"provider_id": provider, "payment_method_id": method, "token_id": None,
                "flow": flow, "tokenization_requested": tokenize}

    def pay_invoice(self, visitor, invoice_id, amount, **values):
        """Click « Payer maintenant » on the portal's page of an invoice, up to the card.

        :return: the payment intent
        """
        return self.intent(self.start_payment(
            visitor, invoice_id, amount, **{**self.by_card(), **values}))

    def start_payment(self, visitor, invoice_id, amount, **values):
        """Click « Payer maintenant » by any provider.

        :return: the reference of the transaction
        """
        return json_call(
            visitor, f"/invoice/transaction/{invoice_id}", access_token=None, amount=amount,
            landing_route="/my/invoices", is_validation=False, **values)["reference"]

    def intent(self, reference):
        """Return the payment intent of a transaction."""
        [intent] = [each for each in self.stripe.get("payment_intents", limit=100)["data"]
                    if each["metadata"].get("odoo_reference") == reference]
        return intent

    def come_back(self, visitor, reference, intent):
        """Return from the bank's page, as the browser does."""
        visitor.get(f"/payment/stripe/return?reference={reference}&payment_intent={intent['id']}")

    def poll(self, visitor):
        """Do what the page « Votre paiement est en cours » does each second; its errors are
        answers.
        """
        return json_answer(visitor, "/payment/status/poll", csrf_token="")

    def deliver(self, events):
        """Deliver Stripe's events to the server that visitors meet, too."""
        return self.stripe.deliver(
            events, f"{self.url}/payment/stripe/webhook", self._webhook_secret())

    def _webhook_secret(self):
        [(secret,)] = self.rows(
            "SELECT stripe_webhook_secret FROM payment_provider"
            " WHERE code = 'stripe' AND is_published")
        return secret

    def wait_on_page(self, visitor):
        """Ask until the page is told that the payment is done; see :meth:`poll`."""
        wait_for(lambda: self.poll(visitor).get("result", {}).get("state") == "done")

    # What happens by itself -----------------------------------------------------------------------

    def due(self, *visitors, token_id=False, amount=100.0, **price):
        """Make subscriptions whose first period starts today, invoiced.

        :param price: more values of the plan's price
        :return: ids of the periods
        """
        with self.env() as env:
            plan = env["subscription.plan"].create({
                "name": f"Offre à {amount}", "taxes_id": False,
                "price_ids": [(0, 0, {"interval_unit": "month", "amount": amount, **price})]})
            made = env["subscription.subscription"].create([{
                "partner_id": visitor.partner_id, "plan_id": plan.id,
                "price_id": plan.price_ids.id, "tz": "Europe/Paris"} for visitor in visitors])
            made.write({"state": "active", "anchor_date": made[0]._today(),
                        "next_date": made[0]._today(), "token_id": token_id})
            return made._renew().ids

    def charge(self):
        """Run the scheduled action in this process: another worker than the server's."""
        with self.env() as env:
            env["subscription.period"]._cron_charge()

    def ask(self):
        """Run the scheduled action for unanswered charges, as if some minutes had gone by."""
        with self.env() as env:
            env.cr.execute(
                "UPDATE payment_transaction SET create_date = create_date - interval '2 minutes'"
                " WHERE state = 'pending'")
            env["payment.transaction"]._cron_ask_unanswered()

    def settled(self):
        """Wait until Stripe has delivered all, and the inbox has dealt with it."""
        self.stripe.wait_for_deliveries()
        wait_for(lambda: not self.rows(
            "SELECT 1 FROM stripe_event WHERE state IN ('received', 'processing')"))

    # What became of it ----------------------------------------------------------------------------

    def period(self, period_id):
        """Return (state of the period, of the subscription, of the invoice, attempts)."""
        return self.rows(
            "SELECT p.state, s.state, m.payment_state, p.attempt_count FROM subscription_period p"
            " JOIN subscription_subscription s ON s.id = p.subscription_id"
            f" JOIN account_move m ON m.id = p.invoice_id WHERE p.id = {period_id}")[0]

    def invoice(self, period_id):
        """Return the invoice's id."""
        return self.rows(
            f"SELECT invoice_id FROM subscription_period WHERE id = {period_id}")[0][0]

    def attempts(self, period_id):
        """List (reference, state, kind of refusal, Stripe's code) of each charge, oldest first."""
        return self.rows(
            "SELECT reference, state, decline_kind, stripe_decline_code FROM payment_transaction"
            f" WHERE subscription_period_id = {period_id} ORDER BY id")

    def payments(self, visitor):
        """List (direction, cents) of each posted payment, oldest first."""
        return [(direction, round(amount * 100)) for direction, amount in self.rows(
            "SELECT payment_type, amount FROM account_payment WHERE state IN ('paid',"
            f" 'in_process') AND partner_id = {visitor.partner_id} ORDER BY id")]

    def subjects(self, visitor):
        """List the subjects of all mails to the customer, sorted."""
        return sorted(subject for (subject,) in self.rows(
            "SELECT message.subject FROM mail_mail mail"
            " JOIN mail_message message ON message.id = mail.mail_message_id"
            " JOIN mail_mail_res_partner_rel told ON told.mail_mail_id = mail.id"
            f" WHERE told.res_partner_id = {visitor.partner_id}"))

    def told(self, visitor):
        """List what all mails to the customer are about, sorted: « Paiement reçu »."""
        return sorted(re.split(r"\W*(?::|SUB\d|/\d)", subject)[0]
                      for subject in self.subjects(visitor))

    def books(self, visitor):
        """Sum the cents that the customer's invoices and payments leave on each account: Stripe's,
        or by its first digits.
        """
        with self.env() as env:
            stripe_account = env.ref("payment.payment_provider_stripe")._stripe_account()
            balances = {}
            for account, balance in env["account.move.line"]._read_group(
                    [("move_id.partner_id", "=", visitor.partner_id),
                     ("parent_state", "=", "posted")], ["account_id"], ["balance:sum"]):
                code = "Stripe" if account == stripe_account else account.code[:3]
                balances[code] = balances.get(code, 0) + round(balance * 100)
            return {code: balance for code, balance in balances.items() if balance}

    def succeeded(self, reference):
        """Count how often the card was charged under a reference, as Stripe has it."""
        return len([
            each for each in self.stripe.get("payment_intents", limit=100)["data"]
            if each["metadata"].get("odoo_reference") == reference
            and each["status"] == "succeeded"])
