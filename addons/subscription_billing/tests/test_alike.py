"""Invoices whose lines are computed once for many customers are Odoo's own, field by field."""

from contextlib import contextmanager, nullcontext
from datetime import date
from unittest.mock import patch

import psycopg2

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.subscription_billing.models.subscription_invoice_batch import (
    SubscriptionInvoiceBatch,
)

from .common import SubscriptionCommon

DAY = date(2027, 3, 15)
# Given anew each time a row is made.
OF_THE_ROW = {"id", "create_date", "write_date", "access_token"}
OF_THE_NUMBER = {"sequence_number", "made_sequence_gap"}  # which of them comes first


@contextmanager
def odoo_alone():
    """Let Odoo make invoices its own way: the lines sold, the others by synchronisation; posted."""
    with patch.object(SubscriptionInvoiceBatch, "_create_invoices",
                      lambda _batch, moves, vals_list: moves.create(vals_list)), \
            patch.object(SubscriptionInvoiceBatch, "_post_invoices",
                         lambda _batch, moves: moves._post(soft=False)):
        yield


@tagged("post_install", "-at_install")
class TestAlike(SubscriptionCommon):

    def setUp(self):
        super().setUp()
        self.service = self.make_plan("Service", 99.99, taxes=[self.chart("tva_normale")])
        self.customers = self.env["res.partner"].concat(
            *(self.make_customer(f"Alike {number}") for number in range(3)))

    def chart(self, name):
        return self.env.ref(f"account.{self.company.id}_{name}")

    def due(self, plan=None, price=None, **vals):
        """Make a subscription due on the day for each customer."""
        plan = plan or self.service
        subscriptions = self.env["subscription.subscription"].create([{
            "partner_id": customer.id, "plan_id": plan.id,
            "price_id": (price or plan.price_ids[0]).id, **vals} for customer in self.customers])
        subscriptions.write({"state": "active", "anchor_date": DAY, "next_date": DAY})
        return subscriptions

    # What an invoice is -----------------------------------------------------------------------

    def stored(self, record, left_out):
        """Return the record's stored values, by name."""
        return {
            name: self.plain(record, name) for name, field in record._fields.items()
            if field.store and field.type != "one2many" and name not in left_out}

    def plain(self, record, name):
        """Return a value that is the same for the same invoice made twice."""
        value = record[name]
        if name == "subscription_period_id":
            return (value.subscription_id.id, value.date_start)
        if isinstance(value, str) and record._name.startswith("account.move"):
            number = (record if record._name == "account.move" else record.move_id).name
            return value.replace(number, "NUMBER")
        return getattr(value, "ids", value)

    def picture(self, moves):
        """Return all of some invoices, by subscription."""
        return {move.invoice_origin: {
            "number": move.name,
            "move": self.stored(move, OF_THE_ROW | OF_THE_NUMBER),
            "totals": move.tax_totals,
            "sold": [line.name for line in move.invoice_line_ids],
            "messages": len(move.message_ids),
            "followers": move.message_partner_ids.ids,
            "lines": [self.stored(line, OF_THE_ROW | {"move_id"})
                      for line in move.line_ids.sorted("id")],
        } for move in moves}

    def bill(self, subscriptions, patched=None):
        """Bill within a savepoint that is undone.

        :return: the picture of the invoices
        """
        savepoint = self.cr.savepoint()
        try:
            with self.at(DAY), patched or nullcontext():
                moves = subscriptions._renew().invoice_id
                self.env.flush_all()
                self.env.invalidate_all()
                picture = self.picture(moves)
        finally:
            savepoint.close(rollback=True)
        self.assertEqual(len(picture), len(subscriptions))
        return picture

    def as_odoo(self, subscriptions):
        return self.bill(subscriptions, odoo_alone())

    def assert_as_odoo(self, subscriptions, alike=2):
        """Check that all fields of the invoices and their lines are those of Odoo's own creation.

        :param int alike: how many of the invoices were copied from another one
        """
        copied = []
        complete = SubscriptionInvoiceBatch._complete_values

        def count(batch, first, vals_list):
            copied.extend(vals_list)
            return complete(batch, first, vals_list)

        theirs = self.as_odoo(subscriptions)
        ours = self.bill(subscriptions, patch.object(
            SubscriptionInvoiceBatch, "_complete_values", count))
        self.maxDiff = None
        self.assertEqual(len(copied), alike)
        self.assertEqual(self.take_numbers(ours), self.take_numbers(theirs))
        for origin, picture in theirs.items():
            with self.subTest(invoice=origin):
                self.assertEqual(ours[origin], picture)

    def take_numbers(self, pictures):
        """Take the numbers out, sorted: which invoice bears which follows from their order."""
        return sorted(picture.pop("number") for picture in pictures.values())

    # The groups -------------------------------------------------------------------------------

    def test_french_vat(self):
        """20 %: amounts, tags, base of the tax, repartition."""
        subscriptions = self.due()
        self.assert_as_odoo(subscriptions)
        move = next(iter(self.bill(subscriptions).values()))
        self.assertEqual([line["balance"] for line in move["lines"]], [-99.99, -20.0, 119.99])
        self.assertTrue(move["lines"][0]["tax_tag_ids"] and move["lines"][1]["tax_base_amount"])

    def test_reverse_charge(self):
        """A business of another member state: the fiscal position's tax, and none to pay."""
        if "vat_check_vies" in self.company:
            self.company.vat_check_vies = False  # nobody answers a test
        for number, customer in enumerate(self.customers):
            customer.write({
                "is_company": True, "country_id": self.env.ref("base.be").id,
                "vat": ("BE0477472701", "BE0428759497", "BE0403170701")[number]})
        self.service.taxes_id = self.chart("tva_normale")
        position = self.chart("fiscal_position_template_intraeub2b")
        subscriptions = self.due()
        self.assertEqual(subscriptions[0]._fiscal_position(), position)
        self.assert_as_odoo(subscriptions)

    def test_price_with_tax(self):
        self.service.taxes_id = self.chart("tva_normale_ttc")
        self.assert_as_odoo(self.due())

    def test_two_taxes(self):
        """The second on top of the first, and one of them due when the invoice is paid."""
        first = self.make_tax(7.7, include_base_amount=True, sequence=1)
        transition = self.env["account.account"].create({
            "name": "Tax in waiting", "code": "445899", "account_type": "liability_current",
            "reconcile": True})
        self.company.tax_exigibility = True
        second = self.make_tax(
            3.3, sequence=2, tax_exigibility="on_payment",
            cash_basis_transition_account_id=transition.id)
        self.service.taxes_id = first + second
        self.assert_as_odoo(self.due())

    def test_group_of_taxes(self):
        group = self.env["account.tax"].create({
            "name": "Group", "amount_type": "group", "type_tax_use": "sale",
            "children_tax_ids": [Command.set(
                (self.make_tax(5, "Five") + self.make_tax(1.5, "One and a half")).ids)]})
        self.service.taxes_id = group
        self.assert_as_odoo(self.due())

    def in_currency(self, name, rate, amount):
        currency = self.env["res.currency"].with_context(active_test=False).search(
            [("name", "=", name)])
        currency.active = True
        self.env["res.currency.rate"].create({
            "currency_id": currency.id, "rate": rate, "name": date(2027, 1, 1)})
        return self.env["subscription.plan.price"].create({
            "plan_id": self.service.id, "currency_id": currency.id, "amount": amount})

    def test_foreign_currency(self):
        self.assert_as_odoo(self.due(price=self.in_currency("USD", 1.2345, 33.33), quantity=7))

    def test_yen(self):
        self.assert_as_odoo(self.due(price=self.in_currency("JPY", 161.7, 1999), quantity=3))

    def test_two_instalments(self):
        """30 % at once and the rest in a month: two due dates."""
        self.customers.property_payment_term_id = self.env["account.payment.term"].create({
            "name": "In two", "line_ids": [
                Command.create({"value": "percent", "value_amount": 30, "nb_days": 0}),
                Command.create({"value": "percent", "value_amount": 70, "nb_days": 30})]})
        subscriptions = self.due()
        self.assert_as_odoo(subscriptions)
        move = next(iter(self.bill(subscriptions).values()))
        self.assertEqual(move["move"]["invoice_date_due"], date(2027, 4, 14))
        self.assertEqual(len({line["date_maturity"] for line in move["lines"]}), 3)

    def test_early_payment_discount(self):
        """Lines that a term adds are copied like the others."""
        self.customers.property_payment_term_id = self.env["account.payment.term"].create({
            "name": "2 % at once", "early_discount": True, "discount_days": 7,
            "discount_percentage": 2, "early_pay_discount_computation": "mixed",
            "line_ids": [Command.create({"value": "percent", "value_amount": 100,
                                         "nb_days": 30})]})
        subscriptions = self.due()
        self.assert_as_odoo(subscriptions)
        move = next(iter(self.bill(subscriptions).values()))
        self.assertIn("epd", [line["display_type"] for line in move["lines"]])

    def test_seats(self):
        self.assert_as_odoo(self.due(quantity=13))

    def test_setup_fee(self):
        self.service.price_ids.setup_fee = 45.5
        self.service.setup_product_id.taxes_id = self.chart("tva_intermediaire")
        subscriptions = self.due()
        self.assert_as_odoo(subscriptions)
        move = next(iter(self.bill(subscriptions).values()))
        self.assertEqual(len(move["sold"]), 2)

    def test_part_of_a_period(self):
        """Each contract ends within the period: the text says so."""
        self.assert_as_odoo(self.due(end_date=date(2027, 3, 25)))

    # Customers who are not alike --------------------------------------------------------------

    def test_account_of_the_customer(self):
        """One of three has a receivable account of their own: not copied from the others."""
        own = self.chart("pcg_4111").copy({"code": "411999"}) if self.env.ref(
            f"account.{self.company.id}_pcg_4111", False) else self.customers[
                0].property_account_receivable_id.copy({"code": "411999"})
        self.customers[1].property_account_receivable_id = own
        self.assert_as_odoo(self.due(), alike=1)

    def test_language_and_address(self):
        """A French customer, and one invoiced at an address of their company."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customers[2].lang = "fr_FR"
        subscriptions = self.due()
        company = self.make_customer("Parent", is_company=True)
        self.customers[1].parent_id = company
        self.assert_as_odoo(subscriptions, alike=1)

    def test_analytic_accounts(self):
        """By service: alike; by customer: each by Odoo's own rules."""
        plan = self.env["account.analytic.plan"].create({"name": "Projects"})
        account = self.env["account.analytic.account"].create(
            {"name": "Services", "plan_id": plan.id})
        rule = self.env["account.analytic.distribution.model"].create({
            "product_id": self.service.product_tmpl_id.product_variant_id.id,
            "analytic_distribution": {str(account.id): 100}})
        subscriptions = self.due()
        self.assert_as_odoo(subscriptions)
        rule.write({"product_id": False, "partner_id": self.customers[0].id})
        self.assert_as_odoo(subscriptions, alike=0)

    # Numbers ------------------------------------------------------------------------------------

    def test_numbers_of_two_years(self):
        """A batch that holds the last day of a year and the first of the next one."""
        subscriptions = self.due()
        subscriptions[0].write({"anchor_date": date(2026, 12, 31), "next_date": date(2026, 12, 31)})
        self.assert_as_odoo(subscriptions, alike=1)

    def test_numbers_by_month(self):
        """A journal whose last invoice was given a number of another form by hand."""
        subscriptions = self.due()
        first = self.env["account.move"].create({
            "move_type": "out_invoice", "partner_id": self.customers[0].id, "invoice_date": DAY,
            "invoice_line_ids": [Command.create({"name": "Other", "price_unit": 1})]})
        first.action_post()
        first.name = "F/2027/03/0041"
        self.assert_as_odoo(subscriptions)
        numbers = [picture["number"] for picture in self.bill(subscriptions).values()]
        self.assertEqual(sorted(numbers), [f"F/2027/03/00{number}" for number in (42, 43, 44)])

    # The comparison itself ----------------------------------------------------------------------

    def test_a_field_left_out_is_seen(self):
        """Negative control: each of these fields, when it is not copied, makes a difference."""
        self.customers.property_payment_term_id = self.env.ref(
            "account.account_payment_term_30days")
        subscriptions = self.due(price=self.in_currency("USD", 1.25, 40.0), quantity=2)
        theirs = self.as_odoo(subscriptions)
        copy_line = SubscriptionInvoiceBatch._copy_line
        for left_out in ("tax_tag_ids", "tax_base_amount", "tax_repartition_line_id",
                         "date_maturity", "quantity", "account_id", "balance"):

            def without(batch, line, left_out=left_out):
                values = copy_line(batch, line)
                values.pop(left_out, None)
                return values

            with self.subTest(field=left_out):
                try:
                    ours = self.bill(subscriptions, patch.object(
                        SubscriptionInvoiceBatch, "_copy_line", without))
                except (UserError, psycopg2.Error):
                    continue  # Odoo saw it, too
                self.assertNotEqual(ours, theirs)
