from odoo.tests import Form, tagged

from .common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestServices(SubscriptionCommon):
    """A plan made by the most natural click is a service, sold and not bought."""

    def test_three_clicks(self):
        chart = self.env["account.chart.template"].with_company(self.company)
        goods, service = map(chart.ref, ("tva_normale", "tva_normale_encaissement"))
        self.company.account_sale_tax_id = goods
        with Form(self.env["subscription.plan"]) as form:
            form.name = "Pro"
            with form.price_ids.new() as price:
                price.amount = 49.0
        by_program = self.env["subscription.plan"].create({"name": "Scale"})
        for plan in (form.record, by_program):
            self.assertEqual(
                (plan.type, plan.service_tracking, plan.invoice_policy, plan.purchase_ok),
                ("service", "subscription", "order", False))
            self.assertEqual(plan.taxes_id._filter_taxes_by_company(self.company), service)
            self.assertFalse(plan.supplier_taxes_id)
            self.assertFalse(plan.service_problems)
            self.assertEqual(
                plan.product_tmpl_id._get_product_accounts()["income"], chart.ref("pcg_706"))

    def test_put_right_on_the_plan(self):
        self.pro.taxes_id = False
        self.assertTrue(self.pro.service_problems)
        self.pro.action_repair_service()
        self.assertFalse(self.pro.service_problems)
