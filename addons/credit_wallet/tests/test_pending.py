from datetime import timedelta

from freezegun import freeze_time

from odoo.fields import Command

from .common_accounting import CreditAccountingCase


class TestPending(CreditAccountingCase):
    """Credits owed move with the ledger only; an unpaid pack waits on its own account."""

    def test_transfer_paid_later(self):
        invoice = self._invoice()
        self.assertOwed(pending=100.0)
        self.assertFalse(self.wallet.lot_ids)
        self._pay(invoice)
        self.assertOwed(deferred=100.0)
        self.assertEqual(self.wallet.lot_ids.value_remaining, 100.0)
        entry = self.wallet.entry_ids
        self.assertEqual(entry.move_ids.state, "posted")
        self.assertEqual(entry.invoice_line_id.move_id, invoice)

    def test_partial_payment_grants_nothing(self):
        invoice = self._invoice()
        self._pay(invoice, 50.0)
        self.assertEqual(invoice.payment_state, "partial")
        self.assertOwed(pending=100.0)
        self._pay(invoice)
        self.assertOwed(deferred=100.0)
        self.assertEqual(self.wallet.balance, 10)

    def test_paid_hook_twice_grants_once(self):
        invoice = self._buy()
        invoice._invoice_paid_hook()
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0)

    def test_online_payment(self):
        order = self._order()
        provider = self.env["payment.provider"].search([("code", "=", "demo")], limit=1) \
            or self.env["payment.provider"].create({"name": "Test", "code": "none"})
        journal = self.env["account.journal"].search([("type", "=", "bank")], limit=1)
        method = self.env.ref("payment.payment_method_card")
        transaction = self.env["payment.transaction"].create({
            "provider_id": provider.id, "payment_method_id": method.id,
            "reference": "pay-once", "amount": order.amount_total,
            "currency_id": order.currency_id.id, "partner_id": self.customer.id,
            "operation": "online_redirect", "sale_order_ids": [Command.set(order.ids)]})
        provider.journal_id = journal
        transaction._set_done()
        transaction._post_process()
        self.assertEqual(order.invoice_ids.state, "posted")
        self.assertOwed(deferred=100.0)
        self.assertEqual(self.wallet.balance, 10)

    def test_discount_lowers_the_value(self):
        self.company.account_discount_expense_allocation_id = self.env[
            "account.account"].search([("code", "=like", "7096%")], limit=1)
        invoice = self._invoice(discount=33.33)
        self.assertOwed(pending=66.67)
        self._pay(invoice)
        self.assertOwed(deferred=66.67)
        self.assertEqual(self.wallet.lot_ids.value_granted, 66.67)

    def test_cash_rounding(self):
        rounding = self.env["account.cash.rounding"].create({
            "name": "5 cents", "rounding": 0.05, "strategy": "add_invoice_line",
            "profit_account_id": self.breakage.copy().id,
            "loss_account_id": self.breakage.copy().id})
        invoice = self._order(price_unit=99.99)._create_invoices()
        invoice.invoice_cash_rounding_id = rounding
        invoice.action_post()
        self.assertEqual(invoice.amount_total, 120.0)
        self._pay(invoice)
        self.assertOwed(deferred=99.99)

    def test_tax_included_price(self):
        vat = self._make_vat(20.0, price_include_override="tax_included")
        self._buy(pack=self._make_pack("Pack incl.", 3, 100.0, taxes_id=[Command.set(vat.ids)]))
        self.assertOwed(deferred=83.33)

    def test_foreign_currency(self):
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create({
            "currency_id": dollar.id, "company_id": self.company.id,
            "name": self.company._credit_today(), "rate": 1.2345})
        invoice = self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": self.customer.id,
            "currency_id": dollar.id, "invoice_date": self.company._credit_today(),
            "invoice_line_ids": [Command.create({
                "product_id": self.pack.id, "quantity": 1, "price_unit": 100.0})]})
        invoice.action_post()
        self.assertOwed(pending=81.0)  # 100 / 1.2345
        self._pay(invoice)
        self.assertOwed(deferred=81.0)
        self._credit_note(invoice)
        self.assertOwed()
        self.assertEqual(self.wallet.balance, 0)

    def test_cancelled_before_payment(self):
        invoice = self._invoice()
        invoice.button_cancel()
        self.assertOwed()

    def test_credited_before_payment(self):
        """The pack's own credit note pays for nothing: the purchase is undone."""
        invoice = self._invoice()
        self._credit_note(invoice)
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertOwed()
        self.assertFalse(self.wallet.entry_ids)

    def test_paid_by_a_credit_note_of_something_else(self):
        """What the customer has in their favour pays for a pack as money does, in full only."""
        invoice = self._invoice()
        favour = self.env["account.move"].create([{
            "move_type": "out_refund", "partner_id": self.customer.id,
            "invoice_line_ids": [Command.create({
                "name": "Favour", "price_unit": amount, "tax_ids": []})],
        } for amount in (20.0, 100.0)])
        favour.action_post()
        for note, balance in zip(favour, (0, 10), strict=True):
            (invoice + note).line_ids.filtered(
                lambda line: line.account_type == "asset_receivable").reconcile()
            self.assertEqual(self.wallet.balance, balance)
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertOwed(deferred=100.0)

    def test_partly_credited_before_payment(self):
        invoice = self._invoice(3)
        note = self._credit_note(invoice, quantity=1)
        self.assertOwed(pending=200.0)
        (invoice + note).line_ids.filtered(
            lambda line: line.account_type == "asset_receivable").reconcile()
        self._pay(invoice)
        self.assertEqual(self.wallet.balance, 20)
        self.assertOwed(deferred=200.0)
        # The rest is refunded later, at 10 credits a pack.
        self._credit_note(invoice, quantity=1)
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0)

    def test_credit_note_that_settles_the_invoice(self):
        """The rest was paid: the credit note itself makes the invoice paid, net of its packs."""
        invoice = self._invoice(2)
        self._pay(invoice, 120.0)
        note = self._credit_note(invoice, quantity=1, post=False)
        note.with_context(move_reverse_cancel=True).action_post()
        self.assertEqual(invoice.payment_state, "paid")
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0)

    def test_two_invoices_of_one_order(self):
        order = self._order()
        invoice = order._create_invoices()
        duplicate = invoice.copy()
        duplicate.invoice_line_ids.sale_line_ids = order.order_line
        (invoice + duplicate).action_post()
        self._pay(invoice)
        self._pay(duplicate)
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0, pending=100.0)  # paid for nothing: to be returned
        self._credit_note(duplicate)
        self.assertOwed(deferred=100.0)
        self.assertEqual(self.wallet.balance, 10)

    def test_granted_invoice_keeps_posted(self):
        invoice = self._buy()
        with self.assertRefused("cannot be reset to draft"):
            invoice.button_draft()
        with self.assertRefused("cannot be reset to draft"):
            self.wallet.entry_ids.move_ids.button_draft()
        with self.assertRefused("cannot be reset to draft"):
            self._book(1).button_draft()

    def test_deferred_account_refuses_other_moves(self):
        move = self.env["account.move"].create(self.company._credit_prepare_move_vals("By hand", [
            {"account_id": account.id, "balance": balance, "partner_id": self.customer.id}
            for account, balance in ((self.deferred, -10.0), (self.pending, 10.0))]))
        with self.assertRefused("only moves with the ledger"):
            move.action_post()

    def test_priced_gift_and_its_reversal(self):
        gift = self.wallet._grant(5, 40.0, "gift:1", kind="adjustment", reason="Quote 12")
        self.assertOwed(deferred=40.0)
        outside = self.company.credit_adjustment_account_id
        self.assertEqual(self._balance(outside), -40.0)
        gift._reverse("undo:gift:1")
        self.assertOwed()
        self.assertEqual(self._balance(outside), 0.0)

    def test_credits_removed_are_breakage(self):
        self._buy()
        self.wallet._spend(3, "remove:1", kind="adjustment", reason="Agreed")
        self.assertOwed(deferred=70.0, breakage=30.0)

    def test_free_credits_post_nothing(self):
        self.wallet._grant(5, 0.0, "gift:2", kind="adjustment", reason="Welcome")
        self.assertFalse(self.wallet.entry_ids.move_ids)

    def test_account_stays_once_the_ledger_is_on_it(self):
        self.company.credit_deferred_account_id = self.deferred.copy()
        self.company.credit_deferred_account_id = self.deferred
        self._buy()
        with self.assertRefused("in the books on another account"):
            self.company.credit_deferred_account_id = self.pending

    def test_no_account_no_grant(self):
        invoice = self._invoice()
        self.company.credit_deferred_account_id = False
        with self.assertRefused("no account “Credits owed”"):
            self._pay(invoice)

    def test_booking_and_its_reversal(self):
        self._buy()
        invoice = self._book(4)
        self.assertEqual(invoice.amount_total, 0.0)
        self.assertOwed(deferred=60.0)
        refund = invoice.credit_entry_id._reverse("undo:booking", kind="refund")
        self.assertOwed(deferred=100.0)
        self.assertEqual(refund.move_ids.move_type, "out_refund")
        self.assertEqual(refund.move_ids.reversed_entry_id, invoice)

    def test_credit_note_of_a_booking_by_hand(self):
        """It is no refund of a pack, and credits come back by cancelling the seat only."""
        self._buy()
        invoice = self._book(4)
        with self.assertRefused("was paid with credits"):
            self._credit_note(invoice)

    # Lock dates ---------------------------------------------------------------------------

    def _lock(self, field="fiscalyear_lock_date"):
        today = self.company._credit_today()
        self.company[field] = today
        return today + timedelta(days=1)

    def test_locked_day(self):
        """Expiry and booking on a locked day are posted on the first open one."""
        with freeze_time("2026-03-10 12:00:00"):
            self._buy(pack=self._make_pack("Short", 10, 100.0, credit_validity_months=1))
        with freeze_time("2026-03-15 12:00:00"):
            tomorrow = self._lock()
            booking = self._book(4)
            self.assertEqual(booking.date, tomorrow)
            self.assertEqual(booking.credit_entry_id.accounting_date, tomorrow)
            self.assertEqual(str(booking.invoice_date), "2026-03-15")
            refund = booking.credit_entry_id._reverse("undo", kind="refund")
            self.assertEqual(refund.move_ids.date, tomorrow)
        with freeze_time("2026-04-11 12:00:00"):
            tomorrow = self._lock("tax_lock_date")
            expiry = self.wallet._expire_lots()
            self.assertEqual(expiry.move_ids.date, tomorrow)
            self.assertEqual(expiry.accounting_date, tomorrow)
            self.assertOwed(breakage=100.0)

    def test_locked_sales(self):
        with freeze_time("2026-03-10 12:00:00"):
            self._buy()
        with freeze_time("2026-03-15 12:00:00"):
            tomorrow = self._lock("sale_lock_date")
            self.assertEqual(self._book(2).date, tomorrow)

    def test_open_day_after_midnight_in_paris(self):
        """23:30 UTC is tomorrow in Paris: the entry and its moves are of the same day."""
        with freeze_time("2026-03-10 23:30:00"):
            self._buy()
            entries = self.wallet.entry_ids + self._book(2).credit_entry_id
            self.assertEqual(
                {str(day) for day in entries.mapped("accounting_date")}, {"2026-03-11"})
            self.assertEqual(
                {str(day) for day in entries.move_ids.mapped("date")}, {"2026-03-11"})
