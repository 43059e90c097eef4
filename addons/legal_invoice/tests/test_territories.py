import random

from odoo.tests import tagged

from ..tools import TERRITORIES, territory_of
from .common import LegalCase

# The postcode of a town in each, as its post office writes it.
TOWNS = {
    "Mount Athos": "63086", "Canary Islands": "35001", "Saint-Barthélemy": "97133",
    "Saint-Martin": "97150", "Guadeloupe": "97100", "Martinique": "97200", "Guyane": "97300",
    "Réunion": "97400", "Saint-Pierre-et-Miquelon": "97500", "Mayotte": "97600",
    "French Southern and Antarctic Lands": "98415", "Wallis and Futuna": "98600",
    "French Polynesia": "98714", "New Caledonia": "98800", "Åland Islands": "22100",
    "Campione d’Italia": "22061", "Heligoland": "27498", "Büsingen am Hochrhein": "78266",
    "Ceuta": "51001", "Melilla": "52001", "Livigno": "23041",
}
# Next to them, or alike, and within the area.
INSIDE = [
    ("GR", "63075"), ("ES", "28001"), ("ES", "36001"), ("ES", "50001"), ("ES", "53001"),
    ("FR", "69003"), ("FR", "97"), ("FR", "98000"), ("FI", "20100"), ("FI", "23500"),
    ("IT", "22060"), ("IT", "23030"), ("IT", "23100"), ("DE", "27499"), ("DE", "78267"),
    ("DE", "82380"), ("PT", "35001"), ("DE", "35001"), ("FR", "22100"), ("IT", "27498"),
    ("ES", ""), ("", "35001"),
]


def as_typed(country, postcode, lot):
    """Write a postcode as people do."""
    prefix = lot.choice(["", "", country, f"{country}-", f"{country.lower()} ", country[:1]])
    gap = lot.choice(["", " ", "-", "."])
    space = lot.choice(["", " "])
    return f"{space}{prefix}{postcode[:3]}{gap}{postcode[3:]}{space}"


@tagged("post_install", "-at_install")
class TestTerritories(LegalCase):
    """Territories outside the VAT area (Directive 2006/112/EC, art. 6), by their postcode."""

    def test_every_one_is_recognised(self):
        self.assertEqual(set(TOWNS), {territory.name for territory in TERRITORIES})
        for territory in TERRITORIES:
            with self.subTest(territory.name):
                self.assertIs(territory_of(territory.country, TOWNS[territory.name]), territory)
                self.assertTrue(territory.source)

    def test_however_the_postcode_is_typed(self):
        lot = random.Random(6)
        for _each in range(2000):
            territory = lot.choice(TERRITORIES)
            typed = as_typed(territory.country, TOWNS[territory.name], lot)
            self.assertIs(territory_of(territory.country, typed), territory, typed)
            country, postcode = lot.choice(INSIDE)
            typed = as_typed(country, postcode, lot)
            self.assertIsNone(territory_of(country, typed), (country, typed))

    def test_any_postcode_is_in_one_place(self):
        """Of all five-figure postcodes of a country, those of the table alone are outside."""
        counts = {}
        for country in {territory.country for territory in TERRITORIES}:
            found = [territory_of(country, f"{number:05}") for number in range(100000)]
            counts[country] = len(found) - found.count(None)
        self.assertEqual(counts, {
            "GR": 2, "ES": 4000, "FR": 1200, "FI": 1000, "IT": 2, "DE": 2})

    def test_state_where_there_is_no_postcode(self):
        self.assertEqual(territory_of("ES", "", "GC").name, "Canary Islands")
        self.assertEqual(territory_of("ES", False, "ME").name, "Melilla")
        self.assertIsNone(territory_of("ES", "28001", "GC"), "the postcode decides")

    def test_country_of_vat(self):
        for country, postcode, expected in (
                ("FR", "97410", "RE"), ("FI", "22100", "AX"), ("FR", "97133", "BL"),
                ("FR", "69003", "FR"), ("ES", "35001", False), ("ES", "28001", "ES")):
            partner = self.env["res.partner"].new({
                "country_id": self.env["res.country"].search([("code", "=", country)]).id,
                "zip": postcode})
            self.assertEqual(partner._vat_country().code, expected)

    def test_mention(self):
        """Not the reverse charge of the Union, but the sale outside it."""
        canary = self.belgian.copy({
            "name": "Canarias SL", "vat": "ESB12345674", "zip": "35001", "city": "Las Palmas",
            "country_id": self.env.ref("base.es").id})
        self.assertIn("259", self.mentions(self.invoice(canary))["vat"])
        canary.write({"zip": "28001", "city": "Madrid"})
        self.assertIn("Autoliquidation", self.mentions(self.invoice(canary))["vat"])
