from datetime import timedelta

from odoo import fields

from odoo.addons.credit_wallet.tests.common_accounting import CreditAccountingCase


class TestBookingAccounting(CreditAccountingCase):
    """Seats booked and cancelled through the session keep the books and the ledger agreed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        training = cls.env["event.type"].create({
            "name": "Public speaking", "is_training": True, "credit_price": 4,
            "cancel_hours": 48, "training_product_id": cls.training.id})
        begin = fields.Datetime.now() + timedelta(days=30)
        cls.session = cls.env["event.event"].create({
            "name": "Public speaking", "event_type_id": training.id,
            "date_begin": begin, "date_end": begin + timedelta(hours=2)})

    def _book_seat(self):
        return self.session._book(self.wallet, self.customer, "seat:1")

    def test_booking(self):
        self._buy()
        invoice = self._book_seat().credit_entry_id.move_ids
        self.assertEqual((invoice.state, invoice.amount_total), ("posted", 0.0))
        self.assertEqual(invoice.date, invoice.credit_entry_id.accounting_date)
        self.assertOwed(deferred=60.0)

    def test_booking_cancelled(self):
        self._buy()
        seat = self._book_seat()
        seat._cancel_by_customer()
        note = seat.refund_entry_id.move_ids
        self.assertEqual(
            (note.move_type, note.state, note.reversed_entry_id),
            ("out_refund", "posted", seat.credit_entry_id.move_ids))
        self.assertFalse(note.credit_debt_ids)
        self.assertEqual(self.wallet.balance, 10)
        self.assertOwed(deferred=100.0)
        seat.action_cancel()
        self.assertEqual(self.wallet.balance, 10)

    def test_multi_purpose_booking_cancelled(self):
        self.company.credit_voucher_kind = "multi"
        self._buy()
        seat = self._book_seat()
        vat = seat.credit_entry_id.move_ids.line_ids.filtered("tax_line_id")
        self.assertEqual(vat.balance, -6.67)
        seat._cancel_by_customer()
        vat = seat.refund_entry_id.move_ids.line_ids.filtered("tax_line_id")
        self.assertEqual(vat.balance, 6.67)
        self.assertOwed(deferred=100.0)

    def test_pack_refunded_after_a_booking(self):
        invoice = self._buy()
        self._book_seat()
        self.assertEqual(self._credit_note(invoice).credit_debt_ids.credits, 4)
        self.assertOwed(giveback=-40.0)

    def test_seat_of_free_credits(self):
        self.wallet._grant(4, 0.0, "gift", kind="adjustment", reason="Welcome")
        invoice = self._book_seat().credit_entry_id.move_ids
        self.assertEqual((invoice.state, invoice.amount_total), ("posted", 0.0))
