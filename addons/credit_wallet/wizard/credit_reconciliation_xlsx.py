import io

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from odoo import models

from odoo.addons.concurrency_base.tools import safe_cell

# The columns of the customers: field of the line, format of its numbers. A new one is a line here.
COLUMNS = (
    ("partner_id", None),
    ("credits", "#,##0"),
    ("account", "#,##0.00"),
    ("ledger", "#,##0.00"),
    ("drift", "#,##0.00"),
)
NUMBERS = {name: index for index, (name, number_format) in enumerate(COLUMNS) if number_format}
LETTERS = {name: xl_col_to_name(index) for index, (name, _format) in enumerate(COLUMNS)}
FIRST_ROW = 4  # of the customers, counted from zero; the heads of the columns stand above it


class CreditReconciliation(models.TransientModel):
    """The report as a workbook."""

    _inherit = "credit.reconciliation"

    def _build_workbook(self):
        """Write the report as a workbook, with the drift as a live formula.

        :return: bytes of an XLSX file
        """
        self.ensure_one()
        output = io.BytesIO()
        workbook = xlsxwriter.Workbook(output, {"in_memory": True})
        sheet = workbook.add_worksheet(self.env._("Reconciliation"))
        self._write_heads(workbook, sheet)
        self._write_customers(workbook, sheet)
        self._write_totals(workbook, sheet)
        workbook.close()
        return output.getvalue()

    def _write_heads(self, workbook, sheet):
        """Write the title, and the names of the columns."""
        head = workbook.add_format({"bold": True, "bottom": 1})
        labels = self.line_ids.fields_get([name for name, _format in COLUMNS])
        sheet.write_string(
            0, 0, safe_cell(self.display_name), workbook.add_format({"bold": True}))
        sheet.write_string(1, 0, safe_cell(f"{self.company_id.name} ({self.currency_id.name})"))
        for column, (name, number_format) in enumerate(COLUMNS):
            sheet.set_column(column, column, 18 if number_format else 40)
            sheet.write_string(FIRST_ROW - 1, column, labels[name]["string"], head)
        sheet.freeze_panes(FIRST_ROW, 1)

    def _write_customers(self, workbook, sheet):
        """Write a row for each customer; its drift is a formula."""
        formats = {name: workbook.add_format({"num_format": dict(COLUMNS)[name]})
                   for name in NUMBERS}
        for row, line in enumerate(self.line_ids, start=FIRST_ROW):
            sheet.write_string(
                row, 0, safe_cell(line.partner_id.display_name or self.env._("No customer")))
            for name, column in NUMBERS.items():
                sheet.write_number(row, column, line[name], formats[name])
            account, ledger = (f"{LETTERS[side]}{row + 1}" for side in ("account", "ledger"))
            sheet.write_formula(
                row, NUMBERS["drift"], f"=ROUND({account}-{ledger},2)", formats["drift"],
                line.drift)

    def _write_totals(self, workbook, sheet):
        """Write the sums below the customers, and show in red any drift."""
        last = FIRST_ROW + len(self.line_ids)
        style = {"bold": True, "top": 1}
        sheet.write_string(last, 0, self.env._("Total"), workbook.add_format(style))
        for name, column in NUMBERS.items():
            rows = f"{LETTERS[name]}{FIRST_ROW + 1}:{LETTERS[name]}{max(last, FIRST_ROW + 1)}"
            sheet.write_formula(
                last, column, f"=SUM({rows})",
                workbook.add_format({"num_format": dict(COLUMNS)[name], **style}),
                self.currency_id.round(sum(self.line_ids.mapped(name))))
        sheet.conditional_format(FIRST_ROW, NUMBERS["drift"], last, NUMBERS["drift"], {
            "type": "cell", "criteria": "!=", "value": 0,
            "format": workbook.add_format({"font_color": "#9C0006", "bg_color": "#FFC7CE"})})
