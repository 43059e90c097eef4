from datetime import date

from odoo.fields import Command

from .common import DAY, MonthCase


class TestVat(MonthCase):
    """A month of sales, worked out by hand: what falls due, where it stands, what is declared."""

    def sell(self):
        """Sell goods (200.00, due at once), services (100.00 paid, 50.00 not), a service to a
        German business (300.00), and 100.00 to a consumer in Germany."""
        self.company.oss_registered = True
        french = self.make_customer("FR")
        self.invoice(french, {"product_id": self.goods.id, "price_unit": 200.0}, day=DAY)
        paid = self.invoice(french, day=DAY)
        self.invoice(french, {"price_unit": 50.0}, day=DAY)
        reverse = self.company._europe_chart_tax("tva_sale_service_intra_0")
        business = self.invoice(self.make_customer("DE", vat="DE136695976"), {
            "price_unit": 300.0, "tax_ids": [Command.set(reverse.ids)]}, day=DAY)
        for invoice in (paid, business):
            self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=invoice.ids).create(
                    {"payment_date": DAY})._create_payments()
        german = self.make_customer("DE")
        position = self.company._oss_positions().filtered(
            lambda each: each.country_id == german.country_id)
        self.oss = position.map_tax(self.goods_tax)
        self.invoice(german, {
            "product_id": self.goods.id, "tax_ids": [Command.set(self.oss.ids)]}, day=DAY)

    def test_worked_example(self):
        self.sell()
        rows = [(row[0], row[1], row[2], *row[4:]) for row in self.rows("vat")]
        self.assertEqual(rows, [
            ("Sales, due when paid", "France", 20.0, 100.0, 20.0),
            ("Sales, due when invoiced", "France", 20.0, 200.0, 40.0),
            ("One Stop Shop (OSS)", "Germany", 19.0, 100.0, 19.0),
            ("Reverse charge", "Germany", 0.0, 300.0, 0.0),
            ("Sales", "", None, 700.0, 79.0)])
        self.assertEqual({each["state"] for each in self.section("vat")["checks"]}, {"ok"})
        # What waits for the payment of 50.00 is on its account, and no difference.
        waiting = self.service_tax.cash_basis_transition_account_id
        (row,) = (row for row in self.rows("vat", 1) if row[0].startswith(waiting.code))
        self.assertEqual(row[3:5], [0.0, 10.0])
        self.assertFrenchReturn()
        self.assertOneStopShop()

    def assertFrenchReturn(self):
        lines = {row[0].split(" - ")[0]: row[1] for row in self.rows("ca3") if row[1] is not None}
        self.assertEqual((lines["A1"], lines["16"], lines["28"]), (300.0, 60.0, 60.0))
        self.assertEqual(
            [row[1] for row in self.rows("ca3") if row[0].startswith("08 ")], [300.0, 60.0])
        self.assertEqual(lines["E2"], 300.0)  # services located abroad, CGI art. 283-2
        headings = [row["cells"][0] for row in self.section("ca3")["tables"][0]["rows"]
                    if row["style"] == "heading"]
        self.assertFalse([name for name in headings if name in ("Petroleum products", "Imports")])

    def assertOneStopShop(self):
        self.assertEqual(self.rows("oss"), [
            ["Germany", 19.0, 100.0, 19.0, 100.0, 19.0],
            ["Total", None, 100.0, 19.0, 100.0, 19.0]])
        # In the quarter's last month the quarter still counts, the month does not.
        self.assertEqual(self.rows("oss", month="2025-02"), [])
        self.invoice(self.make_customer("DE"), {
            "product_id": self.goods.id, "tax_ids": [Command.set(self.oss.ids)]},
            day=date(2025, 1, 10))
        self.assertEqual(self.rows("oss")[0][2:], [100.0, 19.0, 200.0, 38.0])

    def test_more_credit_notes_than_sales(self):
        """The form makes a box below zero 0: the VAT to deduct by hand is said."""
        customer, goods = self.make_customer("FR"), {"product_id": self.goods.id}
        self.invoice(customer, goods, day=DAY)
        self.invoice(customer, {**goods, "price_unit": 1000.0}, move_type="out_refund", day=DAY)
        found = [each for each in self.section("ca3")["checks"] if "Below zero" in each["name"]]
        self.assertIn(-900.0, [each["amount"] for each in found])
        self.assertEqual({each["state"] for each in found}, {"todo"})

    def test_by_hand_on_an_account_of_vat(self):
        account = self.company._europe_chart_tax(
            "tva_normale").invoice_repartition_line_ids.account_id
        entry = self.by_hand(self.account("658"), account)
        found = self.check("vat", "Accounts of VAT hold")
        self.assertEqual((found["state"], found["count"], found["amount"]), ("wrong", 1, 22.8))
        self.assertIn(entry.name, found["details"][0])
        self.assertIn("Typed by hand", found["details"][0])

    def test_settled_return_is_no_difference(self):
        account = self.company._europe_chart_tax(
            "tva_normale").invoice_repartition_line_ids.account_id
        self.invoice(self.make_customer("FR"), {
            "product_id": self.goods.id, "price_unit": 200.0}, day=DAY)
        self.by_hand(account, self.account("44551"), amount=40.0, name="CA3")
        self.assertEqual(self.check("vat", "Accounts of VAT hold")["state"], "ok")
        (row,) = (row for row in self.rows("vat", 1) if row[0].startswith(account.code))
        self.assertEqual(row[1:5], [40.0, -40.0, 0.0, 0.0])

    def test_changed_amount_of_vat(self):
        """A tax that no longer is its base times its rate."""
        invoice = self.invoice(self.make_customer("FR"), {
            "product_id": self.goods.id, "price_unit": 200.0}, day=DAY, post=False)
        tax = invoice.line_ids.filtered("tax_line_id")
        due = invoice.line_ids.filtered(lambda line: line.display_type == "payment_term")
        invoice.write({"line_ids": [
            Command.update(tax.id, {"amount_currency": -41.5}),
            Command.update(due.id, {"amount_currency": 241.5})]})
        invoice.action_post()
        found = self.check("vat", "base times its rate")
        self.assertEqual((found["state"], found["amount"]), ("todo", 1.5))

    def test_tax_without_mention(self):
        tax = self.service_tax.copy({
            "name": "0% of nobody", "amount": 0.0, "invoice_legal_notes": False,
            "tax_exigibility": "on_invoice", "cash_basis_transition_account_id": False})
        self.invoice(self.make_customer("FR"), {"tax_ids": [Command.set(tax.ids)]}, day=DAY)
        found = self.check("vat", "without the mention")
        self.assertEqual(found["details"], [tax.name])
