import csv
import io
import json
from datetime import date, datetime
from urllib.parse import unquote, urlencode

import openpyxl

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.credit_wallet.models import credit_download_mixin
from odoo.addons.credit_wallet.tools import spreadsheet

from .common_backoffice import BackofficeCase


@tagged("post_install", "-at_install")
class TestExport(BackofficeCase, HttpCase):
    def download(self, user, model="credit.entry", extension="csv", domain=None):
        if user:
            self.authenticate(user.login, user.login)
        query = urlencode({"domain": json.dumps(domain)}) if domain is not None else ""
        return self.url_open(
            f"/credits/export/{model}.{extension}?{query}", allow_redirects=False)

    def read_csv(self, response):
        self.assertEqual(response.status_code, 200)
        self.assertTrue(response.content.startswith(b"\xef\xbb\xbf"))
        text = response.content.decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text), delimiter=";"))

    def test_csv(self):
        """Semicolons and the decimal sign of the user's language."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.viewer.lang = "fr_FR"
        self.give(self.ana, 3, 12.5)
        entry = self.give(self.bob, 2)
        domain = [("partner_id", "in", (self.ana + self.bob).ids)]
        rows = self.read_csv(self.download(self.viewer, domain=domain))
        self.assertEqual(len(rows), 2)
        self.assertIn("12,5", rows[0].values())
        self.assertIn("Ana", rows[0].values())
        only = self.read_csv(self.download(self.viewer, domain=[("id", "=", entry.id)]))
        self.assertEqual(only, rows[1:])

    def test_xlsx(self):
        """Numbers are numbers and dates are dates."""
        self.give(self.ana, 3, 12.5, expiry_date=date(2099, 12, 31))
        response = self.download(
            self.viewer, "credit.lot", "xlsx", [("partner_id", "=", self.ana.id)])
        self.assertEqual(response.status_code, 200)
        sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
        header, row = sheet.iter_rows(values_only=True)
        cells = dict(zip(header, row, strict=True))
        self.assertEqual((cells["Granted"], cells["Value Granted"]), (3, 12.5))
        self.assertEqual(cells["Expiry Date"], datetime(2099, 12, 31))
        self.assertIsInstance(cells["Created on"], datetime)

    def test_formulas_are_text(self):
        self.ana.name = "=cmd|' /C calc'!A0"
        self.adjust(self.ana, reason="+33 says @you")._apply()
        domain = [("partner_id", "=", self.ana.id)]
        row, = self.read_csv(self.download(self.viewer, domain=domain))
        self.assertIn("'=cmd|' /C calc'!A0", row.values())
        self.assertIn("'+33 says @you", row.values())
        self.assertEqual(row["Credits"], "5", "numbers stay numbers")
        workbook = openpyxl.load_workbook(io.BytesIO(
            self.download(self.viewer, "credit.wallet", "xlsx", domain).content))
        self.assertEqual(workbook.active["B2"].value, "'=cmd|' /C calc'!A0")
        self.assertEqual(workbook.active["B2"].data_type, "s")

    def test_pages(self):
        """More rows than a page holds: each once, with a few queries a page."""
        for _number in range(7):
            self.give(self.ana, 1)
        self.patch(credit_download_mixin, "PAGE", 3)
        domain = [("partner_id", "=", self.ana.id)]
        rows = self.read_csv(self.download(self.viewer, domain=domain))
        ids = [int(row["ID"]) for row in rows]
        self.assertEqual(len(ids), 7)
        self.assertEqual(ids, sorted(set(ids)))

    def test_full_sheets(self):
        self.patch(spreadsheet, "SHEET_ROWS", 3)
        chunks = spreadsheet.xlsx_chunks([["Number"], *([number] for number in range(5))])
        workbook = openpyxl.load_workbook(io.BytesIO(b"".join(chunks)))
        self.assertEqual(
            [[cell.value for cell in sheet["A"]] for sheet in workbook],
            [["Number", 0, 1], ["Number", 2, 3], ["Number", 4]])
        empty = b"".join(spreadsheet.xlsx_chunks([["Number"]]))
        self.assertEqual(openpyxl.load_workbook(io.BytesIO(empty)).active["A1"].value, "Number")

    def test_access(self):
        """Staff of credits and accountants; nobody else, and no other company's rows."""
        self.give(self.ana, 1)
        for user, status in (
                (self.viewer, 200), (self.accountant, 200), (self.manager, 200),
                (self.portal, 403)):
            with self.subTest(user.login):
                self.assertEqual(self.download(user).status_code, status)
        self.logout()
        self.assertIn("/web/login", self.download(None).headers["Location"])
        other = self.env["res.company"].create({"name": "Elsewhere"})
        wallet = self.env["credit.wallet"]._of(self.ana, other)
        domain = [("partner_id", "=", self.ana.id)]
        rows = self.read_csv(self.download(self.viewer, "credit.wallet", domain=domain))
        self.assertNotIn(str(wallet.id), [row["ID"] for row in rows])
        self.assertEqual(len(rows), 1)

    def test_bad_requests(self):
        brackets = "[" * 20_000
        for number, domain in enumerate((
                "nonsense", [["no_such_field", "=", 1]], [["id", "~~", 1]], 3, brackets,
                [["id", "in", list(range(5000))]])):
            with self.subTest(number), mute_logger("odoo.sql_db"):
                self.assertEqual(self.download(self.viewer, domain=domain).status_code, 400)
        for text in (brackets, "[" * 19_000):
            answer = self.url_open(f"/credits/export/credit.entry.csv?domain={text}")
            self.assertEqual(answer.status_code, 400)
        for path in ("res.users.csv", "credit.entry.exe"):
            self.assertEqual(self.url_open(f"/credits/export/{path}").status_code, 404)

    def test_wizard(self):
        """The wizard asks for the search of the list, the period and the companies."""
        self.viewer.tz = "Europe/Paris"
        wizards = self.env["credit.export"].with_user(self.viewer)
        wizard = wizards.with_context(
            active_model="credit.lot", active_ids=[],
            active_domain=[["remaining", ">", 0]]).create({
                "date_from": "2030-01-01", "date_to": "2030-01-31", "extension": "csv"})
        self.assertEqual(wizard.model, "credit.lot")
        conditions = [
            tuple(term) for term in list(wizard._export_domain()) if not isinstance(term, str)]
        self.assertIn(("remaining", ">", 0), conditions)
        self.assertIn(("create_date", ">=", "2029-12-31 23:00:00"), conditions)
        self.assertIn(("create_date", "<", "2030-01-31 23:00:00"), conditions)
        self.authenticate(self.viewer.login, self.viewer.login)
        answer = self.url_open(wizard.action_export()["url"])
        self.assertEqual(answer.status_code, 200)
        name = unquote(answer.headers["Content-Disposition"])
        self.assertIn("Credits – lots – 2030-01.csv", name)
        wizard.date_to = "2030-01-20"
        self.assertEqual(wizard._period_label(), "2030-01-01 – 2030-01-20")
        wizard.date_to = "2029-01-01"
        with self.assertRaisesRegex(UserError, "ends before"):
            wizard.action_export()

    @mute_logger("odoo.sql_db")  # the test's cursor forgets to close the one of the queue
    def test_confirm_buttons(self):
        """The buttons change the wallet once, however often they are clicked."""
        wizard = self.env["credit.adjust"].with_user(self.manager).create({
            "reason": "Button", "credits": 2,
            "line_ids": [Command.create({"partner_id": self.ana.id})]})
        self.authenticate(self.manager.login, self.manager.login)
        for _click in range(2):
            action = self.make_jsonrpc_request("/web/dataset/call_button", {
                "model": wizard._name, "method": "action_confirm", "args": [wizard.ids],
                "kwargs": {}})
            self.assertEqual(action["params"]["type"], "success")
        entry = self.wallet(self.ana).entry_ids
        self.assertEqual(entry.mapped("credits"), [2])
        reverse = self.env["credit.reverse"].with_user(self.manager).create({
            "entry_id": entry.id, "reason": "Undo"})
        self.make_jsonrpc_request("/web/dataset/call_button", {
            "model": reverse._name, "method": "action_confirm", "args": [reverse.ids],
            "kwargs": {}})
        self.assertEqual(self.wallet(self.ana).balance, 0)
