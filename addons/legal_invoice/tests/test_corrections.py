from datetime import date

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import LegalCase


@tagged("post_install", "-at_install")
class TestCorrections(LegalCase):
    """A credit note names the invoices that it corrects, with their dates (Directive 2006/112/EC,
    art. 219; CGI, art. 289, I, 5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.invoice(cls.business, cls.vat20, invoice_date=date(2026, 3, 4))
        cls.second = cls.invoice(cls.business, cls.vat20, invoice_date=date(2026, 5, 6))

    def reverse(self, invoice):
        wizard = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids).create({
                "journal_id": invoice.journal_id.id})
        note = self.env["account.move"].browse(wizard.refund_moves()["res_id"])
        note.action_post()
        return note

    def credit(self, *invoices, **vals):
        """Make a credit note by hand."""
        return self.invoice(
            self.business, self.vat20, move_type="out_refund",
            corrected_invoice_ids=[Command.set([invoice.id for invoice in invoices])], **vals)

    def html(self, move):
        content, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "account.account_invoices", move.ids)
        return " ".join(content.decode().split())

    def test_reversed_by_odoo(self):
        note = self.reverse(self.first)
        self.assertEqual(note.corrected_invoice_ids, self.first)
        page, = self.pages(note)
        self.assertRegex(" ".join(page.split()), rf"{self.first.name} du 04/03/2026")
        self.assertIn("Facture corrigée", page)
        self.assertNotIn("Facture corrigée", "".join(self.pages(self.first)))

    def test_chosen_by_hand(self):
        """A rebate on the sales of a year corrects several invoices."""
        note = self.credit(self.second, self.first)
        self.assertEqual(note._legal_corrected_invoices(), self.first + self.second)
        page = " ".join(self.pages(note)[0].split())
        self.assertIn("Factures corrigées", page)
        for invoice, day in ((self.first, "04/03/2026"), (self.second, "06/05/2026")):
            self.assertIn(f"{invoice.name} du {day}", page)

    def test_on_the_page_of_the_portal(self):
        self.assertIn(self.first.name, self.html(self.credit(self.first)))

    def test_what_was_chosen_stays(self):
        """The invoice that Odoo reverses is added to those that somebody chose."""
        note = self.credit(self.second)
        note.button_draft()
        note.reversed_entry_id = self.first
        self.assertEqual(note.corrected_invoice_ids, self.first + self.second)

    def test_a_copy_corrects_nothing(self):
        self.assertFalse(self.credit(self.first).copy().corrected_invoice_ids)
        replacement = self.first.copy()
        self.assertFalse(replacement.corrected_invoice_ids)

    def test_only_invoices_of_the_customer(self):
        """Bad input, whoever writes it: another customer's, a draft, a credit note, itself."""
        clerk = new_test_user(self.env, "legal_credit", "account.group_account_invoice")
        stranger = self.invoice(self.person, self.vat20)
        draft = self.first.copy()
        note = self.credit(self.first)
        note.button_draft()
        for wrong in (stranger, draft, self.reverse(self.second), note):
            with self.assertRaisesRegex(ValidationError, "posted invoice of the same company"), \
                    self.env.cr.savepoint():
                note.with_user(clerk).with_context(lang="en_US").write({
                    "corrected_invoice_ids": [Command.set(wrong.ids)]})
        self.env.invalidate_all()
        self.assertEqual(note.corrected_invoice_ids, self.first)
        with self.assertRaisesRegex(ValidationError, "cannot correct"), self.env.cr.savepoint():
            self.second.write({"corrected_invoice_ids": [Command.set(self.first.ids)]})

    def test_staff_are_told_when_none_is_named(self):
        note = self.credit()
        alert = note.with_context(lang="fr_FR")._get_alerts()["legal_corrected"]
        self.assertIn("«\xa0Corrige\xa0»", alert["message"])
        self.assertNotIn("legal_corrected", self.credit(self.first)._get_alerts())
        self.assertNotIn("legal_corrected", self.first._get_alerts())


@tagged("post_install", "-at_install")
class TestRates(LegalCase):
    """The rate of a tax on posted documents stays: they and their credit notes name it."""

    def test_a_tax_on_a_posted_invoice(self):
        tax = self.vat20.copy({"name": "20 % own"})
        tax.amount = 19
        tax.amount = 20
        invoice = self.invoice(self.business, tax)
        for vals in ({"amount": 10}, {"amount_type": "division"}):
            with self.assertRaisesRegex(UserError, f"20 % own.*{invoice.name}"), \
                    self.env.cr.savepoint():
                tax.with_context(lang="en_US").write(vals)
        tax.write({"amount": 20.0, "name": "20 % still", "active": False})
        self.assertEqual(tax.amount, 20)

    def test_a_tax_within_a_group(self):
        part = self.vat20.copy({"name": "Part"})
        group = self.env["account.tax"].create({
            "name": "Group", "amount_type": "group", "amount": 0, "tax_scope": "service",
            "children_tax_ids": [Command.set(part.ids)]})
        self.invoice(self.business, group)
        with self.assertRaisesRegex(UserError, "Part"):
            part.amount = 10

    def test_a_draft_and_a_bill_bind_nothing(self):
        tax = self.vat20.copy({"name": "Free"})
        draft = self.invoice(self.business, tax)
        draft.button_draft()
        tax.amount = 10
        self.assertEqual(tax.amount, 10)
