"""Texts that strangers type, made fit for paper, mails, calendars and spreadsheets."""

import re
import unicodedata

# Marks that turn the direction of what follows them: with them, a name rewrites its neighbours.
# Names that are written from right to left need none.
DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def plain_line(text):
    """Return a text on one line, without characters that control a printer or a reader.

    XML has no way to write them, so an electronic invoice with one could not be made.
    """
    text = re.sub(r"\s+", " ", text)
    return "".join(each for each in text if each not in DIRECTIONS
                   and unicodedata.category(each) not in ("Cc", "Cs"))


def safe_cell(text):
    """Return a text so that a spreadsheet does not run it as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
