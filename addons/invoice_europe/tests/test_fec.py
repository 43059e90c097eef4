import base64
import csv
import io
from collections import defaultdict
from datetime import date

from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from .common import EuropeCase


class TestFec(EuropeCase):
    """The file of accounting entries is downloaded from the menu, and its totals are the
    ledger's."""

    def export(self, user, **vals):
        wizard = self.env["l10n_fr.fec.export.wizard"].with_user(user).create({
            "date_from": date(2026, 10, 1), "date_to": date(2026, 10, 31), **vals})
        action = wizard.create_fec_report_action()
        self.assertIn(f"/{wizard.id}/fec_file/", action["url"])
        rows = csv.DictReader(
            io.StringIO(base64.b64decode(wizard.fec_file).decode()), delimiter="|")
        return wizard, list(rows)

    def test_totals(self):
        manager = new_test_user(
            self.env, "fec_manager", "account.group_account_manager", lang="en_US")
        for code in ("FR", "DE", "CH"):
            self.pay(self.invoice(self.make_customer(code), {"price_unit": 1234.56}))
        wizard, rows = self.export(manager, test_file=True)
        self.assertEqual(wizard.filename, "732829320FEC20261031.txt")
        totals = defaultdict(float)
        for row in rows:
            if row["JournalCode"] != "OUV":
                totals[row["CompteNum"]] += (
                    float(row["Debit"].replace(",", ".")) - float(row["Credit"].replace(",", ".")))
        ledger = self.env["account.move.line"]._read_group([
            ("company_id", "=", self.company.id), ("parent_state", "=", "posted"),
            ("date", ">=", "2026-10-01"), ("date", "<=", "2026-10-31"), ("balance", "!=", 0)],
            ["account_id"], ["balance:sum"])
        self.assertTrue(ledger)
        self.assertEqual(
            {code: round(total, 2) for code, total in totals.items()},
            {account.code: round(total, 2) for account, total in ledger})
        self.assertFalse(self.company.fiscalyear_lock_date)
        self.export(manager)
        self.assertEqual(self.company.fiscalyear_lock_date, date(2026, 10, 31))

    def test_not_for_invoicing_users(self):
        clerk = new_test_user(self.env, "fec_clerk", "account.group_account_invoice", lang="en_US")
        with self.assertRaises(AccessError):
            self.export(clerk, test_file=True)
