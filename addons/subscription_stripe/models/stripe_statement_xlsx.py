import io

import pytz
import xlsxwriter

from odoo import models


class StripeStatement(models.Model):
    """The reconciliation as a workbook."""

    _inherit = "stripe.statement"

    def _build_workbook(self):
        """Write the statement as a workbook: the balances, what was paid, each movement with both
        sides and a live formula of its difference.

        :return: bytes
        """
        self.ensure_one()
        output = io.BytesIO()
        book = xlsxwriter.Workbook(output, {"in_memory": True})
        style = {
            "bold": book.add_format({"bold": True, "bottom": 1}),
            "money": book.add_format({"num_format": f"#,##0{self._decimals()}"}),
            "moment": book.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
            "red": book.add_format({"font_color": "#9C0006", "bg_color": "#FFC7CE"})}
        self._write_summary(book.add_worksheet(self.env._("Reconciliation")), style)
        self._write_rows(book.add_worksheet(self.env._("Movements")), style)
        book.close()
        return output.getvalue()

    def _decimals(self):
        """« .00 », as many as the currency has."""
        places = self.currency_id.decimal_places
        return f".{'0' * places}" if places else ""

    def _write_summary(self, sheet, style):
        labels = self.fields_get()
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 1, 18)
        sheet.write_row(0, 0, [self.display_name, self.currency_id.name], style["bold"])
        names = ("opening", "payments", "refunds", "disputes", "fees", "payouts", "others",
                 *(["foreign_net"] if self.is_shared else []),
                 "closing", "opening_here", "closing_here", "difference")
        for line, name in enumerate(names, start=1):
            sheet.write_string(line, 0, labels[name]["string"])
            sheet.write_number(line, 1, self[name], style["money"])
        first = len(names) + 2
        sheet.write_row(
            first, 0, [labels["share_ids"]["string"], self.currency_id.name], style["bold"])
        for line, share in enumerate(self.share_ids, start=first + 1):
            account = share.account_id.with_company(self.company_id)
            sheet.write_string(line, 0, f"{account.code} {account.name}")
            sheet.write_number(line, 1, share.amount, style["money"])

    def _write_rows(self, sheet, style):
        rows = self.row_ids
        names = ("created_at", "line", "ref", "source_ref", "description", "amount", "fee", "net",
                 "amount_here", "difference")
        labels = rows.fields_get(names)
        sheet.write_row(0, 0, [labels[name]["string"] for name in names], style["bold"])
        lines = dict(rows._fields["line"]._description_selection(self.env))
        sheet.set_column(0, 4, 22)
        sheet.set_column(5, 9, 14)
        for line, row in enumerate(rows, start=1):
            sheet.write_datetime(line, 0, self._local(row.created_at), style["moment"])
            sheet.write_string(line, 1, lines[row.line])
            for column, name in enumerate(names[2:5], start=2):
                sheet.write_string(line, column, row[name] or "")
            for column, name in enumerate(names[5:9], start=5):
                sheet.write_number(line, column, row[name], style["money"])
            sheet.write_formula(
                line, 9, f"=ROUND(H{line + 1}-I{line + 1},{self.currency_id.decimal_places})",
                style["money"], row.difference)
        sheet.conditional_format(1, 9, max(len(rows), 1), 9, {
            "type": "cell", "criteria": "!=", "value": 0, "format": style["red"]})
        sheet.freeze_panes(1, 0)

    def _local(self, moment):
        """A moment (UTC) as the clock shows it where the company is: the day of its entries."""
        return pytz.utc.localize(moment).astimezone(
            self.provider_id._stripe_tz()).replace(tzinfo=None)
