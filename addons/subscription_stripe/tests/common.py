import json
import uuid

from odoo import fields
from odoo.tests import new_test_user

SECRET = "whsec_current"


class StripeCommon:
    """A Stripe provider in test mode, whose requests reach nobody; beside TransactionCase."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.company.partner_id.lang = "en_US"  # what scheduled actions speak
        cls.database = cls.env["ir.config_parameter"].get_param("database.uuid")
        cls.provider = cls.env.ref("payment.payment_provider_stripe")
        cls.provider.write({
            "company_id": cls.company.id, "state": "test", "stripe_publishable_key": "pk_test_x",
            "stripe_secret_key": "sk_test_x", "stripe_webhook_secret": SECRET})
        # Port 1 answers nobody: a request that a test did not mean fails at once.
        cls.env["ir.config_parameter"].set_param(
            "subscription_stripe.api_base", "http://127.0.0.1:1")
        cls.customer = cls.env["res.partner"].create({
            "name": "Camille", "email": "camille@example.com", "lang": "en_US"})
        cls.accountant = new_test_user(
            cls.env, "stripe_accountant", "base.group_user,account.group_account_manager",
            lang="en_US")
        cls.clerk = new_test_user(
            cls.env, "stripe_clerk",
            "base.group_user,account.group_account_invoice,"
            "subscription_billing.group_subscription_manager", lang="en_US")

    @classmethod
    def event(cls, kind="payment_intent.succeeded", stripe_object=None, **values):
        """Return an event as Stripe words it."""
        return {
            "id": f"evt_{uuid.uuid4().hex}", "object": "event", "type": kind, "livemode": False,
            "data": {"object": {"id": "pi_1", "object": "payment_intent", **(stripe_object or {})}},
            **values}

    @classmethod
    def keep(cls, event, provider=None):
        """Put an event in the inbox, as if it had just arrived."""
        provider = provider or cls.provider
        return cls.env["stripe.event"].create({
            "provider_id": provider.id, "company_id": provider.company_id.id,
            "event_id": event["id"], "kind": event["type"],
            "body": json.dumps(event), "received_at": fields.Datetime.now(),
            "next_try": fields.Datetime.now()})

    @classmethod
    def transaction(cls, reference="S00001", **vals):
        return cls.env["payment.transaction"].create({
            "provider_id": cls.provider.id, "reference": reference, "amount": 12.0,
            "payment_method_id": cls.env.ref("payment.payment_method_card").id,
            "currency_id": cls.env.ref("base.EUR").id, "partner_id": cls.customer.id,
            "operation": "online_direct", **vals})

    def work(self):
        """Run the scheduled action."""
        with self.enter_registry_test_mode():
            job = self.env.ref("subscription_stripe.ir_cron_work")
            self.assertIs(job.method_direct_trigger(), True)

    def ours(self, reference="S00001"):
        return {"odoo_reference": reference, "odoo_database": self.database}
