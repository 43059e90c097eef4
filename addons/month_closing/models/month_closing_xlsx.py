import io
import re

import xlsxwriter

from odoo import models

from odoo.addons.concurrency_base.tools import safe_cell

from ..tools import COLORS

NOT_IN_A_NAME = re.compile(r"[\[\]:*?/\\]")  # of a sheet
NUMBERS = {"money": "#,##0.00", "whole": "#,##0", "rate": '0.0#" %"'}


class MonthClosing(models.AbstractModel):
    """The page as a workbook: a sheet a section."""

    _inherit = "month.closing"

    def _build_workbook(self, page):
        """Write a page as a workbook.

        :param dict page: see :meth:`_build`
        :return: bytes of an XLSX file
        """
        output = io.BytesIO()
        book = xlsxwriter.Workbook(output, {"in_memory": True})
        book.set_properties({"title": self._file_name(page, "xlsx")})
        styles = {
            "title": book.add_format({"bold": True, "font_size": 14}),
            "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
            "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
            **{name: book.add_format({"font_color": color, "valign": "top"})
               for name, color in COLORS.items()}}
        for kind in ("text", *NUMBERS):
            for style in ("", "heading", "total", "wrong"):
                styles[kind, style] = book.add_format({
                    **({"num_format": NUMBERS[kind]} if kind in NUMBERS else {}),
                    **({"bold": True} if style in ("heading", "total") else {}),
                    **({"top": 1} if style == "total" else {}),
                    **({"font_color": COLORS["wrong"]} if style == "wrong" else {})})
        for each in page["sections"]:
            name = NOT_IN_A_NAME.sub("-", each["name"])[:31]
            self._write_section(book.add_worksheet(name), page, each, styles)
        book.close()
        return output.getvalue()

    def _write_section(self, sheet, page, section, styles):
        sheet.set_column(0, 0, 52)
        sheet.set_column(1, 8, 18)
        sheet.write_string(0, 0, safe_cell(f"{section['name']} – {page['label']}"),
                           styles["title"])
        sheet.write_string(1, 0, safe_cell(page["company"]))
        line = self._write_checks(sheet, 3, section, styles)
        for table in section["tables"]:
            line = self._write_table(sheet, line + 1, table, styles)

    def _write_checks(self, sheet, line, section, styles):
        """Write a row for each check.

        :return: int, the line below
        """
        labels = self._state_labels()
        heads = [self.env._("Check"), self.env._("State"), self.env._("How many"),
                 self.env._("Amount"), self.env._("What to do"), self.env._("Details")]
        for place, head in enumerate(heads):
            sheet.write_string(line, place, head, styles["head"])
        for row, each in enumerate(section["checks"], start=line + 1):
            sheet.write_string(row, 0, safe_cell(each["name"]), styles["wrap"])
            sheet.write_string(row, 1, labels[each["state"]], styles[each["state"]])
            for place, key, kind in ((2, "count", "whole"), (3, "amount", "money")):
                if each[key] is not None:
                    sheet.write_number(row, place, each[key], styles[kind, ""])
            sheet.write_string(row, 4, safe_cell(each["remedy"] or ""))
            sheet.write_string(row, 5, safe_cell("\n".join(each["details"])))
        return line + 1 + len(section["checks"])

    def _write_table(self, sheet, line, table, styles):
        """Write a table below its name.

        :return: int, the line below
        """
        sheet.write_string(line, 0, safe_cell(table["name"]), styles["title"])
        for place, each in enumerate(table["columns"]):
            sheet.write_string(line + 1, place, each["name"], styles["head"])
        if not table["rows"]:
            sheet.write_string(line + 2, 0, self.env._("Nothing this month"))
            return line + 3
        for number, row in enumerate(table["rows"], start=line + 2):
            for place, (each, value) in enumerate(
                    zip(table["columns"], row["cells"], strict=True)):
                style = styles[each["kind"], row["style"]]
                if each["kind"] == "text":
                    sheet.write_string(number, place, safe_cell(value or ""), style)
                elif value is not None:
                    sheet.write_number(number, place, value, style)
        return line + 2 + len(table["rows"])

    def _state_labels(self):
        """Return what a check's state is called."""
        return {"ok": self.env._("Agrees"), "todo": self.env._("To do"),
                "wrong": self.env._("Wrong"), "info": self.env._("For information")}
