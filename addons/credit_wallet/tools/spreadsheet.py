"""Conversion of rows to CSV or XLSX, a piece at a time, whatever their number."""

import csv
import io
import tempfile
from datetime import date, datetime

import xlsxwriter

from odoo.addons.concurrency_base.tools import safe_cell

CHUNK = 64 * 1024
SHEET_ROWS = 1_048_576  # of a sheet of the XLSX format


def csv_chunks(rows, decimal_point="."):
    """Yield the bytes of a CSV as French spreadsheets expect it: UTF-8 with BOM, semicolons."""
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer, delimiter=";")
    for row in rows:
        writer.writerow([_csv_cell(value, decimal_point) for value in row])
        if buffer.tell() >= CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _csv_cell(value, decimal_point):
    if isinstance(value, str):
        return safe_cell(value)
    if isinstance(value, float):
        return str(value).replace(".", decimal_point)
    return value


def xlsx_chunks(rows, decimal_point=None):
    """Yield the bytes of a workbook, written to disk row by row; dates and numbers are real.

    A sheet that is full is followed by another with the same header.
    """
    with tempfile.TemporaryFile() as file:
        with xlsxwriter.Workbook(file, {"constant_memory": True}) as workbook:
            _write_sheets(workbook, iter(rows))
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


def _write_sheets(workbook, rows):
    # Built-in formats 14 and 22 show dates the way of the reader's own settings.
    styles = {date: workbook.add_format({"num_format": 14}),
              datetime: workbook.add_format({"num_format": 22})}
    bold = workbook.add_format({"bold": True})
    header = next(rows)
    sheet = None
    for number, row in enumerate(rows):
        position = number % (SHEET_ROWS - 1) + 1
        if position == 1:
            sheet = _add_sheet(workbook, header, bold)
        for column, value in enumerate(row):
            _write_cell(sheet, position, column, value, styles)
    if sheet is None:
        _add_sheet(workbook, header, bold)


def _add_sheet(workbook, header, bold):
    sheet = workbook.add_worksheet()
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(header) - 1, 18)
    sheet.write_row(0, 0, header, bold)
    return sheet


def _write_cell(sheet, row, column, value, styles):
    if isinstance(value, str):
        sheet.write_string(row, column, safe_cell(value))
    elif isinstance(value, date):  # a datetime is a date too
        sheet.write_datetime(row, column, value, styles[type(value)])
    elif value is not None:
        sheet.write_number(row, column, value)
