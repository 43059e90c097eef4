from odoo.fields import Command
from odoo.tests import Form, tagged

from .common import ServiceCase


@tagged("post_install", "-at_install")
class TestServices(ServiceCase):
    """A service is right by itself, whoever makes it; what somebody chose is kept."""

    def assertService(self, product):
        self.assertEqual(product.type, "service")
        self.assertEqual(product.taxes_id._filter_taxes_by_company(self.company), self.service_tax)
        self.assertEqual(self.income(product), self.service_account)
        self.assertFalse(product.service_problems)

    def test_three_clicks(self):
        """New, name, price, save, where services are made; and where the type is chosen."""
        templates = self.env["product.template"]
        with Form(templates.with_context(default_type="service")) as form:
            form.name, form.list_price = "Advice", 100.0
        self.assertService(form.record)
        with Form(templates) as form:
            form.name = "Advice"
            form.type = "service"
        self.assertService(form.record)
        with Form(self.env["product.product"]) as form:
            form.name = "Advice"
            form.type = "service"
        self.assertService(form.record)

    def test_by_program_and_by_import(self):
        self.assertService(self.make())
        self.assertService(self.env["product.product"].create({"name": "A", "type": "service"}))
        self.assertService(
            self.env["product.template"].with_context(default_type="service").create({"name": "A"}))
        result = self.env["product.template"].load(
            ["name", "type", "list_price"], [["Imported", "Service", "12.5"]])
        self.assertFalse(result["messages"])
        self.assertService(self.env["product.template"].browse(result["ids"]))

    def test_goods_stay_goods(self):
        goods = self.make(type="consu")
        self.assertEqual(goods.taxes_id._filter_taxes_by_company(self.company), self.goods_tax)
        self.assertEqual(self.income(goods), self.goods_account)
        self.assertFalse(goods.service_problems)

    def test_what_was_chosen_is_kept(self):
        other = self.service_tax.copy({"name": "Other"})
        own = self.service_account.copy({"code": "706100", "name": "Own"})
        self.assertEqual(self.make(taxes_id=[Command.set(other.ids)]).taxes_id, other)
        product = self.make(property_account_income_id=own.id)
        self.assertEqual(self.income(product), own)
        self.company.income_account_id = own
        self.assertEqual(self.income(self.make()), own)
        self.env["ir.default"].set("product.template", "taxes_id", other.ids)
        self.assertEqual(
            self.make().taxes_id._filter_taxes_by_company(self.company), other)

    def test_tax_of_the_default_rate(self):
        """Prices with their tax, and another rate, have their counterparts."""
        for goods, service in (("tva_normale_ttc", "tva_normale_encaissement_ttc"),
                               ("tva_reduite", "tva_reduite_encaissement")):
            goods, service = self.chart(goods), self.chart(service)
            (goods | service).active = True
            self.company.account_sale_tax_id = goods
            self.assertEqual(
                self.make().taxes_id._filter_taxes_by_company(self.company), service)

    def test_archived_counterpart_is_offered_with_the_chart(self):
        self.service_tax.active = False
        self.env["account.tax"].search([
            ("tax_scope", "=", "service"), ("amount", "=", 20.0),
            ("type_tax_use", "=", "sale")]).active = False
        self.assertEqual(self.make().taxes_id & self.goods_tax, self.goods_tax)
        self.company._service_activate_taxes()
        self.assertTrue(self.service_tax.active)
        self.assertService(self.make())

    def test_bought_services(self):
        product = self.make(purchase_ok=True)
        self.assertEqual(
            product.supplier_taxes_id._filter_taxes_by_company(self.company).tax_scope, "service")

    def test_goods_that_become_a_service_after_sales(self):
        """Bad input: its type is changed by an import; the posted invoice stays as it is."""
        product = self.make(type="consu")
        posted, draft = self.draft(product), self.draft(product)
        posted.action_post()
        product.type = "service"
        self.assertEqual(
            product.taxes_id._filter_taxes_by_company(self.company), self.service_tax)
        self.assertEqual(posted.invoice_line_ids.tax_ids, self.goods_tax)
        self.assertIn(draft.display_name, product.service_problems)
        self.assertNotIn(posted.name, product.service_problems)
        draft.invoice_line_ids.tax_ids = self.service_tax
        product.invalidate_recordset(["service_problems"])
        self.assertFalse(product.service_problems)
