"""French identifiers, as INSEE makes them and python-stdnum checks them."""

import re

from stdnum.fr import siren, siret

# Where INSEE registers; New Caledonia, French Polynesia and Wallis keep registers of their own.
INSEE_COUNTRIES = ("FR", "GF", "GP", "MQ", "RE", "YT", "BL", "MF", "PM")


def without_separators(number):
    """Return the characters of a number that count, in capitals."""
    return re.sub(r"[^0-9A-Za-z]", "", number or "").upper()


def is_siren_or_siret(number):
    """Tell whether the key of a SIREN (9 digits) or SIRET (14 digits) is right."""
    return (siret if len(number) == 14 else siren).is_valid(number)


def siren_of_vat(vat):
    """Return the SIREN within a French VAT number (CGI, annexe III, art. 95), or nothing."""
    number = without_separators(vat)
    found = re.fullmatch(r"FR[0-9A-Z]{2}(\d{9})", number)
    return found[1] if found and siren.is_valid(found[1]) else ""


def format_siren(number):
    """Group the figures of a SIREN: ``732 829 320``."""
    return " ".join(number[start:start + 3] for start in range(0, 9, 3))


def format_siret(number):
    """Group the figures of a SIRET: ``732 829 320 00074``."""
    return f"{format_siren(number)} {number[9:]}"
