import io
from datetime import date, timedelta

import openpyxl
from freezegun import freeze_time

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged

from .common_accounting import CreditAccountingCase


class TestReconciliation(CreditAccountingCase):

    def _line(self, day):
        report = self.env["credit.reconciliation"].create({"date": day})
        line = report.line_ids.filtered(lambda line: line.partner_id == self.customer)
        return line.credits, line.account, line.ledger, line.drift

    def _history(self):
        with freeze_time("2026-03-10 12:00:00"):
            self._buy(pack=self._make_pack("Short", 10, 100.0, credit_validity_months=1))
        with freeze_time("2026-03-20 12:00:00"):
            self.booking = self._book(4)
        with freeze_time("2026-03-25 23:30:00"):  # the 26th in Paris
            self.booking.credit_entry_id._reverse("undo", kind="refund")
        with freeze_time("2026-04-11 01:00:00"):
            self.wallet._expire_lots()

    def test_any_past_day(self):
        self._history()
        for day, credits, value in [
                ("2026-03-09", 0, 0.0), ("2026-03-10", 10, 100.0), ("2026-03-19", 10, 100.0),
                ("2026-03-20", 6, 60.0), ("2026-03-25", 6, 60.0), ("2026-03-26", 10, 100.0),
                ("2026-04-10", 10, 100.0), ("2026-04-11", 0, 0.0)]:
            with self.subTest(day=day):
                self.assertEqual(self._line(day), (credits, value, value, 0.0))

    def test_history_replays_to_today(self):
        self._history()
        self._buy(2)
        today = self.company._credit_today()
        self.assertEqual(self._line(today), (20, 200.0, 200.0, 0.0))
        self.assertEqual(
            sum(self.wallet.lot_ids.mapped("value_remaining")), self._line(today)[2])

    def test_two_queries_whatever_the_customers(self):
        self._history()
        with freeze_time("2026-03-21 12:00:00"), self.assertQueryCount(3):
            # One query a side, and one for the names of the customers.
            self.env.flush_all()
            self.env["credit.reconciliation"]._compare(self.company, date(2026, 3, 21))

    def test_customer_moved_into_a_company(self):
        """The books and the ledger follow a contact who joins a company."""
        self._buy()
        firm = self.env["res.partner"].create({"name": "ACME", "is_company": True})
        self.customer.parent_id = firm
        report = self.env["credit.reconciliation"].create({})
        line = report.line_ids.filtered(lambda line: line.partner_id == firm)
        self.assertEqual((line.account, line.ledger, line.drift), (100.0, 100.0, 0.0))

    def test_drift_is_shown(self):
        """Someone with SQL at hand moves the account: the report and the audit say so."""
        self._buy()
        self.env.flush_all()
        with self.env.cr.savepoint() as savepoint:
            self.env.cr.execute(
                "UPDATE account_move_line SET balance = balance + 0.01 WHERE account_id = %s",
                [self.deferred.id])
            self.env.invalidate_all()
            report = self.env["credit.reconciliation"].create({})
            self.assertEqual(report.drift_count, 1)
            self.assertEqual(report.line_ids.filtered("drift").drift, -0.01)
            html = self.env["ir.actions.report"]._render_qweb_html(
                "credit_wallet.report_credit_reconciliation", report.ids)[0].decode()
            self.assertIn("differ for", html)
            self.assertEqual(len(self.env["credit.wallet"]._check_invariants(self.company)), 2)
            savepoint.rollback()
            self.env.invalidate_all()

    def test_audit_finds_each_fault(self):
        self._buy()
        self._book(3)
        lot, entry = self.wallet.lot_ids, self.wallet.entry_ids[0]
        for table, change, pattern in [
                ("credit_wallet", f"balance = balance + 1 WHERE id = {self.wallet.id}", "Wallet"),
                ("credit_lot", f"remaining = remaining - 1 WHERE id = {lot.id}", "Lot"),
                ("credit_lot", f"value_remaining = 69.99 WHERE id = {lot.id}", "Lot"),
                ("credit_entry", f"balance_after = 8 WHERE id = {entry.id}", "Entry"),
                ("credit_entry", f"credits = -2 WHERE id = {entry.id}", "Entry"),
                ("account_move_line", "date = date - 1 WHERE move_id = "
                 f"{entry.move_ids.id}", "another day"),
                ("account_move", f"state = 'cancel' WHERE id = {entry.move_ids.id}", "posted")]:
            with self.subTest(change=change), self.env.cr.savepoint() as savepoint:
                self.env.flush_all()
                self.env.cr.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                self.env.cr.execute(f"UPDATE {table} SET {change}")
                self.env.invalidate_all()
                found = self.env["credit.wallet"]._check_invariants()
                self.assertTrue(any(pattern in line for line in found), found)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_workbook(self):
        self._buy()
        report = self.env["credit.reconciliation"].create({})
        sheet = openpyxl.load_workbook(io.BytesIO(report._build_workbook()), data_only=True).active
        rows = {row[0]: row[1:] for row in sheet.iter_rows(min_row=5, values_only=True)}
        self.assertEqual(rows["Camille Client"], (10, 100, 100, 0))
        self.assertEqual(
            rows["Total"], (report.credits, report.account, report.ledger, 0))

    def test_formulas_are_text(self):
        """Issue 19: names of companies and customers run no formula."""
        self._buy()
        self.company.name = self.customer.name = "=1+cmd|' /C calc'!A0"
        report = self.env["credit.reconciliation"].create({})
        sheet = openpyxl.load_workbook(io.BytesIO(report._build_workbook())).active
        self.assertEqual({cell.data_type for cell in sheet["A"] if cell.value}, {"s"})
        self.assertTrue([cell for cell in sheet["A"] if str(cell.value).startswith("'=1+cmd")])

    def test_empty_workbook(self):
        report = self.env["credit.reconciliation"].create({"date": date(2000, 1, 1)})
        self.assertFalse(report.line_ids)
        sheet = openpyxl.load_workbook(io.BytesIO(report._build_workbook())).active
        self.assertEqual(sheet["A5"].value, "Total")

    def test_pdf(self):
        self._buy()
        report = self.env["credit.reconciliation"].create({})
        html = self.env["ir.actions.report"]._render_qweb_html(
            "credit_wallet.report_credit_reconciliation", report.ids)[0].decode()
        self.assertIn("Camille Client", html)
        self.assertIn("to the cent", html)

    def test_date_changes_the_lines(self):
        self._buy()
        report = self.env["credit.reconciliation"].create({})
        self.assertTrue(report.line_ids)
        report.date = self.company._credit_today() - timedelta(days=9999)
        self.assertFalse(report.line_ids)

    def test_access(self):
        self._buy()
        for group in ("account.group_account_readonly", "account.group_account_user",
                      "account.group_account_manager", "credit_wallet.group_credit_manager"):
            user = new_test_user(
                self.env, group, f"base.group_user,{group}", company_id=self.company.id)
            report = self.env["credit.reconciliation"].with_user(user).create({})
            self.assertIn(self.customer, report.line_ids.partner_id)
            self.assertTrue(report._build_workbook())
        for group in ("base.group_user", "credit_wallet.group_credit_user"):
            user = new_test_user(self.env, f"no.{group}", group, company_id=self.company.id)
            with self.assertRaises(AccessError):
                self.env["credit.reconciliation"].with_user(user).create({})


@tagged("post_install", "-at_install")
class TestReconciliationRoute(HttpCase):

    def test_download(self):
        accountant = new_test_user(self.env, "chantal", "account.group_account_manager")
        new_test_user(self.env, "curious", "base.group_user")
        report = self.env["credit.reconciliation"].with_user(accountant).create({})
        path = f"/credits/reconciliation/{report.id}.xlsx"
        self.authenticate("chantal", "chantal")
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200)
        self.assertTrue(response.content.startswith(b"PK"))
        self.assertEqual(
            self.url_open(f"/credits/reconciliation/{report.id + 999}.xlsx").status_code, 404)
        self.authenticate("curious", "curious")
        self.assertEqual(self.url_open(path).status_code, 404)
