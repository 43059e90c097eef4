"""The door: what Stripe sends is kept once, and what others send is not."""

import json
import time

import stripe

from odoo import fields
from odoo.tests import HttpCase, tagged

from .. import const
from .common import SECRET, StripeCommon

ADDRESS = "/payment/stripe/webhook"


@tagged("post_install", "-at_install")
class TestInbox(StripeCommon, HttpCase):

    def setUp(self):
        super().setUp()
        # The work itself is tried in test_work, and by real servers in the flow tests.
        self.patch(self.env.registry["stripe.event"], "_work_after_answer",
                   lambda events: lambda: None)

    def send(self, event, secret=SECRET, header=None, at=None, body=None):
        body = json.dumps(event) if body is None else body
        if header is None:
            header = stripe.WebhookSignature.generate_signature_header(
                body, secret, timestamp=at or int(time.time()))
        headers = {"Content-Type": "application/json", "Stripe-Signature": header}
        if not header:
            del headers["Stripe-Signature"]
        return self.url_open(ADDRESS, data=body, headers=headers, method="POST")

    def refused(self, reason, **options):
        """Check that the request is answered 400, logged with its reason, and not kept."""
        with self.assertLogs("odoo.addons.subscription_stripe.controllers.main", "WARNING") as log:
            answer = self.send(options.pop("event", self.event()), **options)
        self.assertEqual(answer.status_code, 400, answer.text)
        self.assertIn(reason, log.output[0])
        self.assertFalse(self.env["stripe.event"].search([]))

    def test_kept_once(self):
        """« replayed »: the same event ten times is one row, and each time Stripe is content."""
        event = self.event("payment_intent.succeeded", {"id": "pi_42"})
        for _delivery in range(3):
            self.assertEqual(self.send(event).status_code, 200)
        kept = self.env["stripe.event"].search([])
        self.assertEqual(kept.mapped("event_id"), [event["id"]])
        self.assertEqual(
            (kept.state, kept.kind, kept.object_ref, kept.attempts, kept.company_id),
            ("received", "payment_intent.succeeded", "pi_42", 0, self.company))
        self.assertEqual(json.loads(kept.body), event)

    def test_without_signature(self):
        self.refused("No Stripe-Signature header", header="")

    def test_wrong_signature(self):
        self.refused("No signatures found matching", secret="whsec_somebody")

    def test_old_signature(self):
        self.refused("outside the tolerance", at=int(time.time()) - 601)

    def test_signature_of_the_future(self):
        self.refused("signed in the future", at=int(time.time()) + 3600)

    def test_event_of_the_future(self):
        """« future event »: dated ahead, of a version to come, yet signed now. It is kept; its
        date decides nothing, for the object is fetched as it is."""
        event = self.event(created=int(time.time()) + 365 * 86400, api_version="2099-01-01.oak")
        self.assertEqual(self.send(event).status_code, 200)
        self.assertEqual(self.env["stripe.event"].search([]).event_id, event["id"])

    def test_signatures_that_are_none(self):
        for header in ("t=,v1=", "nonsense", "t=1", "v1=00", "t=abc,v1=00", "t=1,v1=é", "="):
            with self.subTest(header=header):
                self.refused("", header=header.encode("latin-1"))

    def test_body_changed_on_the_way(self):
        event = self.event()
        header = stripe.WebhookSignature.generate_signature_header(json.dumps(event), SECRET)
        self.refused("No signatures", event={**event, "type": "charge.refunded"}, header=header)

    def test_signed_but_no_event(self):
        for body in ("", "[]", "null", "{}", "{not json", '{"id": "evt_1"}', json.dumps(
                {**self.event(), "id": "a\0b"}), json.dumps({**self.event(), "id": 7}),
                json.dumps({**self.event(), "data": {"object": []}}), "[" * 9000):
            with self.subTest(body=body[:20]):
                self.refused("no event of Stripe", body=body)

    def test_more_than_a_megabyte(self):
        event = self.event(padding="x" * const.MAX_BODY)
        self.assertEqual(self.send(event).status_code, 413)
        self.assertFalse(self.env["stripe.event"].search([]))

    def test_no_secret_is_set(self):
        """Odoo lets such events pass; anybody could send them."""
        self.provider.stripe_webhook_secret = False
        self.provider.stripe_former_secret = False
        self.refused("no signing secret is set")

    def test_rotation_of_secrets(self):
        """Both secrets are good for a day, then the new one only."""
        self.provider.stripe_webhook_secret = "whsec_new"
        for secret in ("whsec_new", SECRET):
            self.assertEqual(self.send(self.event(), secret).status_code, 200)
        self.assertEqual(self.env["stripe.event"].search_count([]), 2)
        self.env["stripe.event"].search([]).unlink()
        self.provider.stripe_former_secret_until = fields.Datetime.now()
        self.refused("No signatures found matching", secret=SECRET)

    def test_secret_tells_the_company(self):
        """Two tenants of one database: an event belongs to whoever's secret signed it."""
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.provider.copy({"company_id": other.id})
        theirs.write({"stripe_secret_key": "sk_test_other", "stripe_webhook_secret": "whsec_o"})
        self.send(self.event(), "whsec_o")
        kept = self.env["stripe.event"].search([])
        self.assertEqual((kept.provider_id, kept.company_id), (theirs, other))

    def test_secret_shared_by_companies(self):
        """One account for two companies: the event goes where the payment was made."""
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.provider.copy({"company_id": other.id})
        theirs.stripe_webhook_secret = SECRET
        self.transaction("S00002", provider_id=theirs.id)
        self.transaction("S00003")
        for reference in ("S00002", "S00003"):
            self.send(self.event(stripe_object={"description": reference}))
        self.assertEqual(
            self.env["stripe.event"].search([], order="id").provider_id, theirs | self.provider)
