from odoo.fields import Command
from odoo.tests import TransactionCase


class ServiceCase(TransactionCase):
    """A French company with the chart's own defaults: « 20 % G », account 707."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.goods_tax, cls.service_tax = map(
            cls.chart, ("tva_normale", "tva_normale_encaissement"))
        cls.goods_account, cls.service_account = map(
            cls.chart, ("pcg_707_account", "pcg_706"))
        cls.company.write({
            "account_sale_tax_id": cls.goods_tax.id, "income_account_id": cls.goods_account.id})
        cls.customer = cls.env["res.partner"].create({
            "name": "Camille", "country_id": cls.env.ref("base.fr").id})

    @classmethod
    def chart(cls, name, company=None):
        """Return a record of a company's chart by its name there."""
        return cls.env["account.chart.template"].with_company(company or cls.company).ref(name)

    def make(self, **vals):
        return self.env["product.template"].create({
            "name": "Advice", "list_price": 100.0, "type": "service", **vals})

    def income(self, product, company=None):
        company = company or self.company
        return product.with_company(company)._get_product_accounts()["income"]

    def draft(self, product, **vals):
        return self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": self.customer.id,
            "invoice_line_ids": [Command.create({
                "product_id": product.product_variant_id.id, "quantity": 1, **vals})]})
