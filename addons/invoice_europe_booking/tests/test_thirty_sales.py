from odoo.fields import Command

from odoo.addons.invoice_europe.tests.common import EuropeCase

REVERSE, ABROAD = "Reverse charge", "Not subject to French VAT"
TRAINING, SMALL = "261-4-4", "293 B"
SINGLE, MULTI = "charged on the invoice of the pack", "charged on this invoice"
WAITS, DUE, OSS, NONE = "445740", "445710", "oss", None
NUMBERS = {"FR": "FR23334175221", "DE": "DE123456788", "IE": "IE1234567FA", "ES": "ESA12345674",
           "US": "123456789", "GB": "GB123456782", "RE": "FR44732829320"}

# What is sold, to whom, and what is expected of 100.00 without VAT (of 100.00 in all when it is
# booked): country, business?, what, voucher scheme, rate, VAT, its account, mention.
SALES = [
    ("FR", False, "remote", "single", 20, 20.0, WAITS, ""),
    ("FR", True, "remote", "single", 20, 20.0, WAITS, ""),
    ("FR", False, "goods", "single", 20, 20.0, DUE, ""),
    ("FR", False, "on_site", "single", 20, 20.0, WAITS, ""),
    ("FR", False, "training", "single", 0, 0.0, NONE, TRAINING),
    ("FR", True, "training", "single", 0, 0.0, NONE, TRAINING),
    ("FR", False, "franchise", "single", 0, 0.0, NONE, SMALL),
    ("FR", True, "franchise", "single", 0, 0.0, NONE, SMALL),
    ("MC", False, "remote", "single", 20, 20.0, WAITS, ""),
    ("DE", False, "remote", "single", 19, 19.0, OSS, ""),
    ("DE", False, "goods", "single", 19, 19.0, OSS, ""),
    ("DE", True, "remote", "single", 0, 0.0, NONE, REVERSE),
    ("DE", False, "on_site", "single", 20, 20.0, WAITS, ""),
    ("DE", True, "on_site", "single", 20, 20.0, WAITS, ""),
    ("DE", False, "training", "single", 0, 0.0, NONE, TRAINING),
    ("BE", False, "remote", "single", 21, 21.0, OSS, ""),
    ("LU", False, "remote", "single", 17, 17.0, OSS, ""),
    ("HU", False, "remote", "single", 27, 27.0, OSS, ""),
    ("FI", False, "remote", "single", 25.5, 25.5, OSS, ""),
    ("IE", True, "remote", "single", 0, 0.0, NONE, REVERSE),
    ("ES", True, "remote", "single", 0, 0.0, NONE, REVERSE),
    ("CH", False, "remote", "single", 0, 0.0, NONE, ABROAD),
    ("US", True, "remote", "single", 0, 0.0, NONE, ABROAD),
    ("GB", True, "remote", "single", 0, 0.0, NONE, ABROAD),
    ("GP", False, "remote", "single", 8.5, 8.5, WAITS, ""),
    ("RE", True, "remote", "single", 8.5, 8.5, WAITS, ""),
    ("GF", False, "remote", "single", 0, 0.0, NONE, ABROAD),
    ("FR", False, "pack", "single", 20, 20.0, WAITS, ""),
    ("FR", False, "pack", "multi", 0, 0.0, NONE, ""),
    ("DE", False, "pack", "single", 19, 19.0, OSS, ""),
    ("DE", False, "pack", "multi", 0, 0.0, NONE, ""),
    ("FR", False, "booking", "single", 0, 0.0, NONE, SINGLE),
    ("DE", False, "booking", "single", 0, 0.0, NONE, SINGLE),
    ("FR", False, "booking", "multi", 20, 16.67, DUE, MULTI),
    ("DE", False, "booking", "multi", 19, 15.97, OSS, MULTI),
    ("DE", True, "booking", "multi", 0, 0.0, NONE, REVERSE),
    ("CH", False, "booking", "multi", 0, 0.0, NONE, ABROAD),
]


