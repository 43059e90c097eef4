import os
import random

from freezegun import freeze_time

from odoo.fields import Command

from .common_accounting import CreditAccountingCase

LIVES = int(os.environ.get("NOTE_LIVES", "8"))  # many more by hand


class TestCreditNote(CreditAccountingCase):
    """The dialog of a credit note proposes what is left, and what it says is what is posted."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")

    def _propose(self, invoice, scope="left", post=True):
        """Make the credit note of the dialog; check its total against what was announced."""
        dialog = self._credit_dialog(invoice, scope)
        announced = invoice._credit_note_total(invoice._credit_note_proposal(scope))
        note = self.env["account.move"].browse(dialog.refund_moves()["res_id"])
        self.assertEqual(note.amount_total, announced)
        if post:
            note.action_post()
            self.assertEqual(note.amount_total, announced)
        return note

    def _text(self, invoice, scope="left"):
        summary = self._credit_dialog(invoice, scope).credit_summary
        return " ".join(summary.striptags().split()).replace("\xa0", " ")

    # What is left -------------------------------------------------------------------------

    def test_what_is_left(self):
        """Exactly that, and no debt: the whole of 487 goes with the credits."""
        invoice = self._buy()
        self._book(3)
        note = self._propose(invoice)
        self.assertEqual((note.amount_untaxed, note.amount_total), (70.0, 84.0))
        self.assertEqual((note.invoice_line_ids.quantity, self.wallet.balance), (1, 0))
        self.assertFalse(note.credit_debt_ids)
        self.assertOwed()
        self.assertIn("Used: 3", note.invoice_line_ids.name)
        self.assertIn("Given back: 7 credits", note.invoice_line_ids.name)

    def test_dialog_says_it_all(self):
        with freeze_time("2026-03-10 12:00:00"):
            invoice = self._buy(2, pack=self._make_pack(
                "Short", 10, 100.0, credit_validity_months=1))
            self._book(3)
            text = self._text(invoice)
            for part in ("Bought: 20", "Used: 3", "Left: 17", "back 17 credits and",
                         "204"):
                self.assertIn(part, text)
            self.assertNotIn("Expired", text)
            self.assertIn("then owes 3 credits", self._text(invoice, "all"))
        with freeze_time("2026-05-10 12:00:00"):
            text = self._text(invoice)
            self.assertIn("Expired: 17", text)
            self.assertIn("Nothing is left to give back", text)
            with self.assertRefused("Nothing is left to give back"):
                self._credit_dialog(invoice).refund_moves()
            note = self._propose(invoice, "all")
            self.assertEqual(note.amount_total, 240.0)
            self.assertEqual(note.credit_debt_ids.credits, 3)
            self.wallet._expire_lots()

    def test_everything(self):
        """The debt is stated, with its money."""
        invoice = self._buy()
        self._book(3)
        note = self._propose(invoice, "all")
        self.assertEqual(note.amount_total, 120.0)
        self.assertEqual((note.credit_debt_ids.credits, note.credit_debt_ids.value), (3, 30.0))
        self.assertIn("hence owed: 3 credits", note.invoice_line_ids.name)

    def test_price_lowered_by_hand_is_no_debt(self):
        """« dette de 3 crédits à 0,00 € »: never."""
        invoice = self._buy()
        self._book(3)
        note = self._credit_note(invoice, price=70.0)
        self.assertFalse(note.credit_debt_ids)
        self.assertEqual(self.wallet.balance, 0)
        self.assertOwed()

    def test_price_lowered_below_what_is_left(self):
        """The credits that no money comes back for stay with the customer."""
        invoice = self._buy()
        self._book(3)
        note = self._propose(invoice, post=False)
        note.invoice_line_ids.price_unit = 40.0
        note.action_post()
        self.assertEqual(self.wallet.balance, 3)
        self.assertIn("Given back: 4 credits", note.invoice_line_ids.name)
        self.assertOwed(deferred=30.0)

    def test_price_raised_above_what_is_left(self):
        invoice = self._buy()
        self._book(3)
        note = self._propose(invoice, post=False)
        note.invoice_line_ids.price_unit = 80.0
        with self.assertRefused("80.00.*without tax.*worth .*70.00.*7 credits"):
            note.action_post()

    def test_draft_older_than_a_booking(self):
        invoice = self._buy()
        self._book(3)
        note = self._propose(invoice, post=False)
        self._book(2)
        with self.assertRefused("credits were used since it was made"):
            note.action_post()
        note.unlink()
        self.assertEqual(self._propose(invoice).amount_untaxed, 50.0)

    def test_draft_lowered_to_fewer_packs(self):
        """It takes their part; the next one gives the rest."""
        invoice = self._buy(3)
        self._book(5)
        first = self._propose(invoice, post=False)
        self.assertEqual((first.amount_untaxed, first.amount_total), (250.0, 300.0))
        first.invoice_line_ids.quantity = 1
        first.action_post()
        self.assertEqual((first.amount_untaxed, self.wallet.balance), (83.33, 17))
        second = self._propose(invoice)
        self.assertEqual((second.amount_untaxed, self.wallet.balance), (170.0, 0))

    def test_rest_is_for_credits_that_were_used(self):
        invoice = self._buy()
        self._book(4)
        self._propose(invoice)
        with self.assertRefused("stay for the credits that were used"):
            self._propose(invoice)

    def test_all_given_back(self):
        invoice = self._buy()
        self._propose(invoice)
        with self.assertRefused(f"given back already by {invoice.reversal_move_ids.name}"):
            self._credit_dialog(invoice)

    def test_part_of_a_pack(self):
        note = self._propose(self._buy(2), post=False)
        note.invoice_line_ids.quantity = 0.5
        with self.assertRefused("0.5 is not a whole number"):
            note.action_post()

    def test_other_taxes(self):
        note = self._propose(self._buy(), post=False)
        note.invoice_line_ids.tax_ids = self._make_vat(10.0)
        with self.assertRefused("other taxes than on"):
            note.action_post()

    def test_booking_paid_with_credits(self):
        self._buy()
        booking = self._book(3)
        with self.assertRefused("Cancel the booking"):
            self._credit_dialog(booking)

    def test_replaced_by_a_new_invoice(self):
        """With all its credits, and not without."""
        invoice = self._buy()
        dialog = self._credit_dialog(invoice)
        new = self.env["account.move"].browse(dialog.modify_moves()["res_id"])
        self.assertEqual((new.move_type, self.wallet.balance), ("out_invoice", 0))
        self.assertFalse(new.invoice_line_ids.credit_refunded_line_id)
        used = self._buy()
        self._book(1)
        with self.assertRefused("cannot be replaced"):
            self._credit_dialog(used).modify_moves()

    def test_before_the_payment(self):
        invoice = self._invoice(2)
        self.assertIn("Not paid yet", self._text(invoice))
        note = self._propose(invoice, post=False)
        note.invoice_line_ids.quantity = 1
        note.action_post()
        self._pay(invoice)
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0)

    def test_payment_taken_back(self):
        """The money is back with the customer: everything is proposed."""
        invoice = self._buy()
        self._book(4)
        invoice.invoice_line_ids._credit_hold(1.0, "du_1")
        dialog = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids).create(
                {"journal_id": invoice.journal_id.id})
        self.assertEqual(dialog.credit_scope, "all")
        dialog.refund_moves()
        note = dialog.new_move_ids
        note.action_post()
        self.assertEqual((note.credit_debt_ids.credits, self.wallet.balance), (4, 0))
        self.assertOwed(giveback=-40.0)

    def test_bookings_of_a_group_are_no_duplicates(self):
        """Same customer, day and amount (0.00): Odoo would ask to delete one of them."""
        self._buy()
        bookings = self._book(1, "a") + self._book(1, "b")
        self.assertFalse(bookings.duplicated_ref_ids)

    # Discounts ----------------------------------------------------------------------------

    def _discounted(self, quantity=3, percentage=0.1, price=None):
        order = self._quotation(quantity, price)
        self.env["sale.order.discount"].create({
            "sale_order_id": order.id, "discount_type": "so_discount",
            "discount_percentage": percentage}).action_apply_discount()
        return self._sold(order)

    def _quotation(self, quantity, price=None, pack=None):
        return self.env["sale.order"].create({
            "partner_id": self.customer.id, "order_line": [Command.create({
                "product_id": (pack or self.pack).id, "product_uom_qty": quantity,
                **({"price_unit": price} if price else {})})]})

    def _sold(self, order):
        order.action_confirm()
        invoice = order._create_invoices(final=True)
        invoice.action_post()
        if invoice.amount_residual:
            self._pay(invoice)
        return invoice

    def test_discount_on_the_order(self):
        """Each pack bears its part: two notes give back what was paid, not a cent more."""
        invoice = self._discounted()
        self.assertEqual(invoice.amount_total, 324.0)
        first = self._propose(invoice, post=False)
        self.assertEqual(first.amount_total, 324.0)
        first.invoice_line_ids.quantity = 1
        first.action_post()
        self.assertEqual((first.amount_total, self.wallet.balance), (108.0, 20))
        second = self._propose(invoice)
        self.assertEqual((second.amount_total, self.wallet.balance), (216.0, 0))
        self.assertOwed()

    def test_discount_with_other_taxes(self):
        """It stays on its own line, and its part goes with its pack."""
        order = self._quotation(2)
        order.order_line = [Command.create({
            "product_id": self.training.id, "price_unit": -20.0, "tax_ids": [Command.clear()]})]
        invoice = self._sold(order)
        self.assertEqual(invoice.amount_total, 220.0)
        self._book(5)
        note = self._propose(invoice)
        self.assertEqual((note.amount_untaxed, self.wallet.balance), (135.0, 0))

    def test_discount_with_other_taxes_is_given_back_too(self):
        """Taken off the draft by hand, it would give back more than was paid."""
        order = self._quotation(2)
        order.order_line = [Command.create({
            "product_id": self.training.id, "price_unit": -20.0, "tax_ids": [Command.clear()]})]
        note = self._propose(self._sold(order), post=False)
        note.invoice_line_ids.filtered(lambda line: line.price_unit < 0).unlink()
        with self.assertRefused("Take off the discounts"):
            note.action_post()

    def test_something_else_on_the_invoice(self):
        order = self._quotation(1)
        order.order_line = [Command.create({"product_id": self.training.id, "price_unit": 50.0})]
        invoice = self._sold(order)
        self._book(5)
        first = self._propose(invoice, post=False)
        self.assertEqual(first.amount_untaxed, 100.0)
        first.invoice_line_ids.filtered(lambda line: line.product_id == self.pack).unlink()
        first.action_post()
        self.assertEqual(self._propose(invoice).amount_untaxed, 50.0)
        self.assertEqual(self.wallet.balance, 0)

    # All together -------------------------------------------------------------------------

    def test_random_lives(self):
        """Credited ≤ paid, credits taken = value given back, and 487 is what the lots hold."""
        chance = random.Random(20)
        included = self._make_vat(20.0, price_include_override="tax_included")
        packs = [
            self._make_pack(f"N{price}", credits, price, taxes_id=[Command.set(tax.ids)])
            for credits, price, tax in (
                (10, 100.0, self.vat), (7, 99.99, self.vat), (3, 33.33, self.vat),
                (10, 35.99, included))]
        for life in range(LIVES):
            with self.subTest(life=life):
                self.company.tax_calculation_rounding_method = chance.choice(
                    ("round_per_line", "round_globally"))
                self._live(chance, packs)

    def _live(self, chance, packs):
        order = self._quotation(chance.randrange(1, 4), pack=chance.choice(packs))
        order.order_line.discount = chance.choice((0, 0, 10, 33.33))
        if chance.random() < 0.6:
            self.env["sale.order.discount"].create({
                "sale_order_id": order.id, "discount_type": "so_discount",
                "discount_percentage": chance.choice((0.1, 1 / 3))}).action_apply_discount()
        invoice = self._sold(order)
        lot = self.wallet.lot_ids.sorted("id")[-1]
        before = self._balance(self.giveback)
        if used := chance.randrange(lot.granted):
            self.wallet._spend(used, f"use:{lot.id}", kind="adjustment", reason="Used")
        left, paid = lot.value_remaining, sum(invoice._credit_money()[line][0] for line in lot.
                                              move_ids.entry_id.invoice_line_id)
        first = self._propose(invoice, post=False)
        self.assertEqual(first.amount_untaxed, left)
        lowered = chance.random() < 0.5 and first.invoice_line_ids.quantity > 1
        if lowered:
            first.invoice_line_ids.quantity = 1
        first.action_post()
        if lowered:
            self._propose(invoice)
        self.assertFalse(lot.remaining)
        notes = invoice.reversal_move_ids
        self.assertLessEqual(round(sum(notes.mapped("amount_total")), 2), invoice.amount_total)
        if not used:
            self.assertEqual(
                round(sum(notes.mapped("amount_total")), 2), invoice.amount_total)
        self.assertFalse(notes.credit_debt_ids)
        # Lowered by hand, the money may pay for a part of a credit.
        price = paid / lot.granted if lowered and used else 0.0
        self.assertLessEqual(
            abs(round(self._balance(self.giveback) - before, 2)), round(price + 0.011, 2))
        self.assertEqual(self.env["credit.wallet"]._check_invariants(self.company), [])
