from datetime import date

from odoo.fields import Command
from odoo.tests import TransactionCase, tagged

SIRETS = ("35600000000048", "44306184100047", "55208131766522")


@tagged("post_install", "-at_install")
class EuropeCase(TransactionCase):
    """A complete French seller, customers of many countries, services at 20 %."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.lang = "en_US"
        cls.company = cls.env.company
        cls.company.write({
            "name": "Cap Test", "street": "12 rue des Apprentis", "zip": "69003", "city": "Lyon",
            "country_id": cls.env.ref("base.fr").id, "vat": "FR44732829320",
            "company_registry": "73282932000074", "phone": "+33 4 72 00 00 00",
            "email": "contact@example.com", "vat_check_vies": False})
        cls.company._europe_create_taxes()
        cls.bank = cls.env["res.partner.bank"].create({
            "acc_number": "FR7630006000011234567890189",
            "partner_id": cls.company.partner_id.id, "allow_out_payment": True})
        cls.service_tax = cls.company._europe_chart_tax("tva_normale_encaissement")
        cls.goods_tax = cls.company._europe_chart_tax("tva_normale")
        cls.revenue = cls.env["account.account"].search([
            ("code", "=", "706000"), ("company_ids", "in", cls.company.ids)], limit=1)
        cls.service = cls.make_product("Remote course", cls.service_tax)

    @classmethod
    def make_product(cls, name, taxes, **vals):
        return cls.env["product.product"].create({
            "name": name, "type": "service", "list_price": 100.0, "invoice_policy": "order",
            "property_account_income_id": cls.revenue.id,
            "taxes_id": [Command.set(taxes.ids)], **vals})

    @classmethod
    def make_customer(cls, code, vat=False, **vals):
        return cls.env["res.partner"].create({
            "name": f"Customer {code} {vat or ''}".strip(), "email": "customer@example.com",
            "street": "1 rue du Test", "zip": "75001", "city": "Paris", "lang": "en_US",
            "country_id": cls.env["res.country"].search([("code", "=", code)]).id, "vat": vat,
            "is_company": bool(vat), **vals})

    @classmethod
    def make_business(cls, number=0, **vals):
        """Make a French company, known by its SIRET."""
        return cls.make_customer("FR", **{
            "name": f"Société {number}", "is_company": True,
            "company_registry": SIRETS[number % len(SIRETS)], **vals})

    @classmethod
    def invoice(cls, partner, *lines, move_type="out_invoice", day=date(2026, 10, 5), post=True,
                **vals):
        """Make an invoice.

        :param lines: dicts of values; a product alone costs 100.00
        """
        move = cls.env["account.move"].create({
            "move_type": move_type, "partner_id": partner.id, "invoice_date": day,
            "invoice_line_ids": [Command.create({
                "product_id": cls.service.id, "quantity": 1, "price_unit": 100.0, **line})
                for line in lines or ({},)], **vals})
        if post:
            move.action_post()
        return move

    @classmethod
    def pay(cls, invoice):
        return cls.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create({})._create_payments()

    def balance(self, account, until=None):
        """Sum what an account owes or earned (credit +), posted items up to a day."""
        domain = [("account_id", "=", account.id), ("parent_state", "=", "posted")]
        if until:
            domain.append(("date", "<=", until))
        [(total,)] = self.env["account.move.line"]._read_group(domain, [], ["balance:sum"])
        return round(-(total or 0.0), 2)
