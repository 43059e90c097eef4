"""Words that show that a French text was not translated."""

import re
from pathlib import Path

WORDS = frozenset(
    word for line in (Path(__file__).parent / "english_words.txt").read_text().splitlines()
    if not line.startswith("#") for word in line.split())
# What a French reader expects as it is, or what Odoo has no French for; each with its reason.
ALLOWED = re.compile("|".join((
    r"Back to [\"“].*?[\"”](?: form)?",  # breadcrumbs: Odoo's template is not for translation
    r"\b\d+ (?:Planned|Overdue|Today)\b",  # Odoo's hint on a bar of a column of cards
    r"\S+ at [\d,.\s]+€",  # another invoice of the same amount: Odoo puts it in no French
    r"French / Français|English \((?:US|UK)\)",  # languages have one name in Odoo
    r"\bIn massa\b",  # Latin: what Odoo shows greyed out in an empty view
    r"'object' et 'time'",  # names of code, in a help of Odoo's
    r"«\s*undo\s*»|Idempotency-Key",  # names of our API
    r"Stripe Elements|Stripe Connect|Amazon Pay|Apple Pay|Google Pay|Buy Now,? Pay Later",
    r"https?://\S+|www\.\S+|\S+@\S+\.\w+",  # addresses
    r"`[^`]*`|\b[a-z0-9]+(?:_[a-z0-9]+)+\b|\b[a-z_]+(?:\.[a-z_]+)+\b",  # names of code
    r"\b[A-Z][A-Z0-9]+(?:[-_ ][A-Z0-9]+)*\b",  # acronyms and codes: VAT-EX-EU-AE
)))
WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")


def english_words(text):
    """List the words of a text that are English and not French.

    :return: list of str, in lower case
    """
    words = WORD.findall(ALLOWED.sub(" ", text))
    return [word for word in map(str.lower, words) if word in WORDS]


def raw_names(text):
    """List the records that a text shows by their model and number: ``subscription.change,1``."""
    return re.findall(r"\b[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+(?:,\d+\b|\(\d[\d, ]*\))", text)


def misfits(text):
    """List what is French and wrong: « sur 11/12/2026 » where « le » is meant."""
    return re.findall(r"\b[Ss]ur (?:le )?\d{1,2}/\d{1,2}/\d{4}|-- ?System|\bAdministrator\b", text)
