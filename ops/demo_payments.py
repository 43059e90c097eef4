"""What the demo's customers did with their cards, at the payment server that speaks as Stripe does.

Called as a module with Odoo's own options on the demo's own copy, while its server starts; the
address of the payment server is in ``PAYMENT_SERVER``. Nothing is written that a customer, an
accountant, the bank or a scheduled action would not have done: requests go to the payment server,
and what follows from its webhooks is the running server's work.
"""

import os
import sys
from datetime import datetime

import stripe
from dateutil.relativedelta import relativedelta

from odoo import SUPERUSER_ID, api, fields
from odoo.fields import Command
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.tools import config

from ops.demo_data import PARIS, pay, subscribe
from sandbox.stripe import PaymentServer
from sandbox.stripe.client import wait_for

GOOD, ASKS_ALWAYS = "4000002500000003", "4000002760003184"
ACCOUNT = ("517100", "STRP")  # of the balance at Stripe, and its journal
CUSTOMERS = {  # name: plan, street, card, what its bank says when it is charged
    "Inès Moreau": ("Scale", "8 quai Saint-Antoine", GOOD, None),
    "Julien Faure": ("Starter", "21 rue Mercière", GOOD, "insufficient_funds"),
    "Marc Dubois": ("Starter", "3 montée de la Grande-Côte", GOOD, "lost_card"),
    "Aïcha Diallo": ("Starter", "40 cours Lafayette", ASKS_ALWAYS, None),
    "Claire Fontaine": ("Scale", "17 rue Vendôme", GOOD, None),
    "Thomas Girard": ("Scale", "6 rue de la Charité", GOOD, None),
    "Élodie Perrin": ("Starter", "52 avenue Berthelot", None, None),  # pays by the link
}
RENEWED = ("Inès Moreau", "Thomas Girard")  # the others begin today


def connect(env, server, provider, published=False):
    """Connect Odoo to the server as an administrator does: keys, parameter of the tests, webhook.

    :param server: the :class:`PaymentServer`, as one merchant sees it
    :param bool published: offered to visitors
    """
    env["ir.config_parameter"].set_param("subscription_stripe.api_base", server.url)
    provider.write({
        "state": "test", "is_published": published, "allow_tokenization": True,
        "company_id": env.company.id, "stripe_secret_key": server.secret_key,
        "stripe_publishable_key": server.publishable_key})
    (provider.payment_method_ids - env.ref("payment.payment_method_card")).active = False
    provider.action_stripe_create_webhook()


def open_account(env, provider, code, journal_code):
    """Give the balance at Stripe an account and a journal of its own, as an accountant does."""
    account = env["account.account"].create({
        "name": "Stripe", "code": code, "account_type": "asset_current", "reconcile": True})
    journal = env["account.journal"].create({
        "name": "Stripe", "code": journal_code, "type": "bank"})
    provider.journal_id = journal
    journal.inbound_payment_method_line_ids.filtered(
        lambda line: line.payment_provider_id == provider).payment_account_id = account


