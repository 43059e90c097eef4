"""Credit notes of periods, whoever makes them: what is left goes back, the rest is owed."""

from datetime import date

from odoo.exceptions import UserError

from .common import START, SubscriptionCreditCase


class TestTakeBack(SubscriptionCreditCase):

    def credit_note(self, invoice, amount=None):
        """Make the credit note that the button of the invoice makes."""
        wizard = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids).create(
                {"journal_id": invoice.journal_id.id})
        note = self.env["account.move"].browse(wizard.refund_moves()["res_id"])
        if amount is not None:
            note.invoice_line_ids.price_unit = amount
        note.action_post()
        return note

    def debts(self):
        return [(debt.credits, debt.owed, debt.state)
                for debt in self.wallet.debt_ids.sorted("id")]

    def test_cancelled_at_once(self):
        """The days left are credited, and their credits taken back: 5 of 10 on 15 January."""
        subscription = self.bought()
        with self.at(date(2027, 1, 15)):
            subscription._cancel(now=True)
        self.assertEqual(self.lots(), [(10, 5, 50.0)])
        self.assertFalse(self.wallet.debt_ids)
        # 16/31 of 100.00 was returned, and 5 credits are worth 50.00.
        self.assertOwed(deferred=50.0, giveback=-1.61)

    def test_used_credits_are_owed(self):
        subscription = self.bought()
        self.book(8)
        with self.at(date(2027, 1, 15)):
            subscription._cancel(now=True)
        self.assertEqual(self.lots(), [(10, 0, 0.0)])
        self.assertEqual(self.debts(), [(3, 3, "open")])
        self.assertOwed(giveback=-31.61)

    def test_whole_period_credited(self):
        self.small.cancel_policy = "full"
        subscription = self.bought()
        with self.at(date(2027, 1, 15)):
            subscription._cancel(now=True)
        self.assertEqual(self.lots(), [(10, 0, 0.0)])
        self.assertOwed()

    def test_kept_when_nothing_is_credited(self):
        self.small.cancel_policy = "none"
        subscription = self.bought()
        with self.at(date(2027, 1, 15)):
            subscription._cancel(now=True)
        self.assertEqual(self.lots(), [(10, 10, 100.0)])

    def test_cancelled_at_term_keeps_the_credits(self):
        subscription = self.bought()
        with self.at(date(2027, 1, 15)):
            subscription._cancel()
        self.run_due(date(2027, 2, 1))
        self.assertEqual(subscription.state, "ended")
        self.assertEqual(self.lots(), [(10, 10, 100.0)])

    def test_credit_notes_by_hand_add_up(self):
        """Three thirds take back the ten credits, and a fourth note is refused."""
        subscription = self.bought()
        invoice = self.invoices(subscription)
        left = []
        with self.at(START):
            for amount in (33.33, 33.33, 33.34):
                self.credit_note(invoice, amount)
                left.append(self.wallet.balance)
        self.assertEqual(left, [7, 3, 0])
        self.assertOwed()

    def test_credit_note_follows_once(self):
        """Posted notes stay posted, and what was followed is not followed again."""
        subscription = self.bought()
        with self.at(START):
            note = self.credit_note(self.invoices(subscription), 50.0)
            line = note.invoice_line_ids
            self.env["credit.debt"]._take_back_periods(
                line, subscription.period_ids._credit_grants())
            self.assertEqual(self.wallet.balance, 5)
            with self.assertRaisesRegex(UserError, "cannot be reset to draft"):
                note.button_draft()

    def test_small_credit_note_takes_money_only(self):
        """Less than half a credit: the customer keeps it, the price was reduced."""
        subscription = self.bought()
        with self.at(START):
            note = self.credit_note(self.invoices(subscription), 4.0)
            self.assertEqual(self.lots(), [(10, 10, 100.0)])
            self.assertOwed(deferred=100.0, giveback=-4.0)
            with self.assertRaisesRegex(UserError, "cannot be reset to draft"):
                note.button_draft()

    # Before the payment -------------------------------------------------------------------------

    def test_credited_before_the_payment(self):
        """What is paid of the period is what is granted."""
        subscription = self.subscribe(self.small, START)
        with self.at(START):
            self.credit_note(self.invoices(subscription), 51.61)
            subscription._settle_by_credit_notes(
                self.invoices(subscription) + self.credit_notes(subscription))
        self.assertFalse(self.wallet.entry_ids)
        self.pay_all(subscription, START)
        self.assertEqual(self.lots(), [(5, 5, 48.39)])
        self.assertOwed(deferred=48.39)

    def test_wholly_credited_before_the_payment(self):
        subscription = self.subscribe(self.small, START)
        with self.at(START):
            self.credit_note(self.invoices(subscription))
            subscription._settle_by_credit_notes(
                self.invoices(subscription) + self.credit_notes(subscription))
        self.assertFalse(self.wallet.entry_ids)
        self.assertOwed()

    def test_rest_worth_less_than_half_a_credit(self):
        """It buys no credit, and does not wait for one for ever: it is income."""
        subscription = self.subscribe(self.small, START)
        with self.at(START):
            self.credit_note(self.invoices(subscription), 96.0)
            subscription._settle_by_credit_notes(
                self.invoices(subscription) + self.credit_notes(subscription))
            self.pay(self.invoices(subscription))
            subscription.period_ids._credit_grant()
        self.assertFalse(self.wallet.entry_ids)
        self.assertOwed(giveback=4.0)

    def test_credit_note_that_settles_the_invoice(self):
        """The rest was paid: the note itself makes the invoice paid, net of what it credits."""
        subscription = self.subscribe(self.small, START)
        invoice = self.invoices(subscription)
        with self.at(START):
            self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=invoice.ids).create({"amount": 60.0})\
                ._create_payments()
            note = invoice._reverse_moves([{"invoice_date": START, "date": START}])
            note.invoice_line_ids.price_unit = 50.0
            note.with_context(move_reverse_cancel=True).action_post()
        self.assertIn(invoice.payment_state, ("paid", "in_payment"))
        self.assertEqual(self.lots(), [(5, 5, 50.0)])
        self.assertOwed(deferred=50.0)

    # Changes ------------------------------------------------------------------------------------

    def test_upgrade_grants_the_difference(self):
        """10 → 20 credits on 16 January: 5 taken back, 10 granted, for 16 of 31 days."""
        subscription = self.bought()
        with self.at(date(2027, 1, 16)):
            preview = subscription._preview_change(self.large.price_ids)
            self.assertEqual(
                (preview["credits_taken"], preview["credits_granted"]), (5, 10))
            subscription._change(self.large.price_ids)
        self.pay_all(subscription, date(2027, 1, 16))
        self.assertEqual(self.lots(), [(10, 5, 50.0), (10, 10, 103.23)])
        self.assertEqual(self.wallet.balance, 15)
        self.run_due(date(2027, 2, 1))
        self.pay_all(subscription, date(2027, 2, 1))
        self.assertEqual(self.lots()[2:], [(20, 20, 200.0)])

    def test_upgrade_after_all_credits_are_used(self):
        """The usual reason to upgrade: what was used is taken from the new credits, so that the
        difference is granted and nothing stays owed."""
        subscription = self.bought()
        self.book(10)
        with self.at(date(2027, 1, 16)):
            subscription._change(self.large.price_ids)
        self.assertEqual(self.debts(), [(5, 5, "open")])
        self.pay_all(subscription, date(2027, 1, 16))
        self.assertEqual(self.wallet.balance, 5)
        self.assertEqual(self.debts(), [(5, 0, "settled")])
        # 100.00 used, 51.61 returned, 103.23 charged: the rest is worth what it cost.
        self.assertOwed(deferred=51.61, giveback=0.01)

    def test_downgrade_gives_no_credits_away(self):
        """20 credits used on the first day, then a plan of 10: the new ones pay what is owed."""
        subscription = self.bought(self.large)
        self.book(20)
        with self.at(date(2027, 1, 2)):
            subscription._change(self.small.price_ids)
        self.pay_all(subscription, date(2027, 1, 2))
        self.assertEqual(self.wallet.balance, 0)
        self.assertEqual(self.debts(), [(19, 9, "open")])
        self.run_due(date(2027, 2, 1))
        self.pay_all(subscription, date(2027, 2, 1))
        self.assertEqual(self.wallet.balance, 1)
        self.assertEqual(self.debts(), [(19, 0, "settled")])

    def test_credits_that_paid_a_debt_are_owed_again(self):
        """Refunded in money, a period whose credits paid what was owed leaves the debt again."""
        subscription = self.bought()
        self.book(10)
        with self.at(date(2027, 1, 16)):
            change = subscription._change(self.large.price_ids)
        self.pay_all(subscription, date(2027, 1, 16))
        self.assertEqual(self.wallet.balance, 5)
        with self.at(date(2027, 1, 16)):
            self.credit_note(change.invoice_id)
        self.assertEqual(self.wallet.balance, 0)
        self.assertEqual(self.debts(), [(5, 0, "settled"), (5, 5, "open")])
        # 100.00 paid and used, 103.23 paid; 51.61 and 103.23 returned.
        self.assertOwed(giveback=-51.61)

    def test_debt_that_staff_waived_is_not_taken(self):
        subscription = self.bought()
        self.book(10)
        with self.at(date(2027, 1, 16)):
            subscription._change(self.large.price_ids)
            self.wallet.debt_ids.action_settle()
        self.pay_all(subscription, date(2027, 1, 16))
        self.assertEqual(self.wallet.balance, 10)

    def test_debt_of_another_subscription_stays(self):
        subscription = self.bought()
        self.book(10)
        with self.at(date(2027, 1, 16)):
            subscription._cancel(now=True)
        self.bought(start=date(2027, 1, 17))
        self.assertEqual(self.wallet.balance, 10)
        self.assertEqual(self.debts(), [(5, 5, "open")])

    def test_upgrade_on_the_first_day(self):
        subscription = self.bought()
        with self.at(START):
            subscription._change(self.large.price_ids)
        self.pay_all(subscription, START)
        self.assertEqual(self.lots(), [(10, 0, 0.0), (20, 20, 200.0)])
        self.assertOwed(deferred=200.0)

    def test_pause_takes_back_the_days_left(self):
        subscription = self.bought()
        self.book(10)
        with self.at(date(2027, 1, 15)):
            subscription._pause()
        self.assertEqual(self.debts(), [(5, 5, "open")])
        with self.at(date(2027, 3, 1)):
            subscription._resume()
        self.pay_all(subscription, date(2027, 3, 1))
        self.assertEqual(self.wallet.balance, 5)
        self.assertEqual(self.debts(), [(5, 0, "settled")])

    def test_expired_credits_are_neither_taken_nor_owed(self):
        """Credited after the period: the credits had become breakage, which is given up."""
        subscription = self.bought()
        with self.at(date(2027, 2, 10)):
            self.wallet._expire_lots()
            self.credit_note(self.invoices(subscription))
        self.assertEqual(self.lots(), [(10, 0, 0.0)])
        self.assertFalse(self.wallet.debt_ids)
        self.assertOwed(breakage=100.0, giveback=-100.0)
