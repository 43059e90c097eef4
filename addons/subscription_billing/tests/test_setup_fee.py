"""What is billed beside the price: setup fees, of plans that cost nothing, too."""

from datetime import date

from odoo.fields import Command
from odoo.tests import tagged

from .test_cases import CasesCommon


@tagged("post_install", "-at_install")
class TestSetupFee(CasesCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.free = cls.make_plan("Free", 0.0)
        cls.free.price_ids.setup_fee = 50.0

    def test_free_plan_with_a_fee(self):
        """Its only invoice belongs to the subscription: chased, and then paid."""
        subscription = self.subscribe(self.free, date(2027, 1, 1))
        period, invoice = subscription.period_ids, self.invoices(subscription)
        self.assertEqual((period.state, period.invoice_id, period.amount, period.credited),
                         ("invoiced", invoice, 0.0, 0.0))
        self.assertEqual(invoice.amount_untaxed, 50.0)
        with self.at(date(2027, 3, 1)), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_past_due").method_direct_trigger()
        self.assertEqual(subscription.state, "past_due")
        self.pay(invoice)
        self.assertEqual((period.state, subscription.state), ("paid", "active"))

    def test_free_plan_charged_to_the_card(self):
        subscription = self.subscribe(
            self.free, date(2027, 1, 1), token_id=self.make_token().id)
        self.charge(date(2027, 1, 1))
        self.assertEqual(subscription.period_ids.state, "paid")
        self.run_due(date(2027, 2, 1))
        self.assertEqual(subscription.period_ids.mapped("state"), ["free", "paid"])

    def test_upgrade_of_a_free_plan_with_a_fee(self):
        for ordered in (False, True):
            subscription = self.ordered() if ordered else self.subscribe(
                self.free, date(2027, 1, 1))
            with self.at(date(2027, 1, 16)):
                preview = subscription._preview_change(self.pro.price_ids)
                subscription._change(self.pro.price_ids)
            self.assertEqual((preview["credit"]["total"], preview["charge"]["total"]),
                             (0.0, 103.23))
            self.assertEqual(
                self.invoices(subscription).mapped("amount_untaxed"), [50.0, 103.23])

    def ordered(self):
        """Order the free plan, and invoice the order.

        :return: a subscription to the free plan, by an order that is invoiced
        """
        with self.at(date(2027, 1, 1)):
            order = self.env["sale.order"].create({
                "partner_id": self.customer.id, "order_line": [Command.create(
                    {"product_id": self.free.product_variant_id.id})]})
            self.assertEqual(order.amount_untaxed, 50.0)
            order.action_confirm()
            subscription = order.order_line.subscription_ids
            self.assertEqual(subscription.period_ids.state, "to_invoice")
            order._create_invoices().action_post()
        return subscription

    def test_free_plan_on_an_order(self):
        subscription = self.ordered()
        self.assertEqual(subscription.period_ids.state, "invoiced")
        self.pay(self.invoices(subscription))
        self.assertEqual(subscription.period_ids.state, "paid")
        self.run_due(date(2027, 2, 1))
        self.assertEqual(len(self.invoices(subscription)), 1)  # the fee is due once

    def test_fee_stays_when_the_days_are_credited(self):
        """Leaving at once gives days back, not the fee; nor does a credit note of the fee by
        hand count as days."""
        self.starter.price_ids.setup_fee = 50.0
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        invoice = self.invoices(subscription)
        fee = invoice.invoice_line_ids.filtered("is_subscription_extra")
        self.assertEqual(fee.price_subtotal, 50.0)
        note = invoice._reverse_moves([{"invoice_date": date(2027, 1, 2)}])
        note.invoice_line_ids.filtered(lambda line: not line.is_subscription_extra).unlink()
        note.action_post()
        self.assertEqual(
            (subscription.period_ids.amount, subscription.period_ids.credited), (100.0, 0.0))
        subscription.cancel_policy = "full"
        with self.at(date(2027, 1, 10)):
            subscription._cancel(now=True)
        self.assertEqual(subscription.period_ids.credited, 100.0)
        self.assertEqual(
            sorted(self.credit_notes(subscription).mapped("amount_untaxed")), [50.0, 100.0])
