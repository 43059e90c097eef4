"""Parser of a CSV file of manual changes of credits: encoding, separator, columns and cells.

Spreadsheets of French users save semicolons and Windows-1252, others commas and UTF-8, and
“Unicode text” is UTF-16 with tabs. All of these are accepted; lines that are unclear are refused
one by one.
"""

import codecs
import csv
import io
import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from odoo.exceptions import UserError

MAX_LINES = 200_000
MAX_MEGABYTES = 40  # of so many lines, in UTF-16
SEPARATORS = (";", ",", "\t")
COLUMNS = {
    "email": ("email", "e-mail", "mail", "courriel", "adresse e-mail"),
    "credits": ("credits", "crédits", "credit", "crédit"),
    "reason": ("reason", "motif", "raison"),
    "price": ("price", "prix"),
    "expiry": ("expiry", "expiration", "échéance", "date d'expiration"),
}
REQUIRED = {"email", "credits", "reason"}
SPACES = re.compile(r"[\s\u00a0\u202f']")
WHOLE = re.compile(r"([+-]?[0-9]{1,7})([.,]0{1,2})?")
AMOUNT = re.compile(r"[0-9]{1,12}([.,][0-9]{1,2})?|[0-9]{1,3}([.,][0-9]{3})+[.,][0-9]{1,2}")
DATES = (
    (re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"), (1, 2, 3)),
    (re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})"), (3, 2, 1)))


@dataclass(slots=True)
class Adjustment:
    """One line of the file; problems with it are listed in ``errors``."""

    line: int
    email: str = ""
    credits: int = 0
    reason: str = ""
    price: Decimal = Decimal(0)
    expiry: date | None = None
    errors: list = field(default_factory=list)


def read_adjustments(env, content):
    """Parse the bytes of a file.

    :return: list of :class:`Adjustment`
    :raise UserError: the file as a whole cannot be read; it names the line, if any
    """
    if len(content) > MAX_MEGABYTES * 2**20:
        raise UserError(env._(
            "The file is larger than %(maximum)s MB. Split it.", maximum=MAX_MEGABYTES))
    text = _decode(env, content)
    separator, columns = _read_header(env, text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    adjustments = []
    previous = 0
    try:
        for cells in reader:
            line, previous = previous + 1, reader.line_num
            if line == 1 or not any(cell.strip() for cell in cells):
                continue
            if len(adjustments) == MAX_LINES:
                raise UserError(env._(
                    "The file has more than %(maximum)s lines. Split it.", maximum=MAX_LINES))
            adjustments.append(_read_line(env, line, columns, cells))
    except csv.Error as error:
        raise UserError(env._(
            "Line %(line)s cannot be read (%(error)s). Check the quotation marks.",
            line=previous + 1, error=error)) from error
    if not adjustments:
        raise UserError(env._("The file has a header, but no line below it."))
    return adjustments


def _decode(env, content):
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UserError(env._(
            "This is a workbook, not a CSV file. In your spreadsheet, save it as “CSV UTF-8”."))
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = "\0"
    if "\0" in text:
        raise UserError(env._("This is not a text file. Save it as “CSV UTF-8”."))
    if not text.strip():
        raise UserError(env._("The file is empty."))
    return text


def column_names(env):
    """Return the names of the columns in the reader's language: some of :data:`COLUMNS`."""
    return [env._("email"), env._("credits"), env._("reason"), env._("price"), env._("expiry")]


def _read_header(env, text):
    """Return the separator and the columns, from the first line."""
    header = text.splitlines()[0]
    names = {name: column for column, synonyms in COLUMNS.items() for name in synonyms}
    separator = max(SEPARATORS, key=header.count)
    cells = [cell.strip().strip('"').strip().lower() for cell in header.split(separator)]
    columns = [names.get(cell) for cell in cells]
    missing = REQUIRED.difference(columns)
    unknown = [cell for cell, column in zip(cells, columns, strict=True) if not column]
    twice = len(set(columns)) < len(columns)
    if missing or unknown or twice:
        raise UserError(env._(
            "Line 1: the columns are not those expected. Name them %(columns)s, each once, "
            "separated by semicolons, commas or tabs (price and expiry may be left out). "
            "Found: %(found)s.", columns=", ".join(column_names(env)),
            found=" | ".join(cells)))
    return separator, columns


def _read_line(env, line, columns, cells):
    adjustment = Adjustment(line)
    if len(cells) != len(columns):
        adjustment.errors.append(env._(
            "%(found)s cells instead of %(expected)s: put cells with a separator between "
            "quotation marks", found=len(cells), expected=len(columns)))
        return adjustment
    values = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    adjustment.email = values["email"]
    adjustment.reason = values["reason"]
    if not adjustment.reason:
        adjustment.errors.append(env._("the reason is missing"))
    _read_credits(env, adjustment, values["credits"])
    _read_price(env, adjustment, values.get("price", ""))
    _read_expiry(env, adjustment, values.get("expiry", ""))
    return adjustment


def _read_credits(env, adjustment, text):
    match = WHOLE.fullmatch(SPACES.sub("", text).replace("\u2212", "-"))
    if match:
        adjustment.credits = int(match[1])
    if not adjustment.credits:
        adjustment.errors.append(env._(
            "“%(text)s” is not a whole number of credits, above or below zero", text=text))


def _read_price(env, adjustment, text):
    amount = SPACES.sub("", text).removesuffix("€")
    if not amount:
        return
    if not AMOUNT.fullmatch(amount):
        adjustment.errors.append(env._(
            "“%(text)s” is not a price: write 12,50 or 12.50", text=text))
        return
    whole, _separator, cents = amount.replace(",", ".").rpartition(".")
    adjustment.price = Decimal(f"{whole.replace('.', '')}.{cents}" if whole else amount)
    if adjustment.price and adjustment.credits < 0:
        adjustment.errors.append(env._(
            "credits removed have no price: they leave with their own value"))


def _read_expiry(env, adjustment, text):
    if not text:
        return
    for pattern, (year, month, day) in DATES:
        match = pattern.fullmatch(text)
        if match:
            try:
                adjustment.expiry = date(int(match[year]), int(match[month]), int(match[day]))
            except ValueError:
                break
    if not adjustment.expiry:
        adjustment.errors.append(env._(
            "“%(text)s” is not a date: write 31/12/2030 or 2030-12-31", text=text))
    elif adjustment.credits < 0:
        adjustment.errors.append(env._("credits removed have no expiry"))
