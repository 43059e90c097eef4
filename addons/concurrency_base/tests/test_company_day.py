from datetime import date

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import TransactionCase, tagged

EVE = "2027-01-31 23:30:00"  # UTC: half an hour after midnight in Paris


@tagged("post_install", "-at_install")
class TestCompanyDay(TransactionCase):
    """What scheduled actions and providers post is dated where the company is."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.partner_id.tz = "Europe/Paris"
        cls.customer = cls.env["res.partner"].create({
            "name": "Camille", "street": "1 rue du Test", "zip": "69001", "city": "Lyon",
            "country_id": cls.env.ref("base.fr").id})
        cls.provider = cls.env.ref("payment.payment_provider_demo")
        cls.provider.write({"state": "test", "company_id": cls.env.company.id})
        cls.product = cls.env["product.product"].create(
            {"name": "Course", "type": "service", "list_price": 100.0})

    def transaction(self, **vals):
        return self.env["payment.transaction"].create({
            "provider_id": self.provider.id,
            "payment_method_id": self.env.ref("payment.payment_method_unknown").id,
            "reference": f"COMPANY-DAY-{self.env['payment.transaction'].search_count([])}",
            "amount": 100.0,
            "currency_id": self.env.company.currency_id.id, "partner_id": self.customer.id,
            "state": "done", **vals})

    def post_process(self, transaction):
        """Do as the scheduled action does: as OdooBot, without a timezone."""
        bot = self.env.ref("base.user_root")
        bot.tz = False
        with freeze_time(EVE):
            transaction.with_env(self.env(user=bot, context={}))._post_process()

    def test_payment_and_refund_on_the_first_of_the_month(self):
        paid = self.transaction()
        self.post_process(paid)
        refund = self.transaction(
            operation="refund", amount=-40.0, source_transaction_id=paid.id)
        self.post_process(refund)
        for transaction in (paid, refund):
            self.assertEqual(transaction.payment_id.date, date(2027, 2, 1))

    def test_invoice_that_follows(self):
        self.env["ir.config_parameter"].sudo().set_param("sale.automatic_invoice", "True")
        order = self.env["sale.order"].create({
            "partner_id": self.customer.id,
            "order_line": [Command.create({"product_id": self.product.id})]})
        self.post_process(self.transaction(
            amount=order.amount_total, sale_order_ids=[Command.set(order.ids)]))
        self.assertEqual(order.invoice_ids.invoice_date, date(2027, 2, 1))

    def test_another_company_has_its_own_day(self):
        self.env.company.partner_id.tz = "America/New_York"
        paid = self.transaction()
        self.post_process(paid)
        self.assertEqual(paid.payment_id.date, date(2027, 1, 31))
        with freeze_time(EVE):
            self.assertEqual(self.env.company._civil_today(), date(2027, 1, 31))
            self.env.company.partner_id.tz = False
            self.assertEqual(self.env.company._civil_today(), date(2027, 2, 1))
