from dateutil.relativedelta import relativedelta
from psycopg2.errors import CheckViolation

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CreditCommon


@tagged("post_install", "-at_install")
class TestPacks(CreditCommon):

    def tearDown(self):
        self.assertLedgerAgrees()
        super().tearDown()

    def test_a_pack_with_zero_or_negative_credits_is_refused(self):
        for credits in (0, -5):
            with self.assertRaises(CheckViolation), mute_logger("odoo.sql_db"), \
                    self.env.cr.savepoint():
                self.make_pack(credits)

    def test_a_fraction_of_a_pack_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "not a whole number"):
            self.sell(self.make_pack(), quantity=0.5)

    def test_credits_come_with_the_payment_not_before(self):
        """INSAHO §2.1: « Attribution automatique des crédits achetés »."""
        invoice = self.sell(self.make_pack(10, 100.0), pay=False)
        self.assertEqual(self.wallet.balance, 0)
        self.pay(invoice)
        self.assertEqual(self.wallet.balance, 10)
        entry = self.wallet.entry_ids
        self.assertEqual((entry.kind, entry.value, entry.origin), (
            "purchase", 100.0, invoice.name))

    def test_the_paid_hook_twice_grants_once(self):
        invoice = self.sell(self.make_pack(10))
        invoice._invoice_paid_hook()
        self.assertEqual(self.wallet.balance, 10)

    def test_two_invoices_of_one_order_line_grant_once(self):
        """Two payment notifications may each make an invoice of the same order."""
        invoice = self.sell(self.make_pack(10))
        line = invoice.invoice_line_ids
        twin = invoice.copy()
        twin.invoice_line_ids.sale_line_ids = line.sale_line_ids
        twin.action_post()
        self.pay(twin)
        self.assertEqual(self.wallet.balance, 10)

    def test_value_is_the_untaxed_price_actually_paid(self):
        self.sell(self.make_pack(10, 100.0), quantity=2, discount=25.0)
        lot = self.wallet.lot_ids
        self.assertEqual((lot.granted, lot.value_granted, lot.unit_value), (20, 150.0, 7.5))

    def test_validity_in_months(self):
        self.sell(self.make_pack(credit_validity_months=6))
        self.assertEqual(
            self.wallet.lot_ids.expiry_date,
            self.company._credit_today() + relativedelta(months=6))

    def test_the_price_is_owed_until_the_credits_are_used(self):
        """The pack goes to deferred revenue; a consumption moves its value to income."""
        self.sell(self.make_pack(10, 100.0))
        deferred = self.company.credit_deferred_account_id
        entry = self.wallet._spend(3, "spend:3")
        product = self.env["product.product"].create({"name": "Training", "type": "service"})
        invoice = entry._create_consumption_invoice(product, "Training", self.customer)
        self.assertEqual((invoice.state, invoice.amount_total, invoice.payment_state), (
            "posted", 0.0, "paid"))
        balance = sum(self.env["account.move.line"].search([
            ("account_id", "=", deferred.id), ("parent_state", "=", "posted"),
            ("partner_id", "=", self.customer.id)]).mapped("balance"))
        self.assertEqual(-balance, self.wallet.value)
        self.assertEqual(self.wallet.value, 70.0)

    def test_mail_says_how_many_credits_came(self):
        self.customer.lang = "fr_FR"
        self.sell(self.make_pack(10))
        mail = self.env["mail.mail"].search(
            [("model", "=", "credit.entry"), ("res_id", "=", self.wallet.entry_ids.id)])
        self.assertEqual(len(mail), 1)
        self.assertIn("10 crédits", mail.body_html)
