from odoo.fields import Command
from odoo.tests import tagged

from .common import EuropeCase


@tagged("post_install", "-at_install")
class TestRegimes(EuropeCase):
    """A company whose VAT regime changes is told which services no longer fit, and can have them
    put right."""

    def make(self, **vals):
        return self.env["product.template"].create({
            "name": "Coaching", "type": "service", "list_price": 100.0, **vals})

    def look_again(self, product):
        product.invalidate_recordset(["service_problems"])
        return product.service_problems

    def checked(self):
        action = self.env["legal.check"]._action_open_checklist(self.company)
        return self.env["legal.check"].search(action["domain"]).filtered(
            lambda line: line.code == "services")

    def test_regime_that_changes(self):
        product = self.make()
        for other in self.company._legal_wrong_services():  # Odoo's own, made before
            other.sale_ok = False
        self.assertTrue(self.checked().is_done)
        for regime, article, tax in (("franchise", "293 B", "franchise"),
                                     ("exempt", "261-4-4", "training")):
            product.taxes_id = self.service_tax
            self.company.legal_vat_regime = regime
            self.assertIn(article, self.look_again(product))
            line = self.checked()
            self.assertFalse(line.is_done)
            self.assertIn(product.id, [
                *line.action_complete().get("domain", [("id", "in", [])])[0][2],
                line.action_complete().get("res_id")])
            product.action_repair_service()
            self.assertEqual(product.taxes_id, self.company._europe_tax(tax))
            self.assertNotIn(product, self.company._legal_wrong_services())
        self.company.legal_vat_regime = "normal"
        product.taxes_id = self.company._europe_tax("franchise")
        self.assertIn("20% S", self.look_again(product))

    def test_taxed_side_line_of_a_training_body(self):
        """It is said on the product, not on each invoice: the VAT may be right."""
        self.company.legal_vat_regime = "exempt"
        draft = self.invoice(self.make_customer("FR"), post=False)
        self.assertFalse([key for key in draft._get_alerts() if key.startswith("service_")])
        self.company.legal_vat_regime = "franchise"
        self.assertTrue([key for key in draft._get_alerts() if key.startswith("service_")])

    def test_reverse_charge_without_a_number_of_ones_own(self):
        self.company.write({"legal_vat_regime": "franchise", "vat": False})
        customer = self.make_customer("DE", "DE123456788", vies_valid=True)
        draft = self.invoice(customer, {
            "tax_ids": [Command.set(self.company._europe_chart_tax(
                "tva_sale_service_intra_0").ids)]}, post=False)
        messages = " ".join(alert["message"] for alert in draft._get_alerts().values())
        self.assertIn("286 ter", messages)

    def test_order(self):
        """What is wrong, and what VIES has not confirmed, is said on the quotation."""
        customer = self.make_customer("DE", "DE123456788")
        self.company.vat_check_vies = True
        customer.vies_valid = False
        goods = self.make(taxes_id=[Command.set(self.goods_tax.ids)])
        order = self.env["sale.order"].create({
            "partner_id": customer.id, "order_line": [Command.create({
                "product_id": goods.product_variant_id.id})]})
        self.assertIn("20% G", order.vat_notice)
        self.assertIn("VIES", order.vat_notice)
        self.assertIn(order.name, self.look_again(goods))
        customer.vies_valid = True
        goods.action_repair_service()
        order._recompute_taxes()
        order.invalidate_recordset(["vat_notice"])
        self.assertNotIn("20% G", order.vat_notice)