class Month:
    """A month of payments by card.

    :param str name: the database
    :param server: the :class:`PaymentServer`, as the merchant sees it
    :param int provider_id: connected with it
    """

    def __init__(self, name, server, provider_id):
        self.name = name
        self.server = server
        self.provider_id = provider_id
        self.partners = {}  # ids by name
        self.subscriptions = {}

    def do(self, step, *arguments):
        """Call ``step(env, …)`` and commit; like a request, again after a conflict with the
        running server's jobs."""
        with Registry(self.name).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {"lang": "fr_FR", "tz": "Europe/Paris"})
            return retrying(lambda: step(env, *arguments), env)

    def tell(self):
        """Play the month, from the customers' cards to its statement."""
        self.partners = self.do(self._make_customers)
        self._save_cards()
        self.subscriptions = self.do(self._subscribe)
        self._banks_change_their_mind()
        self._charge_amount()
        self._bank_is_content_again("Julien Faure")
        self.do(self._refund, "Claire Fontaine", 30.0)
        self.server.dispute(
            self._charge_of("Thomas Girard"), reason="subscription_canceled", days=9)
        self.settled()
        self._pay_and_lose_the_event("Élodie Perrin")
        self._pay_out(10000)
        self.do(self._compare)

    def settled(self):
        """Wait until all is delivered, and the inbox has dealt with it."""
        self.server.wait_for_deliveries()
        wait_for(lambda: not self.do(lambda env: env["stripe.event"].search_count([
            ("provider_id", "=", self.provider_id),
            ("state", "in", ("received", "processing"))])), timeout=120)

    # Customers ------------------------------------------------------------------------------------

    def _make_customers(self, env):
        partners = env["res.partner"].create([{
            "name": name, "street": street, "zip": "69002", "city": "Lyon", "lang": "fr_FR",
            "country_id": env.ref("base.fr").id, "email": f"{_login(name)}@example.com",
        } for name, (_plan, street, _card, _bank) in CUSTOMERS.items()])
        return dict(zip(CUSTOMERS, partners.ids, strict=True))

    def _save_cards(self):
        """Save the card of each customer who has one, in « Mes moyens de paiement »."""
        for name, (_plan, _street, card, _bank) in CUSTOMERS.items():
            if card:
                transaction_id, secret = self.do(self._open_card_form, name)
                intent = self.server.confirm_setup(secret, card)
                self.do(self._come_back, transaction_id, intent["id"])

    def _open_card_form(self, env, name):
        provider = env["payment.provider"].browse(self.provider_id)
        return self._open_form(env, name, {
            "operation": "validation", "tokenize": True,
            "amount": provider._get_validation_amount(),
            "currency_id": provider._get_validation_currency().id})

    def _come_back(self, env, transaction_id, intent_id):
        """Do what Odoo does when the browser returns from the form; Stripe's event follows."""
        transaction = env["payment.transaction"].browse(transaction_id)
        intent = transaction._send_api_request(
            "GET", f"setup_intents/{intent_id}", data={"expand[]": "payment_method"})
        transaction._process("stripe", {
            "reference": transaction.reference, "setup_intent": intent,
            "payment_method": intent["payment_method"]})

    def _open_form(self, env, name, values):
        """Create the transaction as the payment form makes it.

        :return: its id, and the secret that the form gives the customer's browser
        """
        transaction = env["payment.transaction"].create({
            "provider_id": self.provider_id, "partner_id": self.partners[name],
            "payment_method_id": env.ref("payment.payment_method_card").id,
            "reference": env["payment.transaction"]._compute_reference("stripe", **values),
            **values})
        return transaction.id, transaction._get_processing_values()["client_secret"]

    # Today ----------------------------------------------------------------------------------------

    def _subscribe(self, env):
        """Make the subscriptions and their invoices, which wait for the cards to be charged.

        :return: dict of a name to the id of the subscription
        """
        today = datetime.now(PARIS).date()
        made = {}
        for name, partner_id in self.partners.items():
            partner = env["res.partner"].browse(partner_id)
            plan = env["subscription.plan"].search([("name", "=", CUSTOMERS[name][0])])
            token = env["payment.token"].search([("partner_id", "=", partner_id)])
            start = self._renewed if name in RENEWED else subscribe
            made[name] = start(env, partner, plan, today, token_id=token.id).id
        return made

    def _renewed(self, env, partner, plan, today, token_id):
        """Subscribe a month ago, paid by bank transfer then; the card pays the renewal."""
        made = subscribe(env, partner, plan, today - relativedelta(months=1))
        first = made.period_ids.invoice_id
        pay(env, first)
        # The past was mailed in the past.
        env["mail.mail"].search([("recipient_ids", "in", partner.ids)]).unlink()
        first.sending_data = False
        made.token_id = token_id
        made._catch_up()
        return made

    def _banks_change_their_mind(self):
        for name, (_plan, _street, _card, refusal) in CUSTOMERS.items():
            if refusal:
                self.server.card_becomes(self.do(self._method_of, name), refusal)

    def _bank_is_content_again(self, name):
        """Let the bank accept the card again: the next charge is paid."""
        self.server.card_becomes(self.do(self._method_of, name), None)

    def _method_of(self, env, name):
        return env["subscription.subscription"].browse(
            self.subscriptions[name]).token_id.stripe_payment_method

    def _period_of(self, env, name):
        """Return the last period that was billed."""
        return env["subscription.period"].search(
            [("subscription_id", "=", self.subscriptions[name])], limit=1)

    def _charge_amount(self):
        """Charge as the scheduled action does, unless the running server was first."""
        with Registry(self.name).cursor() as cr:
            api.Environment(cr, SUPERUSER_ID, {})["subscription.period"]._cron_charge()
        wait_for(lambda: not self.do(lambda env: env["subscription.period"].search_count([
            ("subscription_id", "in", list(self.subscriptions.values())),
            ("charge_at", "!=", False)])), timeout=120)
        self.settled()

    def _refund(self, env, name, amount):
        """Make a credit note for a part, given back to the card that paid."""
        note = self._period_of(env, name).invoice_id._reverse_moves()
        note.invoice_line_ids.price_unit = amount
        note.action_post()
        note.action_refund_to_card()

    def _charge_of(self, name):
        """Find the charge that paid, as Stripe names it."""
        intent = self.do(lambda env: self._period_of(
            env, name).transaction_ids.provider_reference)
        return self.server.get(f"payment_intents/{intent}")["latest_charge"]

    def _pay_and_lose_the_event(self, name):
        """Pay by « Payer maintenant », untold to Odoo: the comparison of the night finds it."""
        with self.server.hold(then="drop"):
            _transaction_id, secret = self.do(self._open_payment_form, name)
            self.server.confirm_payment(secret)

    def _open_payment_form(self, env, name):
        invoice = self._period_of(env, name).invoice_id
        return self._open_form(env, name, {
            "operation": "online_direct", "amount": invoice.amount_residual,
            "currency_id": invoice.currency_id.id,
            "invoice_ids": [Command.set(invoice.ids)]})

    def _pay_out(self, cents):
        """Send money from Stripe to the company's bank."""
        stripe.StripeClient(
            self.server.secret_key, base_addresses={"api": self.server.url},
        ).v1.payouts.create({"amount": cents, "currency": "eur"})

    def _compare(self, env):
        """Compare with Stripe up to now, as each night, and make the month's statement."""
        provider = env["payment.provider"].browse(self.provider_id)
        now = fields.Datetime.now()
        env["stripe.difference"]._compare(
            provider, fields.Datetime.subtract(now, days=1), fields.Datetime.add(now, minutes=1))
        env["stripe.statement"].create({"provider_id": provider.id}).action_fetch()


def _login(name):
    return name.split()[0].lower().translate(str.maketrans("èïÉé", "eiee"))


def main(arguments):
    """Play a month of payments by card in the demo's database."""
    config.parse_config(arguments, setup_logging=True)
    [name] = config["db_name"]
    server = PaymentServer("demo", os.environ["PAYMENT_SERVER"])
    with Registry(name).cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {"lang": "fr_FR", "tz": "Europe/Paris"})
        provider = env.ref("payment.payment_provider_stripe")
        connect(env, server, provider)
        open_account(env, provider, *ACCOUNT)
        provider_id = provider.id
    Month(name, server, provider_id).tell()
    if refused := server.refused():
        raise SystemExit(f"Stripe would not have understood: {refused}")


if __name__ == "__main__":
    main(sys.argv[1:])
