from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common import LegalCase


@tagged("post_install", "-at_install")
class TestFinal(LegalCase):
    """An invoice that was issued stays as it is (CGI, art. 286, I, 3° bis)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = fields.Date.context_today(cls.company)
        cls.yesterday = cls.today - timedelta(days=1)
        cls.company.sudo().legal_secured_from = cls.today - timedelta(days=10)
        cls.clerk = new_test_user(
            cls.env, "legal_final", "account.group_account_manager,account.group_account_user",
            lang="en_US")

    def sell(self, day=None, **vals):
        return self.invoice(self.business, self.vat20, invoice_date=day or self.yesterday, **vals)

    def secure(self):
        with self.enter_registry_test_mode():
            self.env.ref("legal_invoice.ir_cron_secure").method_direct_trigger()
        self.env.invalidate_all()

    def assertFinal(self, move):
        """Whatever the way: the button, and the methods that RPC calls."""
        own = move.with_user(self.clerk).with_context(lang="en_US")
        line = own.invoice_line_ids[:1]
        ways = [
            own.button_draft, own.button_cancel,
            lambda: own.write({"state": "draft"}),
            lambda: own.write({"state": "cancel"}),
            lambda: own.with_context(skip_readonly_check=True).write(
                {"invoice_date": self.today + timedelta(days=3)}),
            lambda: line.write({"name": "Something else"}),
            lambda: line.write({"price_unit": 5.0}),
            lambda: line.create({
                "move_id": move.id, "name": "More", "price_unit": 0.0, "display_type": "product"}),
        ]
        if move.is_move_sent:
            ways += [lambda: own.write({"is_move_sent": False}),
                     own.with_context(force_delete=True).unlink]
        for way in ways:
            with self.assertRaisesRegex(UserError, "credit note"), self.env.cr.savepoint():
                way()
        self.env.invalidate_all()
        self.assertEqual(move.state, "posted")
        self.assertFalse(move.with_user(self.clerk).show_reset_to_draft_button)

    def test_sent(self):
        move = self.sell()
        move.is_move_sent = True
        self.assertFinal(move)

    def test_secured(self):
        move = self.sell()
        self.secure()
        self.assertTrue(move.inalterable_hash)
        self.assertFinal(move)

    def test_neither_sent_nor_secured(self):
        move = self.sell()
        self.assertTrue(move.show_reset_to_draft_button)
        move.with_user(self.clerk).button_draft()
        move.invoice_line_ids.name = "Corrected"
        move.action_post()

    def test_payment_and_credit_note_of_what_is_final(self):
        """What happens to a final invoice goes on."""
        move = self.sell()
        move.is_move_sent = True
        self.secure()
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids).create({})._create_payments()
        self.assertIn(move.payment_state, ("paid", "in_payment"))
        note = move._reverse_moves([{"invoice_date": self.today}])
        note.action_post()
        self.assertEqual(note.state, "posted")

    def test_the_night_after_its_day(self):
        """Those of today wait, as do those from before securing began, and drafts."""
        before = self.sell(self.today - timedelta(days=20))
        yesterday, note = self.sell(), self.sell(move_type="out_refund")
        today = self.sell(self.today)
        self.secure()
        secured = before + yesterday + note + today
        self.assertEqual(secured.filtered("inalterable_hash"), yesterday + note)
        self.assertFalse(yesterday.is_manually_modified)
        again = yesterday.inalterable_hash
        self.secure()
        self.assertEqual(yesterday.inalterable_hash, again)
        self.assertIn("FR", self.company.account_fiscal_country_id.code)

    def test_chain_is_whole(self):
        """Odoo's own check finds nothing wrong with it, one night after the other."""
        moves = self.sell(self.today - timedelta(days=3)) + self.sell()
        self.secure()
        later = self.sell()
        self.secure()
        self.assertTrue(all((moves + later).mapped("inalterable_hash")))
        results = self.company.with_user(self.clerk)._check_hash_integrity()["results"]
        self.assertFalse([line for line in results if line["status"] == "corrupted"])

    def test_number_that_is_a_draft_again(self):
        """The chain waits for it: it may come back with its number."""
        first, returned, third = self.sell(), self.sell(), self.sell()
        returned.button_draft()
        self.secure()
        self.assertEqual(
            (first + returned + third).filtered("inalterable_hash"), first)
        returned.action_post()
        self.secure()
        self.assertTrue(all((first + returned + third).mapped("inalterable_hash")))

    def test_one_bad_chain_stops_no_other(self):
        invoice, note = self.sell(), self.sell(move_type="out_refund")
        moves = type(invoice)
        secure = moves._legal_secure

        def fail_on_notes(records):
            if records.move_type == "out_refund":
                raise ValueError("broken")
            return secure(records)

        self.patch(moves, "_legal_secure", fail_on_notes)
        self.secure()
        self.assertEqual((invoice + note).filtered("inalterable_hash"), invoice)

    def test_sellers_elsewhere(self):
        """Odoo's setting of the journal decides there."""
        move = self.sell()
        move.is_move_sent = True
        self.company.account_fiscal_country_id = self.env.ref("base.be")
        self.secure()
        self.assertFalse(move.inalterable_hash)
        move.button_draft()
        self.assertEqual(move.state, "draft")

    def test_day_of_securing_is_nobodys_to_move(self):
        with self.assertRaises(AccessError):
            self.company.with_user(self.env.ref("base.user_admin")).legal_secured_from = False
        new = self.env["res.company"].create({"name": "New"})
        self.assertEqual(new.legal_secured_from, self.today)

    def test_merged_contacts(self):
        """A secured invoice names its customer for good."""
        twin = self.business.copy({"name": "ACME again", "vat": False})
        self.sell()
        self.secure()
        wizard = self.env["base.partner.merge.automatic.wizard"]
        with self.assertRaisesRegex(UserError, "ACME SAS.*archive"), self.env.cr.savepoint():
            wizard.with_context(lang="en_US")._merge((self.business + twin).ids, twin)
        wizard._merge((self.business + twin).ids, self.business)
        self.assertFalse(twin.exists())

    # What is printed ----------------------------------------------------------------------

    def test_print_gives_the_file_that_was_sent(self):
        """With the Factur-X in it, whatever has changed since."""
        move = self.sell()
        sent = b"%PDF-1.7 as it was sent"
        self.env["ir.attachment"].create({
            "name": "F.pdf", "raw": sent, "mimetype": "application/pdf",
            "res_model": "account.move", "res_id": move.id,
            "res_field": "invoice_pdf_report_file"})
        move.invalidate_recordset(["invoice_pdf_report_id", "invoice_pdf_report_file"])
        report = self.env["ir.actions.report"]
        streams = report._render_qweb_pdf_prepare_streams(
            "account.account_invoices", {}, res_ids=move.ids)
        self.assertEqual(streams[move.id]["stream"].read(), sent)

    def test_mail_of_a_credit_note_names_no_due_date(self):
        note = self.sell(move_type="out_refund")
        message = note.message_post(body="Here it is")
        context = note._notify_by_email_prepare_rendering_context(message)
        self.assertEqual(len(context["subtitles"]), 2)
        self.assertIn("12", context["subtitles"][1])
        self.assertNotIn("due", context["subtitles"][1])


@tagged("post_install", "-at_install")
class TestLinesOfDrafts(LegalCase):

    def test_draft_lines_change_freely(self):
        move = self.invoice(self.person, self.vat20)
        move.button_draft()
        move.invoice_line_ids = [Command.create({"name": "More", "price_unit": 1.0})]
        self.assertEqual(len(move.invoice_line_ids), 2)
