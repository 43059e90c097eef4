"""What becomes of events: done, ignored, put off, failed. Payments are in the flow tests."""

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from .. import const
from ..exceptions import EventRefused
from .common import StripeCommon


@tagged("post_install", "-at_install")
class TestWork(StripeCommon, TransactionCase):

    def outcome(self, *arguments, **values):
        event = self.keep(self.event(*arguments, **values))
        self.work()
        return event.state, event.error

    def test_unknown_type_is_ignored(self):
        for kind in ("invoice.paid", "customer.created", "v9.thing"):
            with self.subTest(kind=kind):
                self.assertEqual(
                    self.outcome(kind), ("ignored", "Events of this type have no effect here."))

    def test_another_account_is_ignored(self):
        state, error = self.outcome(account="acct_1Other")
        self.assertEqual((state, "acct_1Other" in error), ("ignored", True))

    def test_real_payment_told_to_a_test_is_ignored(self):
        self.assertEqual(self.outcome(livemode=True)[0], "ignored")

    def test_another_database_is_ignored(self):
        """« of another database sharing the key »: even when it has an order of that number."""
        transaction = self.transaction("S00001")
        state, error = self.outcome(stripe_object={
            "description": "S00001",
            "metadata": {"odoo_reference": "S00001", "odoo_database": "other"}})
        self.assertEqual((state, "another database" in error), ("ignored", True))
        self.assertEqual(transaction.state, "draft")

    def test_another_program_is_ignored(self):
        self.assertEqual(self.outcome(stripe_object={"description": "A shop"})[0], "ignored")
        self.assertEqual(self.outcome("charge.refunded")[0], "ignored")
        for kind in ("payment_method.detached", "customer.updated", "charge.dispute.created"):
            self.assertEqual(self.outcome(kind)[0], "ignored")

    def test_another_company_is_ignored(self):
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.provider.copy({"company_id": other.id})
        transaction = self.transaction("S00001", provider_id=theirs.id)
        self.assertEqual(self.outcome(stripe_object={"description": "S00001"})[0], "ignored")
        self.assertEqual(transaction.state, "draft")

    def test_other_amount_or_currency_than_ours(self):
        """« amount or currency that differs from ours »: refused for good, with both in words."""
        transaction = self.transaction()
        transaction._stripe_check_amount({"amount": 1200, "currency": "eur"})
        for amount, currency, said in (
                (1200, "usd", "1200 USD for S00001, where Odoo has 1200 EUR"),
                (1199, "eur", "1199 EUR for S00001, where Odoo has 1200 EUR"),
                (120000, "eur", "120000 EUR"), (12, "eur", "12 EUR")):
            with self.subTest(said=said), self.assertRaisesRegex(EventRefused, said):
                transaction._stripe_check_amount({"amount": amount, "currency": currency})

    def test_charge_without_record_is_waited_for_then_told(self):
        """1 min, 5, 30, 2 h, 12 h; then failed, and an accountant is told, once."""
        event, another = [self.keep(self.event(stripe_object={
            "id": f"pi_{number}", "metadata": self.ours("S09999")})) for number in (1, 2)]
        start = fields.Datetime.now().replace(microsecond=0)
        moment, tries = start, []
        with mute_logger("odoo.addons.subscription_stripe.models.stripe_event"):
            for wait in (*const.BACKOFF, timedelta()):
                with freeze_time(moment):
                    self.work()
                    self.work()  # nothing is due again
                tries.append((event.attempts, event.state))
                moment += wait
        self.assertEqual(tries, [*((n, "received") for n in range(1, 6)), (6, "failed")])
        self.assertIn("S09999", event.error)
        self.assertEqual(another.state, "failed")
        told = self.env["mail.activity"].search([("res_model", "=", "stripe.event")])
        self.assertEqual(len(told), 1)
        self.assertTrue(told.user_id.has_group("account.group_account_manager"))

    def test_stripe_does_not_answer(self):
        transaction = self.transaction()
        with mute_logger("odoo.addons.subscription_stripe.models.stripe_event"):
            state, error = self.outcome(stripe_object={"description": "S00001"})
        self.assertEqual((state, transaction.state), ("received", "draft"))
        self.assertIn("establish the connection", error)

    def test_killed_worker_lets_go(self):
        """An event taken by a worker that is no more is taken again after its minute."""
        event = self.keep(self.event("invoice.paid"))
        event.write({"state": "processing", "attempts": 1,
                     "next_try": fields.Datetime.now() + timedelta(minutes=1)})
        self.work()
        self.assertEqual(event.state, "processing")
        with freeze_time(fields.Datetime.now() + timedelta(minutes=2)):
            self.work()
        self.assertEqual((event.state, event.attempts), ("ignored", 2))

    def test_event_that_kills_its_workers_fails(self):
        event = self.keep(self.event(stripe_object={"metadata": self.ours()}))
        event.write({"state": "processing", "attempts": 6})
        self.work()
        self.assertEqual(event.state, "failed")
        self.assertIn("stopped before the end", event.error)

    def test_one_that_fails_holds_nobody_up(self):
        first = self.keep(self.event(stripe_object={"metadata": self.ours()}))
        second = self.keep(self.event("invoice.paid"))
        with mute_logger("odoo.addons.subscription_stripe.models.stripe_event"):
            self.work()
        self.assertEqual((first.state, second.state), ("received", "ignored"))

    def test_charge_that_cannot_be_asked_about_holds_nobody_up(self):
        """The oldest charge has an amount that nobody can ask for: staff are told once, and the
        next one is settled."""
        old = fields.Datetime.now() - timedelta(days=9)
        poisoned, good = (self.transaction(
            reference, operation="offline", state="pending") for reference in ("BAD", "GOOD"))
        self.env.flush_all()
        self.env.cr.execute("UPDATE payment_transaction SET create_date = %s WHERE id IN %s",
                            [old, (poisoned.id, good.id)])
        self.env.cr.execute(
            "UPDATE payment_transaction SET amount = -1 WHERE id = %s", [poisoned.id])
        self.env.invalidate_all()

        def find(transaction):
            if transaction.amount < 0:
                raise ValueError(transaction.amount)

        self.patch(self.registry["payment.transaction"], "_stripe_find_intent", find)
        with self.enter_registry_test_mode(), mute_logger(
                "odoo.addons.subscription_stripe.models.payment_transaction", "odoo.sql_db"):
            for _time in range(2):
                self.env.ref("subscription_stripe.ir_cron_ask").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((poisoned.state, good.state), ("pending", "error"))
        told = self.customer.activity_ids
        self.assertEqual((len(told), told.user_id), (1, self.accountant))

    def test_staff_replay_and_ignore(self):
        event = self.keep(self.event("invoice.paid"))
        event.write({"state": "failed", "attempts": 6, "error": "Stripe was away"})
        event._tell_staff()
        self.assertTrue(event.activity_ids)
        event.with_user(self.accountant).action_replay()
        self.assertEqual((event.state, event.attempts), ("received", 0))
        self.assertFalse(event.activity_ids)
        self.work()
        self.assertEqual(event.state, "ignored")
        event.state = "failed"
        event.with_user(self.accountant).action_ignore()
        self.assertEqual(event.state, "ignored")
        self.assertIn(self.accountant.name, event.error)

    def test_replay_waits_for_who_works_on_it(self):
        event = self.keep(self.event())
        event.write({"state": "processing",
                     "next_try": fields.Datetime.now() + timedelta(minutes=1)})
        with self.assertRaisesRegex(UserError, "being processed"):
            event.with_user(self.accountant).action_replay()

    def test_card_detached_or_its_customer_deleted(self):
        """A customer removed at Stripe takes all cards along; nobody else's."""
        tokens = self.env["payment.token"].create([{
            "provider_id": self.provider.id, "partner_id": self.customer.id,
            "payment_method_id": self.env.ref("payment.payment_method_card").id,
            "provider_ref": f"cus_{number}", "stripe_payment_method": f"pm_{number}",
            "payment_details": "4242"} for number in (1, 2)])
        self.assertEqual(self.outcome("customer.deleted", {"id": "cus_1"})[0], "done")
        self.assertEqual(tokens.mapped("active"), [False, True])

    def test_old_events_are_forgotten(self):
        old = fields.Datetime.now() - const.KEEP_EVENTS - timedelta(days=1)
        events = {}
        for state in ("done", "ignored", "failed", "received"):
            events[state] = self.keep(self.event())
            events[state].write({"state": state, "received_at": old})
        recent = self.keep(self.event())
        recent.state = "done"
        self.env["stripe.event"]._gc_events()
        kept = {state for state, event in events.items() if event.exists()}
        self.assertEqual((kept, bool(recent.exists())), ({"failed", "received"}, True))

    def test_health(self):
        for state, count in (("received", 2), ("failed", 1), ("done", 3)):
            for _each in range(count):
                self.keep(self.event()).write({
                    "state": state,
                    "received_at": fields.Datetime.now() - timedelta(minutes=7)})
        self.env.flush_all()
        health = self.env["stripe.health"].with_user(self.accountant).search(
            [("provider_id", "=", self.provider.id)])
        self.assertEqual(
            (health.waiting_count, health.failed_count, health.waiting_minutes), (2, 1, 7))
        domain = health.action_failed()["domain"]
        self.assertEqual(self.env["stripe.event"].search_count(domain), 1)


@tagged("post_install", "-at_install")
class TestAccountant(StripeCommon, TransactionCase):

    def test_accountant_of_the_company(self):
        """Whom to tell: not the accountant of another company."""
        other = self.env["res.company"].create({"name": "Other"})
        theirs = new_test_user(
            self.env, "their_accountant", "base.group_user,account.group_account_manager",
            company_id=other.id, company_ids=[(6, 0, other.ids)])
        self.assertEqual(self.env["stripe.health"]._find_accountant(other), theirs)
        self.assertIn(
            self.company, self.env["stripe.health"]._find_accountant(self.company).company_ids)
