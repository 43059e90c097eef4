"""An upgrade whose payment is refused, is under way or waits: what the customer has meanwhile."""

from datetime import date, timedelta

from odoo.tests import HttpCase, tagged

from .common import SubscriptionCommon
from .test_cases import CasesCommon

START, CHANGED = date(2027, 1, 1), date(2027, 1, 16)


@tagged("post_install", "-at_install")
class TestUpgradePayment(CasesCommon):

    def upgrade(self, card, policy="take_back", price=None):
        """Upgrade a paid Starter to Pro on the 16th, charged to a card."""
        self.pro.upgrade_policy = policy
        self.subscription = self.subscribe(self.starter, START)
        self.pay(self.invoices(self.subscription))
        self.subscription.token_id = card and self.make_token(card)
        with self.at(CHANGED):
            self.change = self.subscription._change(price or self.pro.price_ids)
        self.charge(CHANGED)
        return self.subscription

    def check_as_before(self, subscription):
        """Check that all is as before: on Starter, nothing owed or in favour, each day covered
        once.
        """
        self.assertEqual(
            (subscription.plan_id, subscription.quantity, subscription.unit_price),
            (self.starter, 1, 100.0))
        self.assertEqual((subscription.state, subscription.next_date),
                         ("active", date(2027, 2, 1)))
        self.assertFalse(subscription.served_plan_id)
        documents = subscription.period_ids.line_ids.move_id
        self.assertEqual(sum(documents.mapped("amount_residual")), 0.0)
        self.assertEqual(subscription._outstanding_credits()[subscription], 0.0)
        self.assertEqual(
            round(sum(documents.mapped("amount_total_signed")), 2), 100.0)
        self.assertEqual(self.change.state, "taken_back")
        self.assertIn("take_back", self.events(subscription))

    def test_refused_is_taken_back(self):
        subscription = self.upgrade("error")
        self.check_as_before(subscription)
        subjects = self.subjects()
        self.assertIn("Your change to Pro was not made", subjects)
        self.assertFalse([each for each in subjects if each.startswith("Payment failed")])
        self.assertNotIn(f"Your subscription {subscription.name} changes", subjects)
        mail = self.mails_to(self.customer)[-1]
        self.assertIn("Nothing is owed for this change", mail.body_html)
        self.run_due(date(2027, 2, 1))
        self.assertEqual(self.invoices(subscription)[-1].amount_total, 100.0)
        # Another card, and the same change goes through.
        subscription.token_id = self.make_token()
        self.charge(date(2027, 2, 1))

    def test_told_once_the_money_has_come(self):
        for card, policy in (("done", "take_back"), ("pending", "wait"), ("error", "keep"),
                             (None, "take_back")):
            with self.subTest(card=card, policy=policy):
                subscription = self.upgrade(card, policy)
                self.assertEqual(self.subjects().count(
                    f"Your subscription {subscription.name} changes"), 1)

    def test_refused_and_changed_again_the_same_day(self):
        subscription = self.upgrade("error")
        subscription.token_id = self.make_token()
        with self.at(CHANGED):
            subscription._change(self.pro.price_ids)
        self.charge(CHANGED)
        self.assertEqual(subscription._period_on(CHANGED).state, "paid")
        self.assertEqual(subscription.plan_id, self.pro)

    def test_another_cycle_is_taken_back(self):
        """Anchor and next date are those of before."""
        yearly = self.env["subscription.plan.price"].create({
            "plan_id": self.pro.id, "interval_unit": "year", "amount": 2000.0})
        self.check_as_before(self.upgrade("error", price=yearly))
        self.assertEqual(self.subscription.anchor_date, START)

    def test_debit_that_fails_after_days(self):
        """What was served is owed, the rest of the stretch is Starter's again."""
        subscription = self.upgrade("pending")
        self.assertEqual(subscription.plan_id, self.pro)
        later = CHANGED + timedelta(days=6)
        attempt = subscription._period_on(CHANGED).transaction_ids
        with self.at(later):
            attempt._set_error("No money")
        self.assertEqual((subscription.plan_id, self.change.state), (self.starter, "taken_back"))
        # 48.39 for 15 days of Starter, 38.71 for 6 of Pro, 32.26 for the rest.
        documents = subscription.period_ids.line_ids.move_id
        self.assertEqual(round(sum(documents.mapped("amount_total_signed")), 2), 119.36)

    def test_debit_that_fails_after_the_renewal_is_chased(self):
        """The plan has gone on for another period: it is not taken back."""
        subscription = self.upgrade("pending")
        attempt = subscription._period_on(CHANGED).transaction_ids
        self.run_due(date(2027, 2, 1))
        with self.at(date(2027, 2, 3)):
            attempt._set_error("No money")
        self.assertEqual((subscription.plan_id, subscription.state), (self.pro, "past_due"))

    def test_kept_and_chased(self):
        subscription = self.upgrade("error", policy="keep")
        self.assertEqual((subscription.plan_id, subscription.state), (self.pro, "past_due"))
        self.assertTrue(subscription._period_on(CHANGED).dunning_start)

    def test_waits_for_the_money(self):
        for card, policy in (("pending", "wait"), (None, "wait")):
            subscription = self.upgrade(card, policy)
            period = subscription._period_on(CHANGED)
            self.assertEqual((subscription.plan_id, subscription.served_plan_id),
                             (self.pro, self.starter))
            with self.at(CHANGED + timedelta(days=3)):
                if card:
                    period.transaction_ids._set_done()
                    period.transaction_ids._post_process()
                else:
                    self.pay(period.invoice_id)
            self.assertEqual(period.state, "paid")
            self.assertFalse(subscription.served_plan_id)

    def test_waits_and_is_refused(self):
        """As if it had never been asked for, whenever the bank says no."""
        subscription = self.upgrade("pending", "wait")
        with self.at(CHANGED + timedelta(days=6)):
            subscription._period_on(CHANGED).transaction_ids._set_error("No money")
        self.check_as_before(subscription)

    def test_waits_and_is_not_paid_in_time(self):
        self.pro.payment_term_id = False
        subscription = self.upgrade(None, "wait")
        with self.at(CHANGED + timedelta(days=1)), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_past_due").method_direct_trigger()
        self.check_as_before(subscription)

    def test_authentication_waits_for_the_customer(self):
        """The bank asks for the customer: they have the link, Starter until then, and go back to
        it when they do not come."""
        self.patch(self.registry["payment.transaction"], "_decline_kind",
                   lambda self: "authentication")
        subscription = self.upgrade("error")
        self.assertEqual((subscription.plan_id, subscription.served_plan_id, subscription.state),
                         (self.pro, self.starter, "active"))
        self.assertEqual(
            len([each for each in self.subjects() if each.startswith("Payment failed")]), 1)
        self.assertTrue(subscription._open_invoices())
        with self.at(CHANGED + timedelta(days=1)), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_past_due").method_direct_trigger()
        self.check_as_before(subscription)

    def test_change_that_owes_nothing_waits_for_nothing(self):
        self.starter.upgrade_policy = "wait"
        subscription = self.subscribe(self.pro, START)
        self.pay(self.invoices(subscription))
        with self.at(CHANGED):
            subscription._change(self.starter.price_ids)
        self.assertFalse(subscription.served_plan_id)


