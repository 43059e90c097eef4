from ..hooks import post_init_hook, uninstall_hook
from .common import EuropeCase


class TestUninstall(EuropeCase):
    """Taxes of ours go with the addon, unless documents bear them; they come back with it."""

    def test_used_are_archived_and_the_rest_deleted(self):
        training, franchise = map(self.company._europe_tax, ("training", "franchise"))
        position = self.company._europe_overseas()
        invoice = self.invoice(self.make_customer("FR"), {"tax_ids": [(6, 0, training.ids)]})
        product = self.make_product("Remote talk", self.company._europe_tax("on_site"))
        uninstall_hook(self.env)
        self.assertFalse(training.active)
        self.assertEqual(invoice.invoice_line_ids.tax_ids, training)
        self.assertFalse(product.taxes_id.active)
        self.assertFalse((franchise | self.company._europe_tax("overseas_8_5")).exists())
        self.assertFalse(position.exists())

        post_init_hook(self.env)
        taxes = self.company._europe_own_taxes()
        self.assertEqual(len(taxes), 5)
        self.assertEqual(set(taxes.mapped("active")), {True})
        self.assertIn(training, taxes)
        self.assertEqual(
            self.company._europe_tax("overseas_8_5").fiscal_position_ids,
            self.company._europe_overseas())

    def test_position_of_an_invoice_is_archived(self):
        reunion = self.make_customer("RE")
        position = self.company._europe_overseas()
        self.assertEqual(self.invoice(reunion).fiscal_position_id, position)
        uninstall_hook(self.env)
        self.assertFalse(position.active)

        position.country_group_id = False  # deleted with the addon's other records
        post_init_hook(self.env)
        self.assertTrue(position.active)
        self.assertEqual(self.invoice(reunion).fiscal_position_id, position)
