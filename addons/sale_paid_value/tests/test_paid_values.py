import random

from odoo.fields import Command
from odoo.tests import tagged

from .common import PaidValueCommon


@tagged("post_install", "-at_install")
class TestPaidValues(PaidValueCommon):
    """Discounts on lines of their own lower the lines they are about."""

    def everywhere(self, order, expected):
        """Check the values on the order, on its invoice, and on the credit note of the invoice."""
        self.assertEqual(self.paid(order), expected)
        invoice = self.invoice(order)
        note = self.credit_note(invoice)
        for document in (invoice, note):
            self.assertEqual(self.paid(document), expected)
            self.assertEqual(self.paid(document, "balance"), expected)

    def test_without_discount(self):
        self.everywhere(self.order((100, None), (33.33, None, 3)), [100.0, 99.99])

    def test_percentage_of_a_line(self):
        order = self.order((100, None), (100, None))
        order.order_line[0].discount = 20
        self.everywhere(order, [80.0, 100.0])

    def test_percentage_of_the_order(self):
        order = self.order((100, None), (50, None))
        self.discount(order, percentage=0.5)
        self.everywhere(order, [50.0, 25.0])

    def test_percentage_on_every_line(self):
        order = self.order((100, None), (50, None))
        self.discount(order, "sol_discount", percentage=0.2)
        self.everywhere(order, [80.0, 40.0])

    def test_fixed_amount(self):
        order = self.order((100, None), (50, None))
        self.discount(order, "amount", amount=30)
        self.everywhere(order, [80.0, 40.0])

    def test_fixed_amount_with_several_taxes(self):
        """The amount typed has its taxes included: 30 off 120 + 110."""
        order = self.order((100, self.vat20), (100, self.vat10))
        self.discount(order, "amount", amount=30)
        self.assertEqual(order.amount_total, 200.0)
        self.everywhere(order, [86.95, 86.96])

    def test_one_discount_for_each_set_of_taxes(self):
        order = self.order((100, self.vat20), (50, self.vat10), (10, self.vat20))
        self.discount(order, percentage=0.2)
        self.everywhere(order, [80.0, 40.0, 8.0])

    def test_all_of_it_given_away(self):
        order = self.order((100, self.vat20), (0.01, self.vat10))
        self.discount(order, percentage=1)
        self.everywhere(order, [0.0, 0.0])

    def test_two_discounts(self):
        order = self.order((100, None), (100, None))
        self.discount(order, percentage=0.5)
        self.discount(order, "amount", amount=50)
        self.everywhere(order, [25.0, 25.0])

    def test_taxes_included(self):
        order = self.order((120, self.vat20_included), (60, self.vat20_included))
        self.discount(order, percentage=0.25)
        self.assertEqual(self.paid(order, "price_total"), [90.0, 45.0])
        self.everywhere(order, [75.0, 37.5])

    def test_line_below_zero_typed_by_hand(self):
        order = self.order((100, self.vat20), (100, self.vat10), (-40, self.vat10))
        self.everywhere(order, [100.0, 60.0, 0.0])

    def test_discount_with_taxes_of_no_other_line(self):
        order = self.order((100, self.vat20), (100, self.vat20), (-40, None))
        self.everywhere(order, [80.0, 80.0, 0.0])

    def test_discount_larger_than_the_lines_with_its_taxes(self):
        order = self.order((100, self.vat20), (30, self.vat10), (-40, self.vat10))
        self.everywhere(order, [90.0, 0.0, 0.0])

    def test_returned_goods_lower_nothing(self):
        order = self.order((100, None), (30, None, -1))
        self.assertEqual(self.paid(order), [100.0, -30.0])

    def test_down_payment_is_a_payment(self):
        """Half of it was paid ahead: the customer pays the whole price of each line all the
        same, less the discount."""
        order = self.order((100, None), (100, None))
        self.discount(order, percentage=0.2)
        order.action_confirm()
        wizard = self.env["sale.advance.payment.inv"].with_context(
            active_model="sale.order", active_ids=order.ids)
        wizard.create({"advance_payment_method": "percentage", "amount": 50}).create_invoices()
        order.invoice_ids.action_post()
        wizard.create({"advance_payment_method": "delivered"}).create_invoices()
        final = order.invoice_ids.sorted("id")[-1]
        final.action_post()
        self.assertEqual(final.amount_total, 80.0)
        self.assertEqual(self.paid(final), [80.0, 80.0])
        self.assertEqual(self.paid(order), [80.0, 80.0])

    def test_orders_invoiced_together(self):
        """Each discount stays with its own order."""
        dear, cheap = self.order((100, None)), self.order((100, None))
        self.discount(cheap, percentage=0.5)
        (dear + cheap).action_confirm()
        invoice = (dear + cheap)._create_invoices()
        lines = invoice.invoice_line_ids
        values = lines._paid_values()
        self.assertEqual([
            values[lines.filtered(lambda line, order=order: (
                line.product_id == self.products[0]
                and line.sale_line_ids.order_id == order))]
            for order in (dear, cheap)], [100.0, 50.0])

    def test_foreign_currency(self):
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create({
            "currency_id": dollar.id, "rate": 1.07, "company_id": self.env.company.id})
        invoice = self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": self.customer.id,
            "currency_id": dollar.id, "invoice_line_ids": [
                Command.create({"product_id": product.id, "price_unit": price, "tax_ids": False})
                for product, price in zip(self.products, (100, 50, -33.33), strict=True)]})
        self.assertEqual(self.paid(invoice), [77.78, 38.89, 0.0])
        values = self.paid(invoice, "balance")
        self.assertAlmostEqual(values[0], 77.78 / 1.07, delta=0.01)
        self.assertAlmostEqual(sum(values), sum(
            -line.balance for line in invoice.invoice_line_ids), 2)

    def test_random_orders(self):
        """Whatever is sold and discounted: no value below zero, none above the line's own
        amount, and together the total (checked in `paid`)."""
        chance = random.Random(11)
        taxes = (None, self.vat20, self.vat10, self.vat20_included)
        for life in range(60):
            order = self.order(*(
                (round(chance.uniform(0.01, 200), 2), chance.choice(taxes), chance.randrange(1, 5))
                for _line in range(chance.randrange(1, 4))))
            for _discount in range(chance.randrange(3)):
                if chance.random() < 0.5:
                    self.discount(order, percentage=chance.choice((0.1, 0.333, 0.5, 1)))
                elif order.amount_total >= 0.02:
                    self.discount(order, "amount", amount=round(
                        chance.uniform(0.01, order.amount_total), 2))
            for measure in ("price_subtotal", "price_total"):
                with self.subTest(life=life, measure=measure):
                    for value, line in zip(
                            self.paid(order, measure), order.order_line, strict=False):
                        self.assertLessEqual(0, value)
                        self.assertLessEqual(value, line[measure])
