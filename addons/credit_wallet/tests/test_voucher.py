from odoo.fields import Command
from odoo.tools import float_round

from .common_accounting import CreditAccountingCase

CENTS = sorted({*range(1, 200), *range(200, 100_000, 1009), 99_999, 100_000})


class TestVoucher(CreditAccountingCase):
    """Single-purpose: VAT with the pack. Multi-purpose: VAT with the booking, within its value."""

    def _multi(self):
        self.company.credit_voucher_kind = "multi"

    def _vat_due(self, invoice):
        return -sum(invoice.line_ids.filtered("tax_line_id").mapped("balance"))

    def test_single_purpose(self):
        invoice = self._buy()
        self.assertEqual((invoice.amount_untaxed, invoice.amount_tax), (100.0, 20.0))
        self.assertEqual(self.wallet.lot_ids.voucher_kind, "single")
        booking = self._book(4)
        self.assertEqual(self._vat_due(booking), 0.0)
        self.assertIn("VAT charged on the invoice of the pack",
                      booking.invoice_line_ids[-1].name)

    def test_multi_purpose(self):
        self._multi()
        invoice = self._buy()
        self.assertFalse(invoice.invoice_line_ids.tax_ids)
        self.assertEqual(invoice.amount_total, 100.0)
        self.assertEqual(self.wallet.lot_ids.voucher_kind, "multi")
        self.assertOwed(deferred=100.0)
        booking = self._book(6)
        self.assertEqual(booking.amount_total, 0.0)
        self.assertEqual(booking.payment_state, "paid")
        self.assertEqual(self._vat_due(booking), 10.0)
        self.assertEqual(booking.invoice_line_ids[0].price_subtotal, 50.0)
        self.assertOwed(deferred=40.0)
        tags = booking.line_ids.filtered("tax_line_id").tax_tag_ids
        self.assertEqual(
            tags, self.vat.invoice_repartition_line_ids.filtered(
                lambda line: line.repartition_type == "tax").tag_ids)

    def test_direct_invoice_has_no_vat(self):
        self._multi()
        invoice = self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": self.customer.id,
            "invoice_line_ids": [Command.create({"product_id": self.pack.id, "quantity": 1})]})
        self.assertFalse(invoice.invoice_line_ids.tax_ids)
        invoice.action_post()
        self._pay(invoice)
        self.assertEqual(self.wallet.lot_ids.voucher_kind, "multi")

    def test_other_products_keep_their_vat(self):
        self._multi()
        order = self._order(pack=self.training)
        self.assertEqual(order.order_line.tax_ids, self.vat)

    def test_cancelled_booking_gives_its_vat_back(self):
        self._multi()
        self._buy()
        booking = self._book(6)
        refund = booking.credit_entry_id._reverse("undo", kind="refund")
        self.assertEqual(self._vat_due(booking) + self._vat_due(refund.move_ids), 0.0)
        self.assertEqual(refund.move_ids.amount_total, 0.0)
        self.assertOwed(deferred=100.0)

    def test_expired_multi_purpose_bears_no_vat(self):
        self._multi()
        self._buy()
        self.wallet._spend(10, "gone", kind="adjustment", reason="Given up")
        self.assertOwed(breakage=100.0)

    def test_refund_of_a_multi_purpose_pack(self):
        self._multi()
        invoice = self._buy()
        self._book(6)
        note = self._credit_note(invoice)
        self.assertEqual((note.amount_total, note.amount_tax), (100.0, 0.0))
        self.assertEqual(note.credit_debt_ids.value, 60.0)

    def test_lots_keep_the_kind_they_were_sold_with(self):
        """Five credits of each kind in one booking: both kinds of lines on its invoice."""
        self._buy(pack=self._make_pack("Five", 5, 50.0))
        self._multi()
        self._buy(pack=self._make_pack("Five", 5, 60.0))
        self.assertEqual(self.wallet.lot_ids.mapped("voucher_kind"), ["single", "multi"])
        booking = self._book(10)
        self.assertEqual(booking.amount_total, 0.0)
        single, multi = booking.invoice_line_ids[:2]
        self.assertEqual((single.price_subtotal, single.tax_ids), (50.0, self.env["account.tax"]))
        self.assertEqual((multi.price_subtotal, multi.tax_ids), (50.0, self.vat))
        self.assertEqual(self._vat_due(booking), 10.0)
        self.assertEqual(
            booking.invoice_line_ids[2:].mapped("price_unit"), [-50.0, -60.0])
        self.assertOwed()

    def test_setting_changed_between_sale_and_payment(self):
        """What the invoice charged decides, so that VAT is due once, never twice, never not."""
        taxed = self._invoice()
        self._multi()
        untaxed = self._invoice()
        self._pay(taxed)
        self.company.credit_voucher_kind = "single"
        self._pay(untaxed)
        self.assertEqual(self.wallet.lot_ids.mapped("voucher_kind"), ["single", "multi"])

    def test_exempt_pack_follows_the_setting(self):
        exempt = self._make_pack("Exempt", 10, 100.0, taxes_id=False)
        self._buy(pack=exempt)
        self._multi()
        self._buy(pack=exempt)
        self.assertEqual(self.wallet.lot_ids.mapped("voucher_kind"), ["single", "multi"])

    def test_fiscal_position_of_the_customer(self):
        """A customer whose fiscal position lowers the rate pays that VAT at the booking."""
        self._multi()
        overseas = self.env["account.fiscal.position"].create({"name": "Overseas"})
        self._make_vat(8.5, fiscal_position_ids=[Command.set(overseas.ids)],
                       original_tax_ids=[Command.set(self.vat.ids)])
        self.customer.property_account_position_id = overseas
        self._buy(pack=self._make_pack("P", 10, 108.5))
        booking = self._book(10)
        self.assertEqual((self._vat_due(booking), booking.amount_total), (8.5, 0.0))

    def test_shop_shows_the_price_that_is_paid(self):
        def shown():
            return self.env["product.template"]._apply_taxes_to_price(
                100.0, self.company.currency_id, self.vat, self.vat,
                self.pack.product_tmpl_id, website=website)

        website = self.env["website"].search([], limit=1)
        website.show_line_subtotals_tax_selection = "tax_included"
        self.assertEqual(shown(), 120.0)
        self._multi()
        self.assertEqual(shown(), 100.0)

    # To the cent --------------------------------------------------------------------------

    def _check_every_amount(self, vat, method):
        """Check that an invoice line of each amount, as bookings have, has this total."""
        self.company.tax_calculation_rounding_method = method
        move = self.env["account.move"].new({
            "move_type": "out_invoice", "partner_id": self.customer.id,
            "company_id": self.company.id, "currency_id": self.company.currency_id.id})
        for cents in CENTS:
            line = self.env["account.move.line"].new({
                "move_id": move.id, "product_id": self.training.id, "quantity": 1,
                "price_unit": cents / 100, "tax_ids": [Command.set(vat.ids)],
                "credit_tax_included": True, "display_type": "product"})
            self.assertEqual(line.price_total, cents / 100)
            net = cents / 100 / (1 + vat.amount / 100)
            self.assertAlmostEqual(
                line.price_subtotal, float_round(net, precision_digits=2), delta=0.0101)

    def test_every_amount_per_rate(self):
        for rate in (20.0, 10.0, 8.5, 5.5):
            vat = self._make_vat(rate)
            included = self._make_vat(rate, price_include_override="tax_included")
            for method in ("round_per_line", "round_globally"):
                for tax in (vat, included):
                    with self.subTest(rate=rate, method=method, tax=tax.name):
                        self._check_every_amount(tax, method)

    def test_posted_invoices_are_exactly_zero(self):
        """Whole flow, on amounts that leave a cent with a tax added to a rounded base."""
        self._multi()
        for rate in (20.0, 10.0, 8.5, 5.5):
            vat = self._make_vat(rate)
            self.training.taxes_id = vat
            for method in ("round_per_line", "round_globally"):
                self.company.tax_calculation_rounding_method = method
                for cents in (1, 3, 9, 15, 101, 33333, 100_000):
                    with self.subTest(rate=rate, method=method, cents=cents):
                        value = cents / 100
                        key = f"{rate}:{method}:{cents}"
                        before = self._balance(self.deferred)
                        self.wallet._grant(1, value, f"lot:{key}")
                        booking = self._book(1, key)
                        self.assertEqual(booking.amount_total, 0.0)
                        self.assertEqual(booking.payment_state, "paid")
                        self.assertAlmostEqual(self._balance(self.deferred), before)
                        due = self._vat_due(booking)
                        self.assertAlmostEqual(
                            due, value - value / (1 + rate / 100), delta=0.005001)
                        net = booking.invoice_line_ids[0]
                        self.assertAlmostEqual(-net.balance + due, value)
