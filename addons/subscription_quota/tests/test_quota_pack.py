"""Extra units: sold, paid, granted once, taken back as far as they are not used."""

from datetime import date

from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_quota_screens import QuotaScreensCommon

START = date(2027, 1, 1)
TENTH = date(2027, 1, 10)


@tagged("post_install", "-at_install")
class TestQuotaPack(QuotaScreensCommon):

    def setUp(self):
        super().setUp()
        self.subscription = self.subscribe(self.starter, START)
        clock = self.at(TENTH)
        clock.start()
        self.addCleanup(clock.stop)

    def test_units_come_with_the_payment_once(self):
        """« extra units bought as packs »: at the payment, by whatever route, once."""
        invoice = self.buy(self.subscription, quantity=2, pay=False)
        self.assertEqual(self.limit_of(self.subscription), 100)
        self.pay(invoice)
        self.assertEqual(self.limit_of(self.subscription), 200)
        invoice._invoice_paid_hook()
        self.assertEqual(self.limit_of(self.subscription), 200)
        line = invoice.invoice_line_ids
        self.assertEqual(line.quota_grant_id.quantity, 100)
        twin = invoice.copy()  # two payment notifications made two invoices of one order
        twin.invoice_line_ids.sale_line_ids = line.sale_line_ids
        twin.action_post()
        self.pay(twin)
        self.assertEqual(self.limit_of(self.subscription), 200)

    def test_not_given_again_at_the_renewal(self):
        """« A mid-period grant is not granted again at renewal »; nothing is left to refund."""
        invoice = self.buy(self.subscription)
        self.assertEqual(self.limit_of(self.subscription), 150)
        self.run_due(date(2027, 2, 1))
        with self.at(date(2027, 2, 2)):
            self.assertEqual(self.limit_of(self.subscription), 100)
            note = self.refund(invoice)
            self.assertEqual(note.invoice_line_ids.quota_units, 0)
            self.assertEqual(self.limit_of(self.subscription), 100)

    def test_units_held_last_for_their_days(self):
        pack = self.make_quota_pack(self.accounts, 2, quota_validity_days=30)
        self.subscription._quota_add_packs(pack, 1, "test:pack")
        for day, limit in ((TENTH, 5), (date(2027, 2, 8), 5), (date(2027, 2, 9), 3)):
            with self.at(day):
                self.assertEqual(self.limit_of(self.subscription, self.accounts), limit, day)

    def test_staff_are_told_of_units_paid_while_off(self):
        invoice = self.buy(self.subscription, pay=False)
        self.subscription._end()
        before = len(self.subscription.activity_ids)
        self.pay(invoice)
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))
        self.assertEqual(len(self.subscription.activity_ids), before + 1)

    # Refunds ----------------------------------------------------------------------------------

    def test_refund_takes_back_what_is_not_used(self):
        invoice = self.buy(self.subscription, quantity=2)
        self.subscription._quota_consume("test_scans", 130)
        note = self.refund(invoice)
        self.assertEqual(self.limit_of(self.subscription), 130)
        self.assertEqual(note.invoice_line_ids.quota_units, 70)
        with self.assertRaises(UserError):
            self.subscription._quota_consume("test_scans", 1)
        with self.assertRaisesRegex(UserError, "cannot be reset to draft"):
            note.button_draft()

    def test_refund_of_a_part(self):
        invoice = self.buy(self.subscription, quantity=2)
        self.refund(invoice, 1)
        self.assertEqual(self.limit_of(self.subscription), 150)
        self.refund(invoice, 1)
        self.assertEqual(self.limit_of(self.subscription), 100)

    def test_refund_of_an_unpaid_pack_grants_nothing(self):
        invoice = self.buy(self.subscription, pay=False)
        self.refund(invoice)
        self.assertEqual(self.limit_of(self.subscription), 100)
        self.assertFalse(self.subscription.quota_grant_ids)

    def test_refund_that_settles_the_invoice_counts_once(self):
        """Half is paid, half is credited: posting the credit note grants what was paid for."""
        invoice = self.buy(self.subscription, quantity=2, pay=False)
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create(
                {"amount": 10.0})._create_payments()
        self.assertEqual(self.limit_of(self.subscription), 100)
        self.refund(invoice, 1)
        self.assertIn(invoice.payment_state, ("paid", "in_payment", "reversed"))
        self.assertEqual(self.limit_of(self.subscription), 150)

    def test_refund_after_a_new_cycle_finds_the_units(self):
        """Changed to the year, the units went on in the period that took the place."""
        invoice = self.buy(self.subscription)
        yearly = self.env["subscription.plan.price"].create({
            "plan_id": self.starter.id, "interval_unit": "year", "amount": 1000.0})
        self.pay(self.invoices(self.subscription))
        self.subscription._quota_consume("test_scans", 20)
        self.subscription._change(yearly)
        self.subscription._quota_consume("test_scans", 10)
        rows = self.env["quota.status"].search(
            [("subscription_id", "=", self.subscription.id), ("is_current", "=", True)])
        self.assertEqual(rows.mapped("used"), [10])
        self.assertEqual(self.limit_of(self.subscription), 150)
        self.refund(invoice)
        self.assertEqual(self.limit_of(self.subscription), 100)

    # Which subscription ------------------------------------------------------------------------

    def order(self, partner, **line):
        return self.env["sale.order"].create({
            "partner_id": partner.id, "order_line": [Command.create({
                "product_id": self.pack.product_variant_id.id, **line})]})

    def test_found_when_it_is_the_only_one_else_chosen(self):
        line = self.order(self.customer).order_line
        self.assertEqual(line.quota_subscription_id, self.subscription)
        self.assertIn(self.subscription.name, line.name)
        self.subscribe(self.pro, START)
        for partner in (self.customer, self.make_customer("Nobody")):
            order = self.order(partner)
            self.assertFalse(order.order_line.quota_subscription_id)
            with self.assertRaisesRegex(ValidationError, "not for any subscription"):
                order.action_confirm()
            with self.assertRaisesRegex(ValidationError, "not for any subscription"):
                order._check_cart_is_ready_to_be_paid()

    def test_subscription_of_another_customer_is_refused(self):
        other = self.make_customer("Other")
        with self.assertRaisesRegex(ValidationError, "customer's own"):
            self.order(other, quota_subscription_id=self.subscription.id)

    def test_invoice_without_an_order_is_refused(self):
        invoice = self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": self.customer.id,
            "invoice_line_ids": [Command.create(
                {"product_id": self.pack.product_variant_id.id})]})
        with self.assertRaisesRegex(UserError, "does not say which"):
            invoice.action_post()

    # The pack ------------------------------------------------------------------------------------

    def test_packs_of_nothing_are_refused(self):
        for vals in ({"quota_units": 0}, {"quota_metric_id": False}):
            with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"), \
                    self.env.cr.savepoint():
                self.pack.write(vals)
                self.pack.flush_recordset()
        for vals, message in (
                ({"quota_units": 1_000_001}, "too many"),
                ({"quota_metric_id": self.api.id}, "on or off"),
                ({"quota_validity_days": 30}, "starts anew")):
            with self.assertRaisesRegex(ValidationError, message), self.env.cr.savepoint():
                self.pack.write(vals)
        with self.assertRaisesRegex(ValidationError, "not a whole number"):
            self.order(self.customer, product_uom_qty=0.5)
        with self.assertRaisesRegex(ValidationError, "too many"):
            self.order(self.customer, product_uom_qty=20_001)
