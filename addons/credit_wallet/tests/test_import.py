import base64
import time
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.credit_wallet.tools import adjustment_file

from .common_backoffice import BackofficeCase

HEADER = "email;credits;reason;price;expiry\n"


@tagged("post_install", "-at_install")
class TestImport(BackofficeCase):
    def upload(self, text, encoding="utf-8", user=None, **values):
        content = text if isinstance(text, bytes) else text.encode(encoding)
        return self.env["credit.import"].with_user(user or self.manager).create({
            "file": base64.b64encode(content), "filename": "staff.csv", **values})

    def errors(self, lines):
        """Return what the trial run says of the wrong lines, by line number; it changes nothing."""
        wizard = self.upload(HEADER + lines)
        wizard.action_check()
        before = self.env["credit.entry"].search_count([])
        with self.assertRaises(UserError):
            wizard._apply()
        self.assertEqual(self.env["credit.entry"].search_count([]), before)
        wrong = wizard.line_ids.filtered("is_wrong")
        self.assertEqual(wizard.error_count, len(wrong))
        return {line.line: line.status for line in wrong}

    def test_import(self):
        """Adds and removes in the order of the lines, with value and expiry, and once."""
        owed = self.owed()
        wizard = self.upload(
            HEADER + "ana@example.com;10;Quote 12;12,50;31/12/2099\n"
            "\n"
            "BOB@example.com ; 1 ;Welcome;;2099-12-31\n"
            "ana@example.com;-4;Mistake;;\n")
        wizard.action_check()
        self.assertFalse(self.env["credit.entry"].search_count([("origin", "=", "staff.csv")]))
        self.assertEqual(
            (wizard.line_count, wizard.error_count, wizard.credits_added,
             wizard.credits_removed, wizard.value_added), (3, 0, 11, 4, 125.0))
        self.assertEqual(wizard.line_ids.mapped("line"), [2, 4, 5])
        entries = wizard._apply()
        self.assertEqual(entries.mapped("credits"), [10, 1, -4])
        self.assertEqual(entries.mapped("balance_after"), [10, 1, 6])
        self.assertEqual(entries.mapped("reason"), ["Quote 12", "Welcome", "Mistake"])
        self.assertEqual(entries.user_id, self.manager)
        self.assertEqual(str(entries.lot_move_ids.lot_id[0].expiry_date), "2099-12-31")
        self.assertAlmostEqual(self.owed() - owed, 75, 2)
        self.assertBooksAgree()

    def test_same_file_twice(self):
        text = HEADER + "ana@example.com;10;May;2;\n"
        self.upload(text)._apply()
        with self.assertRaisesRegex(UserError, "already imported by credit_manager"):
            self.upload(text).action_check()
        with self.assertRaisesRegex(UserError, "already imported"):
            self.upload(text)._apply()
        self.assertEqual(self.wallet(self.ana).balance, 10)
        self.upload(text.replace("May", "June"))._apply()
        self.assertEqual(self.wallet(self.ana).balance, 20)

    def test_encodings_and_separators(self):
        """What French and English spreadsheets save."""
        cases = (("utf-8", ";"), ("utf-8-sig", ","), ("utf-16", "\t"), ("cp1252", ";"))
        for number, (encoding, separator) in enumerate(cases):
            with self.subTest(encoding):
                header = "E-mail;Crédits;Motif;Échéance".replace(";", separator)
                reason = f"Été n° {number}"
                line = separator.join(["ana@example.com", "1", reason, "31/12/2099"])
                entry = self.upload(f"{header}\r\n{line}\r\n", encoding)._apply()
                self.assertEqual(entry.reason, reason)
        self.assertEqual(self.wallet(self.ana).balance, len(cases))

    def test_numbers(self):
        """French and English numbers, and none that could be read in two ways."""
        prices = {"12,50": 12.5, "12.50": 12.5, "1 234,56 €": 1234.56, "1\u202f234,5": 1234.5,
                  "1.234,56": 1234.56, "1,234.56": 1234.56, "3": 3.0, "": 0.0}
        text = HEADER + "".join(
            f'ana@example.com;+1;Price {price};"{price}";\n' for price in prices)
        self.assertEqual(self.upload(text)._apply().mapped("value"), list(prices.values()))
        for price in ("1,234", "-3", "1e3", "nan", "12,505", "free"):
            with self.subTest(price):
                errors = self.errors(f'ana@example.com;1;Price;"{price}";\n')
                self.assertIn("is not a price", errors[2])
        for credits in ("2,5", "2.5", "0", "", "x", "1,000", "99999999", "٣"):
            with self.subTest(credits):
                errors = self.errors(f'ana@example.com;"{credits}";Number;;\n')
                self.assertIn("not a whole number", errors[2])

    def test_each_wrong_line_is_numbered(self):
        self.give(self.bob, 3)
        errors = self.errors(
            "ana@example.com;5;Right;;\n"
            "nobody@example.com;5;Unknown;;\n"
            "not an address;5;Unknown;;\n"
            "ana@example.com;5;Past;;01/01/2020\n"
            "ana@example.com;5;No such day;;31/02/2099\n"
            "ana@example.com;5;;;\n"
            "ana@example.com;5;Right;;\n"
            "bob@example.com;-2;All right;;\n"
            "bob@example.com;-2;One too many;;\n"
            "bob@example.com;-1;Priced;3;\n"
            "bob@example.com;-1;Dated;;31/12/2099\n"
            "bob@example.com;1;Cells\n")
        expected = {
            3: "no customer", 4: "no customer", 5: "in the past", 6: "not a date",
            7: "reason is missing", 8: "same as line 2",
            10: "-2 cannot be applied: the wallet holds 1", 11: "have no price",
            12: "have no expiry", 13: "3 cells instead of 5"}
        self.assertEqual(errors.keys(), expected.keys())
        for line, message in expected.items():
            self.assertIn(message, errors[line])
        self.assertEqual(self.wallet(self.bob).balance, 3)

    def test_removal_counts_the_lines_above(self):
        """Credits added by the file can be removed by it, below only."""
        self.assertEqual(list(self.errors(
            "ana@example.com;-5;Out;;\nana@example.com;5;In;;\n")), [2])
        self.upload(HEADER + "ana@example.com;5;In;;\nana@example.com;-5;Out;;\n")._apply()
        self.assertEqual(self.wallet(self.ana).balance, 0)

    def test_same_address_of_several_customers(self):
        """Refused between customers, taken within one company, whose wallet is the same."""
        self.env["res.partner"].create({"name": "Ana too", "email": "Ana@example.com"})
        self.assertIn("2 customers have", self.errors("ana@example.com;1;Who;;\n")[2])
        self.env["res.partner"].create(
            {"name": "Bob's desk", "email": "bob@example.com", "parent_id": self.bob.id})
        entry = self.upload(HEADER + "bob@example.com;1;Same;;\n")._apply()
        self.assertEqual(entry.partner_id, self.bob)

    def test_customer_of_another_company(self):
        self.ana.company_id = self.env["res.company"].create({"name": "Elsewhere"})
        self.assertIn("no customer", self.errors("ana@example.com;1;Other;;\n")[2])
        with self.assertRaises(AccessError):
            self.upload(
                HEADER + "bob@example.com;1;Other;;\n",
                company_id=self.ana.company_id.id).action_check()

    def test_unreadable_files(self):
        cases = (
            (b"", "not empty"), (b" \n", "is empty"), (b"PK\x03\x04rest", "workbook"),
            (b"email\0credits", "not a text file"), ("emails", "Line 1"),
            ("email|credits|reason\na@b.c|1|x", "Line 1"),
            ("email;credits\na@b.c;1", "Line 1"),
            ("email;credits;reason;reason\na@b.c;1;x;y", "Line 1"),
            ("email;credits;reason;colour\na@b.c;1;x;y", "Line 1"),
            (HEADER, "no line below"),
            (HEADER + 'ana@example.com;1;"x;;\nbob@example.com;1;y;;\n', "Line 2 cannot be read"))
        for content, message in cases:
            with self.subTest(content), self.assertRaisesRegex(UserError, message):
                self.upload(content).action_check()
        with self.assertRaisesRegex(UserError, "not a text file"):
            self.upload(HEADER + "ana@example.com;1;x;;\n", "utf-16-le").action_check()
        with patch.object(adjustment_file, "MAX_MEGABYTES", 0), \
                self.assertRaisesRegex(UserError, "larger than"):
            self.upload(HEADER + "ana@example.com;1;x;;\n").action_check()

    def test_quoted_line_breaks_keep_the_count(self):
        self.assertEqual(list(self.errors(
            'ana@example.com;1;"Two\nlines";;\nnobody@example.com;1;x;;\n')), [4])

    def test_managers_only(self):
        for user in (self.viewer, self.accountant, self.portal):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self.upload(HEADER, user=user)

    def test_hundred_thousand_lines(self):
        """Read and checked in seconds, with as many queries as pages of addresses."""
        self.env["res.partner"].create([
            {"name": f"Staff {number}", "email": f"staff{number}@example.com"}
            for number in range(300)])
        lines = "".join(
            f"staff{number % 300}@example.com;1;Line {number};1,5;31/12/2099\n"
            for number in range(100_000))
        wizard = self.upload(HEADER + lines + "nobody@example.com;1;Last;;\n")
        self.env.flush_all()
        queries, start = self.env.cr.sql_log_count, time.monotonic()
        wizard._read_file()
        self.assertLess(self.env.cr.sql_log_count - queries, 30)
        self.assertLess(time.monotonic() - start, 30)
        wizard.action_check()
        self.assertEqual((wizard.line_count, wizard.error_count), (100_001, 1))
        self.assertEqual(wizard.line_ids[0].line, 100_002)
        self.assertEqual(wizard.hidden_count, 100_001 - len(wizard.line_ids))
        with self.assertRaisesRegex(UserError, "Line 100002"):
            wizard._apply()

    def test_apply_in_batches(self):
        """Queries follow the batches (Odoo inserts rows by the hundred), not the lines."""
        self.env["res.partner"].create([
            {"name": f"Staff {number}", "email": f"staff{number}@example.com"}
            for number in range(400)])

        def queries(number):
            wizard = self.upload(HEADER + "".join(
                f"staff{index}@example.com;1;Line {number};;\n" for index in range(number)))
            return self.queries_to_apply(wizard)
        queries(2)  # fills the caches
        self.assertLess(queries(400) - queries(100), 300 / 5)
