from freezegun import freeze_time

from odoo.fields import Command

from .common_accounting import CreditAccountingCase


class TestWithdrawal(CreditAccountingCase):
    """A refund at the provider, or a dispute, takes the money: the credits follow."""

    def setUp(self):
        super().setUp()
        self.wallet._responsible().lang = "en_US"  # who is told reads it in their language

    def _transaction(self, invoices, reference="PAID", **vals):
        provider = self.env["payment.provider"].search([("code", "=", "none")], limit=1)
        bank = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1)
        provider.journal_id = bank
        if provider not in bank.inbound_payment_method_line_ids.payment_provider_id:
            self.env["account.payment.method.line"].create({
                "journal_id": bank.id, "payment_provider_id": provider.id,
                "payment_method_id": self.env.ref("account.account_payment_method_manual_in").id})
        paid = self.env["payment.transaction"].create({
            "provider_id": provider.id, "reference": reference,
            "payment_method_id": self.env.ref("payment.payment_method_unknown").id,
            "amount": sum(invoices.mapped("amount_total")), "operation": "online_direct",
            "currency_id": self.company.currency_id.id, "partner_id": self.customer.id,
            "invoice_ids": [Command.set(invoices.ids)], **vals})
        paid._set_done()
        paid._post_process()
        return paid

    def _buy_online(self, quantity=1, pack=None):
        invoice = self._invoice(quantity, pack)
        return invoice, self._transaction(invoice)

    def _refund(self, paid, amount):
        """Make in Odoo what a refund at the provider becomes."""
        refund = paid._create_child_transaction(amount, is_refund=True)
        refund._set_done()
        refund._post_process()
        return refund

    def _todo(self):
        return self.wallet.activity_ids.filtered(
            lambda activity: "Payment taken back" in (activity.summary or ""))

    def test_contested_and_won(self):
        """Held while the bank decides; all back when it decides for the centre."""
        invoice, paid = self._buy_online()
        paid._withdraw(120.0, "du_1")
        self.assertEqual(self.wallet.balance, 0)
        self.assertOwed(pending=100.0)
        self.assertEqual(self._todo().user_id.has_group("credit_wallet.group_credit_manager"), True)
        self.assertIn("Camille Client", self._todo().summary)
        self.assertRegex(str(self._todo().note), f"{invoice.name}.*du_1.*Held.*10 credits")
        with self.assertRefused("Not enough credits"):
            self.wallet._spend(1, "no")
        paid._restore("du_1")
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0)
        self.assertFalse(self._todo())
        self.assertFalse(self.wallet.debt_ids)

    def test_told_once(self):
        """The provider may tell of the same dispute many times."""
        _invoice, paid = self._buy_online()
        self._book(4)
        for _event in range(3):
            paid._withdraw(120.0, "du_1")
        self.assertEqual(len(self.wallet.debt_ids), 1)
        self.assertEqual(len(self._todo()), 1)
        for _event in range(2):
            paid._restore("du_1")
        self.assertEqual((self.wallet.balance, self.wallet.debt_ids.state), (6, "void"))
        paid._withdraw(120.0, "du_1")  # lost on appeal
        self.assertEqual(self.wallet.balance, 0)
        owed = self.wallet.debt_ids.filtered(lambda debt: debt.state == "open")
        self.assertEqual(owed.credits, 4)

    def test_used_credits_are_owed(self):
        _invoice, paid = self._buy_online()
        self._book(4)
        paid._withdraw(120.0, "du_1")
        debt = self.wallet.debt_ids
        self.assertEqual((self.wallet.balance, debt.credits, debt.value), (0, 4, 40.0))
        self.assertEqual(debt.display_name, "du_1")
        self.assertRegex(str(self._todo().note), "owed by the customer: 4 credits.*40.00")

    def test_all_used(self):
        _invoice, paid = self._buy_online()
        self._book(10)
        paid._withdraw(120.0, "du_1")
        self.assertEqual((self.wallet.debt_ids.credits, self.wallet.debt_ids.value), (10, 100.0))
        self.assertTrue(self._todo())

    def test_a_part_is_contested(self):
        _invoice, paid = self._buy_online(2)
        paid._withdraw(120.0, "du_1")
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0, pending=100.0)

    def test_lost_and_paid_anew(self):
        """The claim comes back to life; a transfer pays it, and the credits are there again."""
        invoice, paid = self._buy_online()
        paid._withdraw(120.0, "du_1")
        paid.payment_id.action_cancel()
        self.assertEqual(invoice.amount_residual, 120.0)
        self.assertEqual(self.wallet.balance, 0)
        self._pay(invoice)
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0)

    def test_refund_made_at_the_provider(self):
        invoice, paid = self._buy_online()
        self._book(4)
        refund = self._refund(paid, 120.0)
        self.assertEqual((self.wallet.balance, self.wallet.debt_ids.credits), (0, 4))
        self.assertEqual(self.wallet.debt_ids.withdrawal_reference, refund.reference)
        # The credit note that staff then make takes the place of what was held.
        note = self._credit_note(invoice)
        self.assertEqual(self.wallet.balance, 0)
        self.assertEqual(note.credit_debt_ids.credits, 4)
        self.assertEqual(self.wallet.debt_ids.filtered(
            lambda debt: debt.state == "open"), note.credit_debt_ids)
        self.assertOwed(giveback=-40.0)
        self.assertFalse(self._todo())

    def test_refund_of_one_pack_of_two(self):
        invoice, paid = self._buy_online(2)
        self._refund(paid, 120.0)
        self.assertEqual(self.wallet.balance, 10)
        self._credit_note(invoice, quantity=1)
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0)

    def test_credit_note_of_a_part_of_the_refund(self):
        invoice, paid = self._buy_online(2)
        self._refund(paid, 240.0)
        self.assertEqual(self.wallet.balance, 0)
        self._credit_note(invoice, quantity=1)
        self.assertEqual(self.wallet.balance, 0)
        self.assertOwed(pending=100.0)
        self._credit_note(invoice, quantity=1)
        self.assertOwed()

    def test_credit_note_before_the_refund(self):
        """The usual order: the credits are gone with the credit note, and not twice."""
        invoice, paid = self._buy_online(2)
        self._credit_note(invoice, quantity=1)
        self._refund(paid, 120.0)
        self.assertEqual(self.wallet.balance, 10)
        self.assertFalse(self._todo())

    def test_expired_while_contested(self):
        """Held by no fault of the customer's: spendable again for the days that were left."""
        with freeze_time("2030-01-05 12:00:00"):
            pack = self._make_pack("Short", 10, 100.0, credit_validity_months=3)
            _invoice, paid = self._buy_online(pack=pack)
            paid._withdraw(120.0, "du_1")
        with freeze_time("2030-06-01 12:00:00"):
            self.wallet._expire_lots()
            paid._restore("du_1")
            self.assertEqual((self.wallet.balance, self.wallet.spendable), (10, 10))
            self.assertEqual(str(self.wallet.next_expiry_date), "2030-08-30")
            self.assertOwed(deferred=100.0)

    def test_something_else_was_paid(self):
        invoice = self._invoice(pack=self.training)
        paid = self._transaction(invoice)
        paid._withdraw(120.0, "du_1")
        paid._restore("du_1")
        self.assertFalse(self._todo())

    def test_allotted_credits_are_found(self):
        """Given to an employee meanwhile: held where they are, and back there."""
        company = self.env["res.partner"].create({"name": "ACME", "is_company": True})
        employee = self.env["res.partner"].create({
            "name": "Emma", "email": "emma@example.com", "parent_id": company.id})
        self.customer = company
        self.wallet = self.env["credit.wallet"]._of(company, self.company)
        invoice, paid = self._buy_online()
        self.wallet._allot(employee, 4, "allot")
        own = self.wallet._own_wallet(employee)
        paid._withdraw(120.0, "du_1")
        self.assertEqual((self.wallet.balance, own.balance), (0, 0))
        paid._restore("du_1")
        self.assertEqual((self.wallet.balance, own.balance), (6, 4))
        note = self._credit_note(invoice)
        self.assertEqual((self.wallet.balance, own.balance), (0, 0))
        self.assertFalse(note.credit_debt_ids)
