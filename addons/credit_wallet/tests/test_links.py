import json
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common_accounting import CreditAccountingCase


@tagged("post_install", "-at_install")
class TestLinks(CreditAccountingCase, HttpCase):
    """What documents claim about credits is checked where it is written."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = new_test_user(cls.env, "clerk", "account.group_account_invoice")
        cls.manager = new_test_user(
            cls.env, "links_manager", "credit_wallet.group_credit_manager")
        cls.stranger = cls.env["res.partner"].create({"name": "Stranger"})

    def note_on(self, invoice, **line):
        """Values of a credit note to a stranger for the pack of an invoice of the customer."""
        sold = invoice.invoice_line_ids
        return {
            "move_type": "out_refund", "partner_id": self.stranger.id,
            "invoice_line_ids": [Command.create({
                "product_id": sold.product_id.id, "price_unit": 0.01, "quantity": 1,
                "tax_ids": [Command.clear()], **line})]}

    def test_credit_note_cannot_refund_the_pack_of_another_customer(self):
        """Otherwise, it empties the wallet of that customer."""
        invoice = self._buy()
        moves = self.env["account.move"]
        claim = self.note_on(invoice, credit_refunded_line_id=invoice.invoice_line_ids.id)
        with self.assertRaises(AccessError):
            moves.with_user(self.clerk).create(claim)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            moves.create(claim)
        # The order's line leads to the same pack.
        order_line = invoice.invoice_line_ids.sale_line_ids
        note = moves.with_user(self.clerk).create(
            self.note_on(invoice, sale_line_ids=[Command.link(order_line.id)]))
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            note.action_post()
        self.assertEqual(self.wallet.balance, 10)

    def test_clerk_makes_the_credit_note_by_the_button(self):
        """What Odoo copies from the invoice is not a claim of the clerk."""
        invoice = self._buy()
        wizard = self.env["account.move.reversal"].with_user(self.clerk).with_context(
            active_model="account.move", active_ids=invoice.ids).create(
                {"journal_id": invoice.journal_id.id})
        note = self.env["account.move"].with_user(self.clerk).browse(
            wizard.reverse_moves()["res_id"])
        self.assertEqual(
            note.invoice_line_ids.credit_refunded_line_id, invoice.invoice_line_ids)
        self.assertEqual(invoice.with_user(self.clerk).copy().invoice_line_ids.credit_count, 0)
        note.action_post()
        self.assertEqual(self.wallet.balance, 0)

    def test_balance_is_kept_by_the_engine(self):
        wallet = self.wallet.with_user(self.manager)
        with self.assertRaises(AccessError):
            wallet.balance = 1000
        self.wallet.invalidate_recordset()
        messages = wallet.load([".id", "balance"], [[str(wallet.id), "1000"]])["messages"]
        self.assertIn("cannot be written by hand", messages[0]["message"])
        other = self.env["res.partner"].create({"name": "New"})
        opened = wallet.with_context(default_balance=1000)._of(other, self.company)
        self.assertEqual(opened.balance, 0)

    def test_nor_from_outside(self):
        """``/json/2``: a context comes as JSON, in which nobody can express the engine's mark."""
        key = self.env["res.users.apikeys"].with_user(self.manager)._generate(
            "rpc", "test", fields.Datetime.now() + timedelta(days=1))
        for mark in (True, "<object object>", {}):
            answer = self.url_open(
                "/json/2/credit.wallet/write",
                data=json.dumps({"ids": self.wallet.ids, "vals": {"balance": 1000},
                                 "context": {"written_by_engine": mark, "su": True}}),
                headers={"Authorization": f"bearer {key}", "Content-Type": "application/json"})
            self.assertEqual(answer.status_code, 403, answer.text)
        self.wallet.invalidate_recordset()
        self.assertEqual(self.wallet.balance, 0)

    def test_strangers_are_not_named_on_a_wallet(self):
        for name in ("spender_ids", "manager_ids"):
            with self.assertRaises(ValidationError):
                self.wallet.with_user(self.manager).write(
                    {name: [Command.link(self.stranger.id)]})
            self.wallet.invalidate_recordset()

    def test_debts_are_settled_by_the_button_only(self):
        invoice = self._buy()
        self._book(4)
        debt = self._credit_note(invoice).credit_debt_ids.with_user(self.manager)
        with self.assertRaises(AccessError):
            debt.state = "void"
        debt.action_settle()
        self.assertEqual(debt.state, "settled")
