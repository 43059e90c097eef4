"""A currency without an exchange rate: nothing is booked at 1 to 1."""

from datetime import date

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .test_cases import CasesCommon

START = date(2027, 1, 10)


@tagged("post_install", "-at_install")
class TestMissingRate(CasesCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "lang": "en_US"})
        cls.currency = cls.env["res.currency"].create({"name": "XTS", "symbol": "X"})
        cls.abroad = cls.make_plan("Abroad", 60.0)
        cls.more = cls.make_plan("Abroad and more", 90.0)
        (cls.abroad + cls.more).price_ids.currency_id = cls.currency

    def rate(self, day):
        return self.env["res.currency.rate"].create({
            "name": day, "currency_id": self.currency.id, "rate": 2.0,
            "company_id": self.company.id})

    def refused(self):
        return self.assertRaisesRegex(
            UserError, "no exchange rate of XTS on 01/10/2027[^$]*Add a rate")

    def test_start(self):
        with self.at(START):
            subscription = self.draft(self.abroad, START)
            with self.refused():
                subscription.action_start()
            with self.refused(), self.cr.savepoint():
                subscription._start()  # whoever starts it
            self.rate(date(2027, 1, 11))
            with self.refused():  # of a later day
                subscription.action_start()
            self.rate(START)
            subscription.action_start()
        invoice = self.invoices(subscription)
        self.assertEqual(abs(invoice.amount_total_signed), 30.0)

    def test_change(self):
        with self.at(START):
            rate = self.rate(START)
            subscription = self.draft(self.abroad, START)
            subscription.action_start()
            rate.unlink()
            with self.refused():
                subscription._preview_change(self.more.price_ids)
            subscription._change(self.more.price_ids, timing="period_end")

    def test_renewal_is_held_until_it_is_mended(self):
        with self.at(START):
            rate = self.rate(START)
            subscription = self.draft(self.abroad, START)
            subscription.action_start()
            rate.unlink()
        self.run_due(date(2027, 2, 10))
        self.assertTrue(subscription.is_held)
        self.assertIn("no exchange rate of XTS", subscription.hold_reason)
        self.assertEqual(len(self.invoices(subscription)), 1)
        self.rate(START)
        with self.at(date(2027, 2, 10)):
            subscription.with_user(self.user).action_release()
        self.run_due(date(2027, 2, 10))
        self.assertEqual(abs(self.invoices(subscription)[-1].amount_total_signed), 30.0)

    def test_order(self):
        """Refused before it is paid and by staff; what was paid is confirmed all the same."""
        pricelist = self.env["product.pricelist"].create(
            {"name": "Abroad", "currency_id": self.currency.id})
        with self.at(START):
            order = self.env["sale.order"].create({
                "partner_id": self.customer.id, "pricelist_id": pricelist.id,
                "order_line": [Command.create({
                    "product_id": self.abroad.product_variant_id.id,
                    "subscription_price_id": self.abroad.price_ids.id})]})
            for act in (order.action_confirm, order._check_cart_is_ready_to_be_paid):
                with self.refused(), self.cr.savepoint():
                    act()
            self.rate(START)
            order.action_confirm()
        self.assertEqual(order.state, "sale")
