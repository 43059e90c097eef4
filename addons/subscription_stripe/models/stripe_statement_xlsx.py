import io

import pytz
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from odoo import models

from odoo.addons.concurrency_base.tools import safe_cell

# The columns of the movements: field, how it is written, width. A new one is a line here.
COLUMNS = (
    ("created_at", "moment", 22),
    ("line", "label", 22),
    ("ref", "text", 22),
    ("source_ref", "text", 22),
    ("description", "text", 22),
    ("amount", "money", 14),
    ("fee", "money", 14),
    ("net", "money", 14),
    ("amount_here", "money", 14),
    ("difference", "difference", 14),
)
LETTERS = {name: xl_col_to_name(index) for index, (name, _kind, _width) in enumerate(COLUMNS)}


class StripeStatement(models.Model):
    """The reconciliation as a workbook."""

    _inherit = "stripe.statement"

    def _build_workbook(self):
        """Write the statement as a workbook: the balances, what was paid, each movement with both
        sides and a live formula of its difference.

        :return: bytes of an XLSX file
        """
        self.ensure_one()
        output = io.BytesIO()
        book = xlsxwriter.Workbook(output, {"in_memory": True})
        style = {
            "bold": book.add_format({"bold": True, "bottom": 1}),
            "money": book.add_format({"num_format": self._number_format()}),
            "moment": book.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
            "red": book.add_format({"font_color": "#9C0006", "bg_color": "#FFC7CE"})}
        self._write_summary(book.add_worksheet(self.env._("Reconciliation")), style)
        self._write_rows(book.add_worksheet(self.env._("Movements")), style)
        book.close()
        return output.getvalue()

    def _number_format(self):
        """Return « #,##0.00 », with as many decimals as the currency has."""
        places = self.currency_id.decimal_places
        return f"#,##0.{'0' * places}" if places else "#,##0"

    def _write_summary(self, sheet, style):
        labels = self.fields_get()
        sheet.set_column(0, 0, 44)
        sheet.set_column(1, 1, 18)
        sheet.write_string(0, 0, safe_cell(self.display_name), style["bold"])
        sheet.write_string(0, 1, self.currency_id.name, style["bold"])
        names = ("opening", "payments", "refunds", "disputes", "fees", "payouts", "others",
                 *(["foreign_net"] if self.is_shared else []),
                 "closing", "opening_here", "closing_here", "difference")
        for line, name in enumerate(names, start=1):
            sheet.write_string(line, 0, labels[name]["string"])
            sheet.write_number(line, 1, self[name], style["money"])
        verdicts = dict(self._fields["verdict"]._description_selection(self.env))
        sheet.write_string(len(names) + 1, 0, labels["verdict"]["string"], style["bold"])
        sheet.write_string(
            len(names) + 1, 1, verdicts.get(self.verdict, ""), style["bold"])
        first = len(names) + 3
        sheet.write_row(
            first, 0, [labels["share_ids"]["string"], self.currency_id.name], style["bold"])
        for line, share in enumerate(self.share_ids, start=first + 1):
            account = share.account_id.with_company(self.company_id)
            sheet.write_string(line, 0, safe_cell(f"{account.code} {account.name}"))
            sheet.write_number(line, 1, share.amount, style["money"])

    def _write_rows(self, sheet, style):
        rows = self.row_ids
        labels = rows.fields_get([name for name, _kind, _width in COLUMNS])
        for column, (name, _kind, width) in enumerate(COLUMNS):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, labels[name]["string"], style["bold"])
        for line, row in enumerate(rows, start=1):
            for column, (name, kind, _width) in enumerate(COLUMNS):
                getattr(self, f"_write_{kind}")(sheet, (line, column), row, name, style)
        letter = LETTERS["difference"]
        sheet.conditional_format(f"{letter}2:{letter}{max(len(rows), 1) + 1}", {
            "type": "cell", "criteria": "!=", "value": 0, "format": style["red"]})
        sheet.freeze_panes(1, 0)

    def _write_moment(self, sheet, cell, row, name, style):
        sheet.write_datetime(*cell, self._to_company_time(row[name]), style["moment"])

    def _write_label(self, sheet, cell, row, name, style):
        labels = dict(row._fields[name]._description_selection(self.env))
        sheet.write_string(*cell, labels[row[name]])

    def _write_text(self, sheet, cell, row, name, style):
        sheet.write_string(*cell, safe_cell(row[name] or ""))

    def _write_money(self, sheet, cell, row, name, style):
        sheet.write_number(*cell, row[name], style["money"])

    def _write_difference(self, sheet, cell, row, name, style):
        """Write what the movement and its entries differ by, as a formula that stays live."""
        there, here = (f"{LETTERS[side]}{cell[0] + 1}" for side in ("net", "amount_here"))
        sheet.write_formula(
            *cell, f"=ROUND({there}-{here},{self.currency_id.decimal_places})", style["money"],
            row[name])

    def _to_company_time(self, moment):
        """Return a moment (UTC) as the clock shows it where the company is: on the day of its
        entries."""
        return pytz.utc.localize(moment).astimezone(
            self.provider_id._stripe_tz()).replace(tzinfo=None)
