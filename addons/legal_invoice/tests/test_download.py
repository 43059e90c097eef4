import io
import zipfile

from pypdf import PdfReader

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from ..wizard import legal_invoice_download
from .common import LegalCase, pages


@tagged("post_install", "-at_install")
class TestDownload(LegalCase, HttpCase):
    """INSAHO §2.7 (docs/spec): staff download, send again, correct."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accountant = new_test_user(
            cls.env, "legal_accountant", "account.group_account_invoice", lang="en_US")
        cls.clerk = new_test_user(cls.env, "legal_clerk", "base.group_user", lang="en_US")
        cls.moves = cls.env["account.move"]
        for day in ("2024-02-03", "2024-02-29"):
            cls.moves += cls.invoice(cls.person, cls.vat20, invoice_date=day)
        cls.moves += cls.invoice(
            cls.person, cls.vat20, move_type="out_refund", invoice_date="2024-02-10")
        cls.invoice(cls.person, cls.vat20, invoice_date="2024-03-01")
        cls.invoice(cls.person, cls.vat20, invoice_date="2024-02-20").button_draft()
        # As when they were sent; in tests Odoo stores a page where it would store a PDF.
        for move in cls.moves:
            content, _kind = cls.env["ir.actions.report"].with_context(
                force_report_rendering=True)._render_qweb_pdf(
                    "account.account_invoices", move.ids)
            cls.env["ir.attachment"].create({
                "name": f"{move.name.replace('/', '_')}.pdf", "raw": content,
                "mimetype": "application/pdf", "res_model": "account.move", "res_id": move.id,
                "res_field": "invoice_pdf_report_file"})
        cls.moves.invalidate_recordset(["invoice_pdf_report_id", "invoice_pdf_report_file"])

    def download(self, file_format="pdf", user=None, **vals):
        return self.env["legal.invoice.download"].with_user(user or self.accountant).create({
            "date_from": "2024-02-01", "date_to": "2024-02-29", "file_format": file_format,
            **vals})

    def test_a_month_as_one_pdf(self):
        """In the order of time, credit notes among them, and nothing of another month."""
        self.authenticate("legal_accountant", "legal_accountant")
        answer = self.url_open(self.download().action_download()["url"])
        self.assertEqual(answer.headers["Content-Type"], "application/pdf")
        printed = pages(answer.content)
        self.assertEqual(len(printed), 3)
        for move, page in zip(self.moves.sorted("invoice_date"), printed, strict=True):
            self.assertIn(move.name, page)

    def test_a_month_as_zip(self):
        _name, _mimetype, content = self.download("zip")._prepare_download()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            self.assertEqual(sorted(archive.namelist()), sorted(
                f"{move.name.replace('/', '_')}.pdf" for move in self.moves))
            for name in archive.namelist():
                self.assertEqual(len(PdfReader(io.BytesIO(archive.read(name))).pages), 1)

    def test_the_chosen_ones(self):
        download = self.download(move_ids=self.moves[:1].ids)
        self.assertEqual(download._documents(), self.moves[:1])

    def test_nobody_elses(self):
        """Neither a colleague's download, nor without rights on invoices."""
        url = self.download().action_download()["url"]
        other = new_test_user(
            self.env, "legal_other", "account.group_account_invoice", lang="en_US")
        for user in (other, self.clerk):
            self.authenticate(user.login, user.login)
            self.assertIn(self.url_open(url).status_code, (403, 404))

    def test_send_again(self):
        """« Renvoyer une facture »: once more each time staff ask for it, in French."""
        self.person.email = "camille@example.com"
        move = self.moves[:1]
        for count in (1, 2):
            self.env["account.move.send.wizard"].with_context(
                active_model="account.move", active_ids=move.ids).create(
                    {"sending_methods": ["email"]}).action_send_and_print()
            mails = self.env["mail.mail"].search([
                ("model", "=", "account.move"), ("res_id", "=", move.id)])
            self.assertEqual(len(mails), count)
            self.assertIn("Facture", mails[0].subject)

    def test_nothing_there(self):
        with self.assertRaisesRegex(UserError, "no posted"):
            self.download(date_from="1999-01-01", date_to="1999-01-31").action_download()

    def forget_pdfs(self):
        self.moves.env["ir.attachment"].search([("res_id", "in", self.moves.ids), (
            "res_model", "=", "account.move"), ("res_field", "!=", False)]).unlink()

    def test_pdfs_are_made_step_by_step(self):
        """A dialog shows how far it is; hundreds in one request would end in a time-out."""
        self.forget_pdfs()
        self.patch(legal_invoice_download, "MADE_AT_ONCE", 2)
        download = self.download()
        action = download.action_download()
        self.assertEqual(action["params"], {"download_id": download.id})
        self.patch(
            type(self.moves), "_legal_make_pdf",
            lambda moves: self.made.extend(moves.ids) or self.keep(moves))
        self.made = []
        first, second = download.make_some(), download.make_some()
        self.assertEqual((first["made"], first["total"], first["url"]), (2, 3, False))
        self.assertEqual(second["made"], 3)
        self.assertTrue(second["url"])
        self.assertEqual(sorted(self.made), sorted(self.moves.ids))

    def keep(self, moves):
        self.env["ir.attachment"].create([{
            "name": "F.pdf", "raw": b"%PDF", "res_model": "account.move", "res_id": move.id,
            "res_field": "invoice_pdf_report_file"} for move in moves])
        moves.invalidate_recordset(["invoice_pdf_report_id", "invoice_pdf_report_file"])

    def test_what_waits_to_be_mailed_waits_on(self):
        """A PDF made for accountants is not yet the customer's: neither sent nor final."""
        self.forget_pdfs()
        invoice = self.moves.sudo()[0]
        invoice.write({"is_move_sent": False, "sending_data": {"sending_methods": ["email"]}})
        invoice.with_user(self.accountant)._legal_make_pdf()
        self.assertTrue(invoice.invoice_pdf_report_id)
        self.assertFalse(invoice.is_move_sent)
        self.assertEqual(invoice.sending_data, {"sending_methods": ["email"]})
        self.assertFalse(invoice._legal_is_final())

    def test_progress_of_somebody_else(self):
        other = new_test_user(
            self.env, "legal_second", "account.group_account_invoice", lang="en_US")
        with self.assertRaises(AccessError):
            self.download().with_user(other).make_some()

    def test_too_many_at_once(self):
        self.forget_pdfs()
        self.patch(legal_invoice_download, "MAX_TO_MAKE", 2)
        with self.assertRaisesRegex(UserError, "no PDF yet"):
            self.download()._prepare_download()
        self.patch(legal_invoice_download, "MAX_DOCUMENTS", 2)
        with self.assertRaisesRegex(UserError, "too many"):
            self.download().action_download()

    def test_name_of_a_month(self):
        self.assertIn("2024-02.", self.download("zip")._prepare_download()[0])
