from datetime import date

from odoo.tests import Form, tagged

from odoo.addons.subscription_billing.tests.common import SubscriptionCommon

# By regime of the company: tax of a plan and what its invoice says of VAT.
REGIMES = {
    "normal": ("20% S", ""),
    "exempt": ("0% training", "261-4-4"),
    "franchise": ("0% 293 B", "293 B"),
}


@tagged("post_install", "-at_install")
class TestServices(SubscriptionCommon):
    """A plan of three clicks bears the tax and the account of services (issue 20, part 1)."""

    def test_plan(self):
        self.company._europe_create_taxes()
        income = self.env["account.chart.template"].with_company(self.company).ref("pcg_706")
        for regime, (tax, mention) in REGIMES.items():
            with self.subTest(regime=regime):
                self.company.legal_vat_regime = regime
                with Form(self.env["subscription.plan"]) as form:
                    form.name = f"Plan {regime}"
                    with form.price_ids.new() as price:
                        price.amount = 100.0
                self.assertFalse(form.record.service_problems)
                subscription = self.subscribe(form.record, date(2026, 3, 15))
                move = self.invoices(subscription)
                line = move.invoice_line_ids
                self.assertEqual(line.tax_ids.with_context(lang="en_US").name, tax)
                self.assertEqual(line.account_id, income)
                self.assertIn(mention, move.taxes_legal_notes or "")
                self.assertEqual(move._legal_operation(), "services")