@tagged("post_install", "-at_install")
class TestUpgradeOnThePage(HttpCase, SubscriptionCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.env.ref("payment.payment_provider_demo")
        cls.provider.write({"state": "test", "is_published": True, "company_id": cls.company.id})
        (cls.starter + cls.pro).write({"is_published": True})
        cls.owner = cls.make_portal("upgrader")
        cls.subscription = cls.draft(cls.starter, partner_id=cls.owner.partner_id.id)
        cls.subscription._start()
        cls.pay(cls.subscription.period_ids.invoice_id)
        cls.url = f"/my/subscriptions/{cls.subscription.id}"

    def confirm(self, state):
        """Click « Confirmer » on the preview, with a card whose charges end so.

        :return: the page shown
        """
        self.subscription.token_id = self.env["payment.token"].create({
            "provider_id": self.provider.id, "provider_ref": "demo", "payment_details": "4242",
            "payment_method_id": self.provider.payment_method_ids[:1].id,
            "partner_id": self.owner.partner_id.id, "demo_simulated_state": state})
        self.authenticate("upgrader", "upgrader")
        page = self.url_open(f"{self.url}/change?price={self.pro.price_ids.id}").text
        self.assertIn("o_preview_due", page)
        field = {name: page.split(f'name="{name}" value="')[1].split('"')[0]
                 for name in ("csrf_token", "price", "quantity", "timing", "due")}
        return self.url_open(f"{self.url}/change", data=field).text

    def test_refused_is_said_at_once(self):
        page = self.confirm("error")
        self.assertIn("demo payment status: error", page.split('role="alert"')[1][:300])
        self.assertEqual(self.subscription.plan_id, self.starter)
        self.assertIn("Your change to Pro was not made",
                      self.mails_to(self.owner.partner_id).mapped("subject"))

    def test_accepted_is_paid_at_once(self):
        page = self.confirm("done")
        self.assertNotIn("alert-danger", page)
        self.assertEqual(self.subscription.plan_id, self.pro)
        period = self.subscription._period_on(self.subscription._today())
        self.assertEqual(period.state, "paid")

    def test_under_way_is_said(self):
        page = self.confirm("pending")
        self.assertIn("is under way", page.split("o_subscription_sentence")[1][:300])
        self.assertNotIn("o_subscription_pay", page)