class TestThirtySales(EuropeCase):
    """Country × business or consumer × voucher scheme × exemption: the tax, its account and the
    mention, from posted journal items (docs/spec: SaaS §7.4, INSAHO §2.7)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.oss_registered = True
        cls.company._credit_create_accounts()
        own = cls.company._europe_tax
        cls.products = {
            "remote": cls.service,
            "booking": cls.service,
            "goods": cls.make_product("Book", cls.goods_tax, type="consu"),
            "on_site": cls.make_product("Day in Lyon", own("on_site")),
            "training": cls.make_product("Exempt course", own("training")),
            "franchise": cls.make_product("Small business", own("franchise")),
            "pack": cls.make_product(
                "Pack", cls.service_tax, service_tracking="credit_pack", credit_count=10),
        }
        cls.customers = {}
        for code, business, *_rest in SALES:
            vat = business and NUMBERS[code]
            if (code, business) not in cls.customers:
                cls.customers[code, business] = cls.make_customer(
                    code, vat, is_company=business)

    def sell(self, customer, what):
        if what == "booking":
            wallet = self.env["credit.wallet"]._of(customer, self.company)
            kind = self.company.credit_voucher_kind
            wallet._grant(10, 100.0, f"sale:{customer.id}:{kind}", kind="adjustment",
                          reason="Sold", voucher_kind=kind)
            entry = wallet._spend(10, f"book:{customer.id}:{kind}")
            return entry._create_consumption_invoice(self.service, "A course", customer)
        return self.invoice(customer, {"product_id": self.products[what].id})

    def assertSold(self, move, rate, vat, account, mention):
        items = move.line_ids.filtered("tax_line_id")
        self.assertEqual(round(-sum(items.mapped("balance")), 2), vat)
        self.assertEqual(items.mapped("tax_line_id.amount"), [rate] if vat else [])
        if account == OSS:
            self.assertIn(self.env.ref("l10n_eu_oss.tag_oss"), items.tax_tag_ids)
            self.assertEqual(
                items.account_id, self.env.ref(
                    f"l10n_eu_oss.oss_tax_account_company_{self.company.id}"))
        else:
            self.assertEqual(items.mapped("account_id.code"), [account] if account else [])
        texts = [move.taxes_legal_notes or "", *move.invoice_line_ids.mapped("name")]
        found = [text for text in (REVERSE, ABROAD, TRAINING, SMALL, SINGLE, MULTI)
                 if text in " ".join(texts)]
        self.assertIn(mention, found or [""])
        self.assertFalse(move._legal_vat() and move.taxes_legal_notes)  # said once
        balance = sum(move.line_ids.filtered(
            lambda line: line.display_type == "payment_term").mapped("balance"))
        self.assertEqual(round(balance, 2), move.amount_total)

    def test_table(self):
        self.assertGreaterEqual(len(SALES), 30)
        for code, business, what, scheme, *expected in SALES:
            with self.subTest(code=code, business=business, what=what, scheme=scheme):
                self.company.credit_voucher_kind = scheme
                move = self.sell(self.customers[code, business], what)
                self.assertEqual(move.state, "posted")
                self.assertSold(move, *expected)

    def test_vat_of_a_booking_is_due_with_it(self):
        """The credits paid before, so that no payment comes: the VAT of multi-purpose credits is
        declared when they are spent (VAT Directive 2006/112/EC, art. 30b(2), 63 and 73a), and
        given back with them. Without the booking nothing waits on the account of VAT to come."""
        def vat(code):
            return self.balance(self.env["account.account"].search([
                ("code", "=", code), ("company_ids", "in", self.company.ids)], limit=1))

        self.company.credit_voucher_kind = "multi"
        before, waiting = vat(DUE), vat(WAITS)
        move = self.sell(self.customers["FR", False], "booking")
        self.assertEqual((round(vat(DUE) - before, 2), vat(WAITS)), (16.67, waiting))
        tax = move.line_ids.filtered("tax_line_id")
        expected = self.service_tax.invoice_repartition_line_ids.tag_ids
        self.assertEqual(move.line_ids.tax_tag_ids, expected, "it is on the VAT return")
        self.assertIn(tax, self.env["account.move.line"].search(
            self.env["account.move.line"]._get_tax_exigible_domain()))
        note = move.credit_entry_id._reverse("back", kind="refund").move_ids
        self.assertEqual(note.corrected_invoice_ids, move)
        self.assertEqual((round(vat(DUE) - before, 2), vat(WAITS)), (0.0, waiting))
        # A pack whose VAT is due on payment waits for its payment, as before.
        self.company.credit_voucher_kind = "single"
        pack = self.sell(self.customers["FR", False], "pack")
        self.assertEqual(round(vat(WAITS) - waiting, 2), 20.0)
        self.pay(pack)
        self.assertEqual((round(vat(DUE) - before, 2), vat(WAITS)), (20.0, waiting))

    def test_printed(self):
        """The mention is on the paper, in the customer's language, once."""
        customer = self.customers["DE", True]
        customer.lang = "fr_FR"
        move = self.invoice(customer)
        html, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "account.report_invoice_with_payments", move.ids)
        self.assertEqual(html.decode().count("Autoliquidation"), 1)

    def test_without_one_stop_shop(self):
        """Below the threshold a seller may keep its own VAT (VAT Directive, art. 59c)."""
        customer = self.customers["DE", False]
        self.invoice(customer)
        self.assertGreaterEqual(self.company.oss_sales_this_year, 100.0)
        positions = self.company._oss_positions()
        self.company.oss_registered = False
        self.assertFalse(self.company._oss_positions().filtered("active"))
        self.assertSold(self.invoice(customer), 20, 20.0, WAITS, "")
        self.company.oss_registered = True
        self.assertEqual(self.company._oss_positions().filtered("active"), positions)
        self.assertSold(self.invoice(customer), 19, 19.0, OSS, "")

    def test_number_vies_does_not_know(self):
        """With the check on, a number that VIES did not confirm is a consumer's; nothing is
        blocked."""
        self.company.vat_check_vies = True
        customer = self.customers["DE", True]
        customer.vies_valid = False
        self.assertSold(self.invoice(customer), 19, 19.0, OSS, "")
        customer.vies_valid = True
        self.assertSold(self.invoice(customer), 0, 0.0, NONE, REVERSE)

    def test_made_once(self):
        """Installing again makes no tax or position twice."""
        def count():
            return [self.env[model].search_count([]) for model in (
                "account.tax", "account.fiscal.position")]

        before = count()
        self.company._europe_create_taxes()
        self.company._map_eu_taxes()
        self.assertEqual(count(), before)

    def test_shop(self):
        """The order bears what its invoice will."""
        order = self.env["sale.order"].create({
            "partner_id": self.customers["BE", False].id,
            "order_line": [Command.create({"product_id": self.service.id})]})
        self.assertEqual((order.amount_tax, order.order_line.tax_ids.amount), (21.0, 21.0))
