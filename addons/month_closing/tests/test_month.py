import io
from datetime import date

import openpyxl
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError

from .common import DAY, MONTH, MonthCase

KEYS = ["vat", "ca3", "oss", "deferral", "documents", "evidence", "security"]


class TestMonth(MonthCase):

    def keys(self, page):
        return [each["key"] for each in page["sections"] if each["key"] in KEYS]

    # The month ----------------------------------------------------------------------------------

    def test_opens_on_the_last_month_of_the_company(self):
        """The company's clock decides, neither UTC's nor the user's (Tokyo)."""
        with freeze_time("2026-11-30 23:30:00"):
            self.assertEqual(self.page(None)["month"], "2026-11")
            self.company.partner_id.tz = "America/New_York"
            self.assertEqual(self.page(None)["month"], "2026-10")
            self.company.partner_id.tz = False
            self.assertEqual(self.page(None)["month"], "2026-11")

    def test_month_without_sales(self):
        page = self.page("2021-02")
        self.assertEqual(self.keys(page), KEYS)
        self.assertEqual((page["wrong"], page["previous"], page["next"]), (0, "2021-01", "2021-03"))
        self.assertFalse([row for each in page["sections"] if each["key"] in KEYS
                          for table in each["tables"] for row in table["rows"]])

    def test_no_month(self):
        for month in ("2026-13", "26-01", "2026-1", "1; DROP", ["2026-01"]):
            with self.assertRaisesRegex(UserError, "is no month"):
                self.page(month)

    def test_who_reads(self):
        self.assertEqual(self.keys(self.page(user=self.reader)), KEYS)
        self.assertFalse(self.page(user=self.reader)["can_lock"])
        with self.assertRaisesRegex(AccessError, "for accountants"):
            self.page(user=self.clerk)
        other = self.env["res.company"].create({"name": "Other"})
        closing = self.env["month.closing"].with_user(self.accountant)
        with self.assertRaisesRegex(AccessError, "do not work for this company"):
            closing._download(other, MONTH, "xlsx")
        with self.assertRaisesRegex(AccessError, "do not work for this company"):
            self.env["report.month_closing.report_month_closing"].with_user(
                self.accountant)._get_report_values(other.ids, {"month": MONTH})

    # What is to be done -------------------------------------------------------------------------

    def test_documents_to_finish(self):
        self.invoice(self.make_customer("FR"), day=DAY, post=False, date=DAY)
        lacking = self.invoice(self.make_business(), day=DAY)
        lacking.commercial_partner_id.company_registry = False
        lacking.action_einvoice_refresh()
        self.invoice(self.make_business(1), day=DAY)
        states = {each["name"]: (each["state"], each["count"])
                  for each in self.section("documents")["checks"]}
        self.assertEqual(states["Drafts"], ("todo", 1))
        self.assertEqual(
            sum(count for name, (_state, count) in states.items() if "lectronic" in name), 2)
        found = self.check("documents", "Drafts")
        self.assertEqual(self.env["account.move"].search_count(found["action"]["domain"]), 1)
        self.assertEqual(self.check("documents", "Drafts", "2025-04")["state"], "ok")

    def test_evidence_that_is_missing(self):
        invoice = self.invoice(self.make_customer("DE"), day=DAY)
        self.pay(invoice)
        self.assertEqual(invoice.vat_evidence_state, "short")
        found = self.check("evidence", "country is not proved")
        self.assertEqual((found["state"], found["count"]), ("todo", 1))

    def test_secured_entries(self):
        journal = self.sales_journal()
        self.invoice(self.make_customer("FR"), day=DAY)
        journal.restrict_mode_hash_table = True
        self.assertEqual(self.section("security")["state"], "todo")

    def test_invoices_secured_at_night(self):
        """What the night secures counts, from the day on which it began."""
        self.company.sudo().legal_secured_from = DAY
        self.assertEqual(self.section("security")["state"], "ok")
        invoice = self.invoice(self.make_customer("FR"), day=DAY)
        self.assertEqual(self.section("security")["state"], "todo")
        invoice.sudo()._legal_secure()
        self.assertTrue(invoice.inalterable_hash)
        self.assertEqual(self.section("security")["state"], "ok")
        self.company.sudo().legal_secured_from = False
        self.assertEqual(self.section("security")["checks"][0]["state"], "info")

    def sales_journal(self):
        return self.env["account.journal"].search([
            ("type", "=", "sale"), ("company_id", "=", self.company.id)], limit=1)

    # Deferred revenue ---------------------------------------------------------------------------

    def test_entry_by_hand_on_deferred_revenue(self):
        self.invoice(self.make_customer("FR"), {
            "deferred_start_date": date(2025, 3, 1), "deferred_end_date": date(2026, 2, 28),
            "price_unit": 1200.0}, day=DAY)
        account = self.company.deferral_account_id
        agrees = self.check("deferral", account.code)
        self.assertEqual(agrees["state"], "ok")
        ((_name, waiting, posted, difference),) = self.rows("deferral")
        self.assertEqual((waiting, difference), (posted, 0.0))
        self.assertEqual(
            self.check("deferral", "has taken its share")["state"], "ok")  # none is due in March
        late = self.check("deferral", "not posted yet", "2025-05")  # of April and May
        self.assertEqual((late["state"], late["count"]), ("todo", 2))
        entry = self.by_hand(self.revenue, account)
        found = self.check("deferral", account.code)
        self.assertEqual((found["state"], found["amount"]), ("wrong", 22.8))
        self.assertIn(entry.name, found["details"][0])
        # Two entries that make up for one another are still by hand on this account.
        self.by_hand(account, self.revenue)
        self.assertEqual(self.check("deferral", account.code)["state"], "wrong")

    # Files --------------------------------------------------------------------------------------

    def test_workbook(self):
        self.invoice(self.make_customer("FR", name="=1+cmd|' /C calc'!A0"), {
            "product_id": self.goods.id, "price_unit": 200.0}, day=DAY)
        closing = self.env["month.closing"].with_user(self.accountant)
        name, content = closing._download(self.company, MONTH, "xlsx")
        self.assertEqual(name, "Closing – 2025-03.xlsx")
        book = openpyxl.load_workbook(io.BytesIO(content))
        self.assertIn("VAT", book.sheetnames)
        values = [value for row in book["VAT"].iter_rows(values_only=True) for value in row]
        self.assertIn(200, values)
        self.assertIn(40, values)
        name, content = closing._download(self.company, MONTH, "xlsx", "oss")
        self.assertEqual(name, "Closing – 2025-03 – One Stop Shop (OSS).xlsx")
        self.assertEqual(len(openpyxl.load_workbook(io.BytesIO(content)).sheetnames), 1)
        for key, extension in (("nothing", "xlsx"), ("vat", "exe")):
            with self.assertRaises(LookupError):
                closing._download(self.company, MONTH, extension, key)

    def test_pdf(self):
        closing = self.env["month.closing"].with_user(self.accountant)
        name, content = closing.with_context(force_report_rendering=True)._download(
            self.company, MONTH, "pdf", "vat")
        self.assertEqual(name, "Closing – 2025-03 – VAT.pdf")
        self.assertTrue(content.startswith(b"%PDF"))

    def test_fec_of_the_month(self):
        action = self.env["month.closing"].with_user(self.accountant).action_fec("2024-02")
        wizard = self.env[action["res_model"]].with_user(self.accountant).with_context(
            **action["context"]).create({"export_type": "nonofficial"})
        self.assertEqual((wizard.date_from, wizard.date_to), (date(2024, 2, 1), date(2024, 2, 29)))
        self.assertIn("FEC20240229", wizard.create_fec_report_action()["url"])

    def test_accountant_checks_secured_entries(self):
        """Community gives nobody the group that Odoo asks for; a clerk is still refused."""
        self.assertFalse(self.accountant.has_group("account.group_account_user"))
        journal = self.sales_journal()
        invoice = self.invoice(self.make_customer("FR"), day=DAY)
        journal.restrict_mode_hash_table = True
        invoice._hash_moves()
        self.assertTrue(invoice.inalterable_hash)
        action = self.env["month.closing"].with_user(self.accountant).action_integrity()
        self.assertEqual(action["report_name"], "account.report_hash_integrity")
        report = self.env["report.account.report_hash_integrity"]
        values = report.with_user(self.accountant)._get_report_values(self.company.ids)
        self.assertTrue(values["data"]["results"])
        with self.assertRaisesRegex(UserError, "accountant"):
            report.with_user(self.clerk)._get_report_values(self.company.ids)
        # The mark cannot come from outside, and lends no other right.
        outside = self.accountant.with_user(self.accountant).with_context(reads_integrity=True)
        self.assertFalse(outside.has_group("account.group_account_user"))
