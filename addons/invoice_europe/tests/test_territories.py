from datetime import date

from freezegun import freeze_time

from odoo.fields import Command

from odoo.addons.legal_invoice.tests.test_territories import TOWNS
from odoo.addons.legal_invoice.tools import TERRITORIES

from .. import hooks
from .common import EuropeCase

OVERSEAS_VAT = ("GP", "MQ", "RE")  # outside the area, with French VAT of their own


class TestTerritories(EuropeCase):
    """Territories outside the VAT area bear no VAT of their member state and count in no total of
    the One Stop Shop, whether the seller is registered there or not."""

    def setUp(self):
        super().setUp()
        clock = freeze_time("2026-10-20 12:00:00")
        clock.start()
        self.addCleanup(clock.stop)
        self.before = self.total()

    def total(self):
        self.company.invalidate_recordset(["oss_sales_this_year"])
        return self.company.oss_sales_this_year

    def sold(self):
        """Return what the sale added to the total of the One Stop Shop."""
        return round(self.total() - self.before, 2)

    def sell_to(self, country, postcode, vat=False, **vals):
        return self.invoice(self.make_customer(country, vat, zip=postcode, city="Town", **vals))

    def assertNoVat(self, invoice):
        self.assertEqual(invoice.amount_tax, 0.0)
        self.assertFalse(invoice.line_ids.tax_tag_ids & self.env.ref("l10n_eu_oss.tag_oss"))
        self.assertIn("259", invoice.taxes_legal_notes)

    def test_every_territory(self):
        for registered in (True, False):
            self.company.oss_registered = registered
            for territory in TERRITORIES:
                with self.subTest(territory.name, registered=registered):
                    invoice = self.sell_to(territory.country, TOWNS[territory.name])
                    if territory.iso in OVERSEAS_VAT:
                        self.assertEqual(invoice.invoice_line_ids.tax_ids.amount, 8.5)
                    else:
                        self.assertNoVat(invoice)
                    self.assertFalse(invoice.oss_country_id)
        self.assertEqual(self.sold(), 0.0)

    def test_next_door(self):
        """The control: the same member states, within the area."""
        self.company.oss_registered = True
        for country, postcode, rate in (
                ("ES", "28001", 21.0), ("FI", "00100", 25.5), ("IT", "23100", 22.0),
                ("DE", "78267", 19.0), ("GR", "63075", 24.0)):
            with self.subTest(country):
                invoice = self.sell_to(country, postcode)
                self.assertEqual(invoice.invoice_line_ids.tax_ids.amount, rate)
                self.assertEqual(invoice.oss_country_id.code, country)
        self.assertEqual(self.sold(), 500.0)

    def test_businesses(self):
        """A business of the Canary Islands is outside the Union: no reverse charge."""
        invoice = self.sell_to("ES", "35001", "ESB12345674")
        self.assertNoVat(invoice)
        self.assertIn("283-2", self.sell_to("ES", "28001", "ESB12345674").taxes_legal_notes)

    def test_shop(self):
        """The order bears what its invoice will, from the address on."""
        customer = self.make_customer("FI", zip="22100", city="Mariehamn")
        order = self.env["sale.order"].create({
            "partner_id": customer.id,
            "order_line": [Command.create({"product_id": self.service.id})]})
        self.assertEqual(order.amount_tax, 0.0)

    def test_position_made_for_the_place(self):
        """Whoever has rules of their own for a territory keeps them."""
        own = self.env["account.fiscal.position"].create({
            "name": "Canarias", "auto_apply": True, "sequence": 90,
            "country_id": self.env.ref("base.es").id, "zip_from": "35000", "zip_to": "38999"})
        self.assertEqual(self.sell_to("ES", "35001").fiscal_position_id, own)
        self.assertNotEqual(self.sell_to("ES", "51001").fiscal_position_id, own)

    # The total of the One Stop Shop -------------------------------------------------------------

    def test_total_keeps_what_was_sold(self):
        """A customer who moves takes nothing along; a credit note follows its invoice."""
        customer = self.make_customer("DE")
        invoice = self.invoice(customer)
        self.assertEqual(self.sold(), 100.0)
        customer.write({"country_id": self.env.ref("base.fr").id})
        self.assertEqual(self.sold(), 100.0)
        self.invoice(customer, {"price_unit": 40.0}, move_type="out_refund",
                     reversed_entry_id=invoice.id)
        self.assertEqual(self.sold(), 60.0)
        self.invoice(self.make_customer("DE"), day=date(2025, 12, 31))
        self.assertEqual(self.sold(), 60.0)

    def test_total_of_what_is_taxed_where_consumers_are(self):
        """Neither what is taxed on the spot nor what is exempt or untaxed."""
        own = self.company._europe_tax
        for taxes in (own("on_site"), own("training"), self.env["account.tax"]):
            self.invoice(self.make_customer("DE"), {"tax_ids": [Command.set(taxes.ids)]})
        self.assertEqual(self.sold(), 0.0)

    def test_total_of_numbers_that_vies_does_not_know(self):
        """They pay as consumers, and count as such."""
        self.company.write({"vat_check_vies": True, "oss_registered": True})
        customer = self.make_customer("DE", "DE123456788")
        for valid, total in ((True, 0.0), (False, 100.0)):
            customer.vies_valid = valid
            self.invoice(customer)
            self.assertEqual(self.sold(), total)

    def test_sales_before_the_installation(self):
        invoice = self.invoice(self.make_customer("DE"))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move SET oss_country_id = NULL WHERE id = %s", [invoice.id])
        self.env.invalidate_all()
        self.assertEqual(self.sold(), 0.0)
        hooks.post_init_hook(self.env)
        self.assertEqual(self.sold(), 100.0)
