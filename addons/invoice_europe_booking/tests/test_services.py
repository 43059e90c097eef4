from odoo.tests import Form, tagged

from odoo.addons.invoice_europe.tests.common import EuropeCase

# By regime of the company: tax of a pack and what its invoice says of VAT.
REGIMES = {
    "normal": ("20% S", ""),
    "exempt": ("0% training", "261-4-4"),
    "franchise": ("0% 293 B", "293 B"),
}


@tagged("post_install", "-at_install")
class TestServices(EuropeCase):
    """A pack of three clicks, and the training that its credits buy: a service under the
    company's regime, owed on 487 until it is earned on 706 (issue 20, part 1)."""

    def test_pack_and_training(self):
        self.company._credit_create_accounts()
        customer = self.make_business()
        for regime, (tax, mention) in REGIMES.items():
            with self.subTest(regime=regime):
                self.company.legal_vat_regime = regime
                pack = self.make_pack()
                self.assertFalse(pack.service_problems)
                move = self.invoice(
                    customer, {"product_id": pack.product_variant_id.id})
                line = move.invoice_line_ids
                self.assertEqual(line.tax_ids.with_context(lang="en_US").name, tax)
                self.assertEqual(line.account_id, self.company.credit_pending_account_id)
                self.assertIn(mention, move.taxes_legal_notes or "")
                self.assertEqual(move._legal_operation(), "services")
                self.pay(move)
                self.assertEqual(self.book(customer).account_id, self.revenue)

    def make_pack(self):
        """New, name, price, credits, save."""
        packs = self.env["product.template"].with_context(
            default_type="service", default_service_tracking="credit_pack",
            default_invoice_policy="order")
        with Form(packs) as form:
            form.name, form.list_price, form.credit_count = "Pack 10", 100.0, 10
        return form.record

    def book(self, customer):
        """Spend the credits on a training made with a name and a price; return its income."""
        training = self.env["event.type"].with_context(default_is_training=True).create({
            "name": "Speaking", "credit_price": 10})
        entry = self.env["credit.wallet"]._of(customer, self.company)._spend(
            10, f"book:{training.id}")
        move = entry._create_consumption_invoice(
            training.training_product_id, "Speaking", customer)
        return move.invoice_line_ids.filtered("product_id")
