from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestServices(CreditCommon):
    """A pack made by the most natural click is a service, sold and not bought."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        chart = cls.env["account.chart.template"].with_company(cls.company)
        cls.goods, cls.service = map(chart.ref, ("tva_normale", "tva_normale_encaissement"))
        cls.company.account_sale_tax_id = cls.goods
        cls.context = {"default_type": "service", "default_service_tracking": "credit_pack",
                       "default_invoice_policy": "order"}  # of the action « Packs »

    def assertPack(self, pack):
        self.assertEqual(
            (pack.type, pack.service_tracking, pack.invoice_policy, pack.purchase_ok),
            ("service", "credit_pack", "order", False))
        self.assertEqual(pack.taxes_id._filter_taxes_by_company(self.company), self.service)
        self.assertFalse(pack.supplier_taxes_id)
        self.assertEqual(
            pack._get_product_accounts()["income"], self.company.credit_pending_account_id)
        self.assertEqual(pack.categ_id, self.env.ref("product.product_category_services"))
        self.assertFalse(pack.service_problems)

    def test_three_clicks(self):
        with Form(self.env["product.template"].with_context(**self.context)) as form:
            form.name, form.list_price, form.credit_count = "Pack 10", 100.0, 10
        self.assertPack(form.record)

    def test_import(self):
        """From the list of packs, and from a list of all products, as goods by mistake."""
        templates, names = self.env["product.template"], ["name", "list_price", "credit_count"]
        for context, fields, values in (
                (self.context, [], []),
                ({}, ["service_tracking"], ["Credits in the customer's wallet"]),
                ({}, ["type", "service_tracking"],
                 ["Goods", "Credits in the customer's wallet"])):
            done = templates.with_context(lang="en_US", **context).load(
                [*names, *fields], [["Pack", "100", "10", *values]])
            self.assertFalse(done["messages"])
            self.assertPack(templates.browse(done["ids"]))

    def test_accounts_of_the_ledger(self):
        """Bad input: an accountant who sells something else on 487."""
        advice = self.env["product.template"].create({
            "name": "Advice", "type": "service", "list_price": 10.0,
            "property_account_income_id": self.company.credit_pending_account_id.id})
        self.assertIn(self.company.credit_pending_account_id.code, advice.service_problems)
        draft = self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": self.customer.id,
            "invoice_line_ids": [Command.create({
                "product_id": advice.product_variant_id.id, "quantity": 1})]})
        messages = " ".join(alert["message"] for alert in draft._get_alerts().values())
        self.assertIn(self.company.credit_pending_account_id.code, messages)
