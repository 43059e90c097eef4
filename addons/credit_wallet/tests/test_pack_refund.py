from datetime import timedelta

from freezegun import freeze_time

from odoo.tests import new_test_user

from .common_accounting import CreditAccountingCase


class TestPackRefund(CreditAccountingCase):
    """A credit note of a pack takes back what is left, and states the rest as a debt."""

    def test_unused_pack(self):
        """The purchase is reversed whole: nothing is left anywhere, and no debt."""
        invoice = self._buy()
        purchase = self.wallet.entry_ids
        note = self._credit_note(invoice)
        clawback = self.wallet.entry_ids - purchase
        self.assertEqual((clawback.kind, clawback.credits), ("clawback", -10))
        self.assertEqual(clawback.reversed_entry_id, purchase)
        self.assertEqual(clawback.origin, note.name)
        self.assertFalse(note.credit_debt_ids)
        self.assertOwed()

    def test_pack_partly_used(self):
        invoice = self._buy()
        self._book(4)
        note = self._credit_note(invoice)
        self.assertEqual(self.wallet.balance, 0)
        debt = note.credit_debt_ids
        self.assertEqual((debt.credits, debt.value, debt.state), (4, 40.0, "open"))
        self.assertEqual(debt, self.wallet.debt_ids)
        # The 60.00 left went back to the customer; the 40.00 of income are given up.
        self.assertOwed(giveback=-40.0)

    def test_pack_wholly_used(self):
        """Nothing to take back: no ledger entry, the whole price is a debt."""
        invoice = self._buy()
        self._book(10)
        entries = self.wallet.entry_ids
        note = self._credit_note(invoice)
        self.assertEqual(self.wallet.entry_ids, entries)
        self.assertEqual((note.credit_debt_ids.credits, note.credit_debt_ids.value), (10, 100.0))
        self.assertOwed(giveback=-100.0)

    def test_values_that_do_not_divide(self):
        pack = self._make_pack("Pack of 7", 7, 100.0)
        invoice = self._buy(pack=pack)
        income = sum(self._book(credits).invoice_line_ids[0].price_unit for credits in (1, 2, 1))
        note = self._credit_note(invoice)
        self.assertEqual(note.credit_debt_ids.credits, 4)
        self.assertOwed(giveback=-note.credit_debt_ids.value)
        self.assertAlmostEqual(note.credit_debt_ids.value, income)

    def test_one_of_two_packs(self):
        """Enough is left for the pack refunded: no debt, though credits were used."""
        invoice = self._buy(2)
        self._book(8)
        first = self._credit_note(invoice, quantity=1)
        self.assertFalse(first.credit_debt_ids)
        self.assertEqual(self.wallet.balance, 2)
        self.assertOwed(deferred=20.0)
        second = self._credit_note(invoice, quantity=1)
        self.assertEqual((second.credit_debt_ids.credits, second.credit_debt_ids.value), (8, 80.0))
        self.assertEqual(self.wallet.balance, 0)
        self.assertOwed(giveback=-80.0)

    def test_more_than_was_sold(self):
        invoice = self._buy(2)
        first, second = [self._credit_note(invoice, post=False) for _draft in range(2)]
        first.action_post()
        with self.assertRefused("sold 2.0 .* refund 4.0"):
            second.action_post()

    def test_credit_note_stays_posted_and_counts_once(self):
        invoice = self._buy()
        self._book(4)
        note = self._credit_note(invoice)
        with self.assertRefused("cannot be reset to draft"):
            note.button_draft()
        with self.assertRefused("cannot be reset to draft"):
            self.env["account.move"].search(
                [("credit_given_up_line_id", "in", note.invoice_line_ids.ids)]).button_draft()
        self.env["credit.debt"]._take_back(note.invoice_line_ids, self.wallet.entry_ids[-1:])
        self.assertEqual(len(self.wallet.debt_ids), 1)
        self.assertOwed(giveback=-40.0)

    def test_only_the_lot_of_the_purchase(self):
        """Credits of another purchase are not taken to refund this one."""
        first = self._buy()
        self._buy()
        self._book(10)  # first in, first out: the first pack is used up
        note = self._credit_note(first)
        self.assertEqual(self.wallet.balance, 10)
        self.assertEqual(note.credit_debt_ids.credits, 10)
        self.assertOwed(deferred=100.0, giveback=-100.0)

    def test_part_of_the_price_kept(self):
        """A fee is kept on an unused pack: the difference is income, not a debt."""
        invoice = self._buy()
        note = self._credit_note(invoice, price=90.0)
        self.assertFalse(note.credit_debt_ids)
        self.assertOwed(giveback=10.0)

    def test_expired_credits_are_no_debt(self):
        with freeze_time("2026-03-10 12:00:00"):
            invoice = self._buy(pack=self._make_pack("Short", 10, 100.0, credit_validity_months=1))
            self._book(3)
        with freeze_time("2026-05-10 12:00:00"):
            note = self._credit_note(invoice)
            self.assertEqual(
                (note.credit_debt_ids.credits, note.credit_debt_ids.value), (3, 30.0))
            self.assertOwed(breakage=70.0, giveback=-100.0)

    def test_cancelled_booking_is_no_debt(self):
        invoice = self._buy()
        self._book(4).credit_entry_id._reverse("undo", kind="refund")
        note = self._credit_note(invoice)
        self.assertFalse(note.credit_debt_ids)
        self.assertOwed()

    def test_booking_cancelled_after_the_refund(self):
        """Its credits come back to the wallet with their value; the debt stays for the staff."""
        invoice = self._buy()
        booking = self._book(4)
        note = self._credit_note(invoice)
        booking.credit_entry_id._reverse("undo", kind="refund")
        self.assertEqual(self.wallet.balance, 4)
        self.assertEqual(note.credit_debt_ids.credits, 4)
        self.assertOwed(deferred=40.0, giveback=-40.0)

    def test_bought_again(self):
        """With another order, or by invoicing the same order again."""
        order = self._order()
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        self._credit_note(invoice)
        self.assertEqual(self.wallet.balance, 0)
        again = order._create_invoices()
        again.action_post()
        self._pay(again)
        self.assertEqual(self.wallet.balance, 10)
        self._buy()
        self.assertEqual(self.wallet.balance, 20)
        # The payment of the refunded invoice is notified once more: nothing is granted.
        invoice._invoice_paid_hook()
        self.assertEqual(self.wallet.balance, 20)
        self.assertOwed(deferred=200.0)

    def test_credit_note_of_an_order_whose_quantity_drops(self):
        """Odoo makes this credit note from the order, not from the invoice."""
        order = self._order(3)
        invoice = order._create_invoices()
        invoice.action_post()
        self._pay(invoice)
        order.order_line.product_uom_qty = 2
        note = order._create_invoices(final=True)
        self.assertEqual(note.move_type, "out_refund")
        note.action_post()
        self.assertEqual(self.wallet.balance, 20)
        self.assertOwed(deferred=200.0)

    def test_credit_note_without_purchase(self):
        note = self.env["account.move"].create({
            "move_type": "out_refund", "partner_id": self.customer.id,
            "invoice_line_ids": [(0, 0, {"product_id": self.pack.id, "quantity": 1})]})
        with self.assertRefused("of which purchase"):
            note.action_post()

    def test_posted_later(self):
        """A credit note of a future day follows the ledger on the day it is posted."""
        with freeze_time("2026-03-10 12:00:00"):
            invoice = self._buy()
            note = self._credit_note(invoice, post=False)
            note.invoice_date = self.company._credit_today() + timedelta(days=5)
            note._post()
            self.assertEqual(note.state, "draft")
            self.assertEqual(self.wallet.balance, 10)
        with freeze_time("2026-03-16 12:00:00"):
            note._post()
            self.assertEqual(self.wallet.balance, 0)

    def test_posted_by_an_accountant(self):
        """Whoever may post a credit note takes the credits back, without rights on them."""
        invoice = self._buy()
        self._book(4)
        accountant = new_test_user(
            self.env, "chantal", "account.group_account_invoice", company_id=self.company.id)
        note = self._credit_note(invoice, post=False).with_user(accountant)
        note.action_post()
        self.assertEqual(note.credit_debt_ids.credits, 4)
        self.assertEqual(self.wallet.balance, 0)

    def test_debt_settled(self):
        invoice = self._buy()
        self._book(4)
        debt = self._credit_note(invoice).credit_debt_ids
        manager = new_test_user(
            self.env, "manager", "credit_wallet.group_credit_manager", company_id=self.company.id)
        debt.with_user(manager).action_settle()
        self.assertEqual(debt.state, "settled")
        self.assertIn("settled", self.wallet.message_ids[0].body)
