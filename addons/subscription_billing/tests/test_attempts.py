"""One attempt at a time: for what is due now, on the card saved now, under a name of its own."""

from datetime import date

from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_cases import CasesCommon


@tagged("post_install", "-at_install")
class TestReference(CasesCommon):
    """Each stretch is charged under its own reference, whenever it begins."""

    def paying(self, day=date(2027, 1, 10)):
        subscription = self.subscribe(self.starter, day, token_id=self.make_token().id)
        self.charge(day)
        return subscription

    def change(self, subscription, day, *wish, **more):
        with self.at(day):
            subscription._change(*wish, **more)
        self.charge(day)
        return subscription._period_on(day)

    def test_change_on_the_day_of_the_renewal(self):
        subscription = self.paying()
        renewed = date(2027, 2, 10)
        self.run_due(renewed)
        self.charge(renewed)
        first = subscription._period_on(renewed)
        second = self.change(subscription, renewed, self.pro.price_ids)
        self.assertEqual((first.state, second.state), ("void", "paid"))
        self.assertEqual(
            (first + second).transaction_ids.sorted("id").mapped("reference"),
            [f"{subscription.name}/2027-02-10/1", f"{subscription.name}/2027-02-10.2/1"])
        self.assertEqual(second.transaction_ids.amount, 100.0)
        self.assertFalse(second.invoice_id.amount_residual)

    def test_two_changes_in_one_day(self):
        subscription = self.paying()
        day = date(2027, 1, 15)
        periods = [self.change(subscription, day, quantity=quantity) for quantity in (2, 5)]
        self.assertEqual([period.state for period in periods], ["void", "paid"])
        self.assertEqual([period.transaction_ids.state for period in periods], ["done", "done"])

    def test_subscriptions_of_one_number_in_two_companies(self):
        other = self.env["res.company"].create({"name": "B", "currency_id": self.euro.id})
        day = date(2027, 1, 10)
        first = self.subscribe(self.starter, day).period_ids
        second = self.subscribe(self.pro, day).period_ids
        second.subscription_id.write({"company_id": other.id, "name": first.subscription_id.name})
        self.assertNotEqual(first._charge_reference(1), second._charge_reference(1))


@tagged("post_install", "-at_install")
class TestAbandonedAttempt(CasesCommon):
    """An attempt of 120.00 was committed, and never sent; meanwhile 50.00 came by transfer and
    the customer saved another card."""

    def setUp(self):
        super().setUp()
        self.former = self.provider.copy({"name": "Former", "state": "test"})
        token = self.make_token()
        token.provider_id = self.former
        self.subscription = self.subscribe(
            self.make_plan("P", 120.0), date(2027, 1, 10), token_id=token.id)
        self.period = self.subscription.period_ids
        self.abandoned = self.period._create_transaction()
        self.period.charge_at = False
        with self.at(date(2027, 1, 11)):
            wizard = self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=self.period.invoice_id.ids).create({})
            wizard.write({"amount": 50.0, "payment_difference_handling": "open"})
            wizard._create_payments()
            self.subscription.token_id = self.make_token()

    def charge_again(self):
        with self.at(date(2027, 1, 12)):
            self.subscription.action_charge()
        self.charge(date(2027, 1, 12))
        return self.period.transaction_ids.filtered(lambda each: each.state == "done")

    def check_charged(self):
        done = self.charge_again()
        self.assertEqual((done.amount, done.token_id), (70.0, self.subscription.token_id))
        self.assertEqual(done.reference, f"{self.subscription.name}/2027-01-10/2")
        self.assertEqual((self.abandoned.state, self.abandoned.is_given_up), ("cancel", True))
        self.assertEqual((self.period.state, self.subscription.state), ("paid", "active"))
        # Nobody refused anything: neither customer nor history say so.
        self.assertNotIn("payment_failed", self.events(self.subscription))
        self.assertFalse([each for each in self.subjects() if each.startswith("Payment failed")])

    def test_refused_after_another_payment_went_through(self):
        """Odoo has yet to post it: nobody is chased for what is paid."""
        self.period._create_transaction()._set_done()
        self.abandoned._set_error("Refused")
        self.assertFalse(self.period.dunning_start)
        self.assertEqual(self.subscription.state, "active")
        self.assertNotIn("payment_failed", self.events(self.subscription))

    def test_provider_switched_off(self):
        self.former.state = "disabled"
        self.check_charged()

    def test_provider_on_again_with_its_card(self):
        self.former.state = "disabled"
        self.former.state = "test"
        self.former.payment_method_ids |= self.method
        self.method.active = True
        self.abandoned.token_id.active = True
        self.check_charged()

    def test_same_amount_and_card_is_sent_again(self):
        """Its reference tells the provider that it is the same."""
        self.subscription.token_id = self.abandoned.token_id
        self.abandoned.amount = 70.0
        self.assertEqual(self.charge_again(), self.abandoned)

    def test_money_that_arrives_late_is_recorded(self):
        """The provider had received the attempt after all."""
        self.check_charged()
        with mute_logger("odoo.addons.payment.models.payment_transaction"):
            self.abandoned._set_done()
        self.assertEqual(self.abandoned.state, "cancel")  # the demo moves no money
        self.former.write({"code": "custom", "custom_mode": "wire_transfer"})
        self.abandoned._set_done()
        self.assertEqual(self.abandoned.state, "done")
