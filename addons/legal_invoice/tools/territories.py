"""Territories of member states that are outside the VAT area of the European Union.

Sources: Directive 2006/112/EC, art. 6 (as amended by Directive (EU) 2019/475 for Campione
d'Italia), TFEU, art. 349 and 355, and the postcodes of the national postal services. The Italian
waters of Lake Lugano (art. 6(1)(g)) have no address.
"""

import re
from typing import NamedTuple


class Territory(NamedTuple):
    """A territory: where it is, how an address in it is recognised, and the law that excludes it.

    ``country`` and ``iso`` are ISO 3166 codes: of its member state, and of its own if it has one.
    ``postcode`` is a pattern of the whole postcode, ``states`` codes of Odoo's states.
    """

    name: str
    country: str
    postcode: str
    iso: str
    states: tuple
    source: str


ARTICLE_6 = "Directive 2006/112/EC, art. 6(1)(%s)"
ARTICLE_6_2 = "Directive 2006/112/EC, art. 6(2)(%s)"
OUTERMOST = f"{ARTICLE_6 % 'c'}; TFEU, art. 349 and 355(1)"
OVERSEAS = "TFEU, art. 355(2) and annex II"

# Saint-Barthélemy and Saint-Martin come before Guadeloupe, whose postcodes they share.
TERRITORIES = tuple(Territory(*row) for row in (
    ("Mount Athos", "GR", r"6308[67]", "", (), ARTICLE_6 % "a"),
    ("Canary Islands", "ES", r"3[58]\d{3}", "", ("GC", "TF"), ARTICLE_6 % "b"),
    ("Saint-Barthélemy", "FR", r"97133|977\d\d", "BL", (), OVERSEAS),
    ("Saint-Martin", "FR", r"97150|978\d\d", "MF", (), OUTERMOST),
    ("Guadeloupe", "FR", r"971\d\d", "GP", (), OUTERMOST),
    ("Martinique", "FR", r"972\d\d", "MQ", (), OUTERMOST),
    ("Guyane", "FR", r"973\d\d", "GF", (), OUTERMOST),
    ("Réunion", "FR", r"974\d\d", "RE", (), OUTERMOST),
    ("Saint-Pierre-et-Miquelon", "FR", r"975\d\d", "PM", (), OVERSEAS),
    ("Mayotte", "FR", r"976\d\d", "YT", (), OUTERMOST),
    ("French Southern and Antarctic Lands", "FR", r"984\d\d", "TF", (), OVERSEAS),
    ("Wallis and Futuna", "FR", r"986\d\d", "WF", (), OVERSEAS),
    ("French Polynesia", "FR", r"987\d\d", "PF", (), OVERSEAS),
    ("New Caledonia", "FR", r"988\d\d", "NC", (), OVERSEAS),
    ("Åland Islands", "FI", r"22\d{3}", "AX", (), ARTICLE_6 % "d"),
    ("Campione d’Italia", "IT", r"22061|6911", "", (), ARTICLE_6 % "f"),
    ("Heligoland", "DE", r"27498", "", (), ARTICLE_6_2 % "a"),
    ("Büsingen am Hochrhein", "DE", r"78266|8238", "", (), ARTICLE_6_2 % "b"),
    ("Ceuta", "ES", r"51\d{3}", "", ("CE",), ARTICLE_6_2 % "c"),
    ("Melilla", "ES", r"52\d{3}", "", ("ME",), ARTICLE_6_2 % "d"),
    ("Livigno", "IT", r"23041", "", (), ARTICLE_6_2 % "e"),
))


def territory_of(country, postcode, state=""):
    """Find the territory outside the VAT area that an address is in.

    A postcode decides, however it is typed (``ES-35 001``); without one the state does.

    :param str country: ISO code of the country that the address names
    :param str postcode: as typed, or empty
    :param str state: code of the state, or empty
    :return: a :class:`Territory`, or None inside the area
    """
    digits = re.sub(r"\D", "", postcode or "")
    for territory in TERRITORIES:
        if territory.country == country and (
                re.fullmatch(territory.postcode, digits) if digits
                else state in territory.states):
            return territory
    return None
