from dateutil.relativedelta import relativedelta
from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.fields import Command

from .common_accounting import CreditAccountingCase


class TestSoldTerms(CreditAccountingCase):
    """What was agreed on a pack stands on the order's line, then on the invoice's: whatever
    becomes of the product, the customer gets what was sold."""

    def _edit_product(self, pack=None):
        (pack or self.pack).write(
            {"credit_count": 5, "credit_validity_months": 3, "list_price": 500.0})

    def assertSold(self, credits=10, months=12, value=100.0):
        lot = self.wallet.lot_ids
        today = self.company._credit_today()
        self.assertEqual(
            (self.wallet.balance, lot.value_granted, lot.expiry_date),
            (credits, value, bool(months) and today + relativedelta(months=months)))

    def setUp(self):
        super().setUp()
        self.pack.credit_validity_months = 12

    def test_product_edited_before_the_invoice(self):
        order = self._order()
        self._edit_product()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertSold()

    def test_product_edited_between_invoice_and_payment(self):
        with freeze_time("2027-01-10 12:00:00"):
            invoice = self._invoice()
        self._edit_product()
        with freeze_time("2027-01-20 12:00:00"):
            self._pay(invoice)
            self.assertSold()

    def test_quotation_keeps_what_it_offered(self):
        order = self.env["sale.order"].create({
            "partner_id": self.customer.id,
            "order_line": [Command.create({"product_id": self.pack.id})]})
        self._edit_product()
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertSold()

    def test_prices_updated_bring_the_credits_of_today(self):
        """Price and credits are one offer: no quotation has the price of one and the credits of
        the other."""
        order = self.env["sale.order"].create({
            "partner_id": self.customer.id,
            "order_line": [Command.create({"product_id": self.pack.id})]})
        self._edit_product()
        line = order.order_line
        line.product_uom_qty = 2  # Odoo asks the product for its price again
        self.assertEqual(
            (line.price_unit, line.credit_count, line.credit_validity_months), (500.0, 5, 3))
        self.pack.write({"credit_count": 7, "list_price": 70.0})
        order.action_update_prices()
        self.assertEqual((line.price_unit, line.credit_count), (70.0, 7))

    def test_quantity_raised_after_the_confirmation(self):
        """More of the same: the price and the credits that were agreed."""
        order = self._order()
        self._edit_product()
        order.order_line.product_uom_qty = 2
        self.assertEqual(order.amount_untaxed, 200.0)
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertSold(credits=20, value=200.0)

    def test_quantity_raised_after_the_payment(self):
        order = self._order()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self._edit_product()
        order.order_line.product_uom_qty = 3
        more = order._create_invoices()
        more.action_post()
        self._pay(more)
        self.assertEqual(self.wallet.balance, 30)
        self.assertOwed(deferred=300.0)

    def test_price_typed_before_the_invoice(self):
        order = self._order()
        order.order_line.price_unit = 80.0
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertSold(value=80.0)

    def test_price_of_an_invoiced_pack_cannot_change(self):
        order = self._order()
        order._create_invoices().action_post()
        line = order.order_line
        for vals in ({"price_unit": 80.0}, {"discount": 20.0},
                     {"tax_ids": [Command.clear()]}):
            with self.assertRefused("Pack of 10.*is invoiced.*credit note"):
                line.write(vals)
        line.write({"price_unit": line.price_unit, "tax_ids": [Command.set(self.vat.ids)]})

    def test_terms_of_a_confirmed_pack_cannot_change(self):
        line = self._order().order_line
        other = self._make_pack("Pack of 99", 99, 100.0)
        for vals in ({"credit_count": 99}, {"credit_validity_months": 0},
                     {"credit_voucher_kind": "multi"}, {"product_id": other.id}):
            with self.assertRefused("Pack of 10.*confirmed order.*quantity to 0"):
                line.write(vals)

    def test_no_pack_becomes_one_on_a_confirmed_order(self):
        line = self._order(pack=self.training).order_line
        with self.assertRefused("Training.*confirmed order"):
            line.product_id = self.pack

    def test_no_pack_any_more(self):
        """The product stops being a pack between the order and its payment."""
        order = self._order()
        self.pack.service_tracking = "no"
        invoice = order._create_invoices()
        self.assertEqual(invoice.invoice_line_ids.account_id, self.pending)
        invoice.action_post()
        self._pay(invoice)
        self.assertSold()
        self._credit_note(invoice)
        self.assertEqual(self.wallet.balance, 0)
        self.assertOwed()

    def test_a_pack_only_since_it_was_invoiced(self):
        """What was sold as something else grants nothing."""
        invoice = self._invoice(pack=self.training)
        self.training.write({"service_tracking": "credit_pack", "credit_count": 1000})
        self._pay(invoice)
        self.assertEqual(self.wallet.balance, 0)

    def test_voucher_kind_of_the_order(self):
        """An exempt pack has no tax to tell its kind by: the order says it."""
        exempt = self._make_pack("Exempt", 10, 100.0, taxes_id=False)
        order = self._order(pack=exempt)
        self.company.credit_voucher_kind = "multi"
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(self.wallet.lot_ids.voucher_kind, "single")

    def test_voucher_kind_of_a_taxed_order(self):
        """Ordered with VAT, invoiced after the setting changed: VAT is due with the pack."""
        order = self._order()
        self.company.credit_voucher_kind = "multi"
        invoice = order._create_invoices()
        invoice.invoice_line_ids.quantity = 1  # an accountant's hand on the draft
        invoice.fiscal_position_id = False
        self.assertEqual(invoice.invoice_line_ids.tax_ids, self.vat)
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(self.wallet.lot_ids.voucher_kind, "single")
        self.assertEqual(self._book(4).amount_tax, 0.0)

    def test_invoice_without_an_order(self):
        """Agreed when it is posted."""
        invoice = self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": self.customer.id,
            "invoice_line_ids": [Command.create({"product_id": self.pack.id})]})
        invoice.action_post()
        self._edit_product()
        self._pay(invoice)
        self.assertSold()

    def test_one_of_two_packs_refunded_after_an_edit(self):
        invoice = self._buy(2)
        self._edit_product()
        self._credit_note(invoice, quantity=1)
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0)

    def test_refunded_in_part_before_the_payment(self):
        invoice = self._invoice(2)
        self._edit_product()
        self._credit_note(invoice, quantity=1)
        self._pay(invoice)
        self.assertSold()

    def test_archived_pack_is_still_granted(self):
        order = self._order()
        self.pack.product_tmpl_id.write({"is_published": False, "active": False})
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self.assertSold()

    def test_packs_are_not_sold_below_zero(self):
        with self.assertRaisesRegex(ValidationError, "quantity below zero"), \
                self.env.cr.savepoint():
            self._order(-1)
        invoice = self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": self.customer.id, "invoice_line_ids": [
                Command.create({"product_id": self.training.id, "price_unit": 300.0}),
                Command.create({"product_id": self.pack.id, "quantity": -1})]})
        with self.assertRefused("Pack of 10.*below zero.*credit note"):
            invoice.action_post()
