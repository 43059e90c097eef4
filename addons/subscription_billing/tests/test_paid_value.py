"""What is credited comes from what was really paid, to the cent of the invoice credited."""

from datetime import date

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .test_terms import OrderCommon

DAY = date(2027, 1, 10)


class PaidCommon(OrderCommon):

    def sold(self, *plans, discount=None, **line):
        """Make an order with a discount on the whole, confirmed, invoiced and paid."""
        with self.at(DAY):
            order = self.order(*plans, **line)
            if discount:
                self.discount(order, **discount)
        subscriptions, invoice = self.confirm(order)
        with self.at(DAY):
            self.pay(invoice.filtered("amount_total"))
        return subscriptions, invoice

    def discount(self, order, kind="so_discount", **vals):
        """Apply a discount with Odoo's wizard « Remise »."""
        self.env["sale.order.discount"].create({
            "sale_order_id": order.id, "discount_type": kind, **vals}).action_apply_discount()

    def down_payment(self, order, percent=50):
        wizard = self.env["sale.advance.payment.inv"].with_context(
            active_ids=order.ids, active_model="sale.order").create({
                "advance_payment_method": "percentage", "amount": percent})
        invoice = wizard._create_invoices(order)
        invoice.action_post()
        return invoice

    def credited(self, subscription):
        return round(sum(self.credit_notes(subscription).mapped("amount_total")), 2)


@tagged("post_install", "-at_install")
class TestDiscountOnTheWhole(PaidCommon):
    """A negative line of its own lowers what each line is worth."""

    def test_half_of_the_order(self):
        subscription, invoice = self.sold(self.starter, discount={"discount_percentage": 0.5})
        self.assertEqual((invoice.amount_total, subscription.period_ids.amount), (50.0, 50.0))
        with self.at(DAY):
            preview = subscription._preview_change(self.pro.price_ids)
            self.assertEqual(preview["credit"]["total"], 50.0)
            subscription._cancel(now=True)
        self.assertEqual(self.credited(subscription), 48.39)  # 30 of 31 days of 50
        self.assertEqual(subscription.sale_order_id.state, "cancel")

    def test_for_the_first_invoice_only(self):
        subscription, _invoice = self.sold(self.starter, discount={"discount_percentage": 0.5})
        self.run_due(date(2027, 2, 10))
        self.assertEqual(self.invoices(subscription)[-1].amount_total, 100.0)
        self.assertEqual(subscription.mrr, 100.0)

    def test_whole_period_never_above_what_was_paid(self):
        self.starter.cancel_policy = "full"
        subscription, _invoice = self.sold(self.starter, discount={"discount_percentage": 0.5})
        with self.at(date(2027, 1, 20)):
            subscription._cancel(now=True)
        self.assertEqual(self.credited(subscription), 50.0)

    def test_all_of_it(self):
        subscription, _invoice = self.sold(self.starter, discount={"discount_percentage": 1.0})
        with self.at(DAY):
            self.assertEqual(subscription._preview_change(self.pro.price_ids)["credit"]["total"], 0)
            subscription._cancel(now=True)
        self.assertEqual(self.credited(subscription), 0.0)

    def test_amount_shared_among_the_lines(self):
        """30 off 100 and 200: 10 of it belongs to the first one."""
        (first, second), _invoice = self.sold(
            self.starter, self.pro, discount={"kind": "amount", "discount_amount": 30.0})
        self.assertEqual((first.period_ids.amount, second.period_ids.amount), (90.0, 180.0))
        with self.at(DAY):
            first._cancel(now=True)
            second._cancel(now=True)
        self.assertEqual((self.credited(first), self.credited(second)), (87.10, 174.19))

    def test_with_taxes_of_both_kinds_and_roundings(self):
        """All of it credited is the invoice, tax by tax, whatever the price and the rounding."""
        for number, (rounding, included, rate, amount, quantity) in enumerate((
                ("round_globally", "tax_included", 20, 35.99, 3),
                ("round_per_line", "tax_included", 20, 35.99, 3),
                ("round_globally", "tax_excluded", 20, 35.99, 3),
                ("round_per_line", "tax_excluded", 5.5, 9.99, 7),
                ("round_globally", "tax_included", 5.5, 0.07, 13))):
            for share in (None, 0.3333, 0.5):
                self.company.tax_calculation_rounding_method = rounding
                tax = self.make_tax(
                    rate, f"{number} {share}", price_include_override=included)
                plan = self.make_plan(
                    f"{number} {share}", amount, taxes=tax, cancel_policy="full")
                subscription, invoice = self.sold(
                    plan, product_uom_qty=quantity,
                    discount=share and {"discount_percentage": share})
                self.assertEqual(subscription.sale_order_id.amount_total, invoice.amount_total)
                with self.at(date(2027, 1, 20)):
                    subscription._cancel(now=True)
                note = self.credit_notes(subscription)
                self.assertEqual(
                    (note.amount_total, note.amount_tax), (invoice.amount_total,
                                                           invoice.amount_tax), plan.name)

    def test_reversed_by_hand(self):
        """The reversal of the whole invoice gives back what was paid for the period: no more."""
        subscription, invoice = self.sold(self.starter, discount={"discount_percentage": 0.5})
        with self.at(date(2027, 1, 20)):
            invoice._reverse_moves([{"invoice_date": date(2027, 1, 20)}])._post(soft=False)
            period = subscription.period_ids
            self.assertEqual((period.amount, period.credited), (50.0, 50.0))
            subscription._cancel(now=True)
        self.assertEqual(len(self.credit_notes(subscription)), 1)

    def test_plan_reversed_without_its_discount(self):
        """More than was paid: refused in words."""
        subscription, invoice = self.sold(self.starter, discount={"discount_percentage": 0.5})
        note = invoice._reverse_moves([{"invoice_date": DAY}])
        note.invoice_line_ids.filtered(lambda line: line.price_unit < 0).unlink()
        with self.assertRaisesRegex(ValidationError, "no more can be credited"), \
                self.cr.savepoint():
            note._post(soft=False)
        self.assertEqual(subscription.period_ids.credited, 0.0)

    def test_gesture_by_staff_stays_beside_the_days_left(self):
        """As Kill Bill has it: 197.26 given and the days left owed, up to what was paid."""
        plan = self.make_plan("Year", 2400.0, unit="year")
        subscription = self.subscribe(plan, date(2027, 1, 1))
        invoice = self.invoices(subscription)
        self.pay(invoice)
        with self.at(date(2027, 1, 20)):
            note = invoice._reverse_moves([{"invoice_date": date(2027, 1, 20)}])
            note.invoice_line_ids.price_unit = 197.26
            note._post(soft=False)
        with self.at(date(2027, 1, 31)):
            subscription._cancel(now=True)
        left = round(2400 * 334 / 365, 2)
        self.assertEqual(self.credited(subscription), round(left + 197.26, 2))


@tagged("post_install", "-at_install")
class TestDownPayment(PaidCommon):

    def test_final_invoice_credits_what_was_paid_in_both(self):
        with self.at(DAY):
            order = self.order(self.starter)
            order.action_confirm()
            self.pay(self.down_payment(order))
            invoice = order._create_invoices(final=True)
            invoice.action_post()
            self.pay(invoice)
        subscription = order.order_line.subscription_ids
        self.assertEqual((invoice.amount_total, subscription.period_ids.amount), (50.0, 100.0))
        with self.at(DAY):
            subscription._cancel(now=True)
        self.assertEqual(self.credited(subscription), 96.77)

    def cancelled_before_its_invoice(self, *plans, **vals):
        self.starter.write(vals)
        with self.at(DAY):
            order = self.order(*plans)
            order.action_confirm()
            ahead = self.down_payment(order)
            self.pay(ahead)
            order.order_line.subscription_ids[0]._cancel(now=True)
        return order, ahead

    def test_given_back_when_nothing_is_billed(self):
        order, ahead = self.cancelled_before_its_invoice(self.starter)
        self.assertEqual(order.state, "cancel")
        note = ahead.reversal_move_ids
        self.assertEqual((note.state, note.amount_total), ("posted", 50.0))
        self.assertNotIn("stays with us", self.mails_to(self.customer)[-1].body_html)

    def test_kept_by_the_policy_and_said(self):
        _order, ahead = self.cancelled_before_its_invoice(self.starter, cancel_policy="none")
        self.assertFalse(ahead.reversal_move_ids)
        mail = self.mails_to(self.customer)[-1].body_html
        self.assertIn("50.00", mail)
        self.assertIn("stays with us", mail)

    def ahead_of(self, plan):
        """Make a paid down payment of half of an order for a plan."""
        with self.at(DAY):
            order = self.order(plan)
            order.action_confirm()
            ahead = self.down_payment(order)
            self.pay(ahead)
        return order.order_line.subscription_ids, ahead

    def credit_a_part(self, ahead, amount, post=True):
        with self.at(DAY):
            note = ahead._reverse_moves([{"invoice_date": DAY, "date": DAY}])
            line = note.invoice_line_ids.filtered(lambda line: line.display_type == "product")
            line.write({"quantity": 1, "price_unit": amount, "extra_tax_data": False})
            if post:
                note.action_post()
        return note

    def test_draft_credit_note_keeps_nothing(self):
        """It is cancelled, and all comes back by one that is posted."""
        subscription, ahead = self.ahead_of(self.starter)
        draft = self.credit_a_part(ahead, 20.0, post=False)
        with self.at(DAY):
            self.assertEqual(subscription._preview_cancellation()["credit"], 50.0)
            subscription._cancel(now=True)
        self.assertEqual(draft.state, "cancel")
        self.assertEqual((ahead.reversal_move_ids - draft).mapped("amount_total"), [50.0])

    def test_rest_after_a_credit_note_in_part(self):
        """To the cent, with tax: mailed, in the customer's favour, and no more than was paid."""
        for number, include in enumerate(("tax_excluded", "tax_included")):
            tax = self.make_tax(20, f"Ahead {number}", price_include_override=include)
            plan = self.make_plan(f"Ahead {number}", 99.99, taxes=tax)
            subscription, ahead = self.ahead_of(plan)
            first = self.credit_a_part(ahead, 12.34)
            left = round(ahead.amount_total - first.amount_total, 2)
            before = subscription._outstanding_credits()[subscription]
            with self.at(DAY):
                shown = subscription._preview_cancellation()
                subscription._cancel(now=True)
            rest = ahead.reversal_move_ids - first
            self.assertEqual((rest.state, rest.amount_total, shown["credit"]),
                             ("posted", left, left))
            self.assertEqual(
                round(rest.amount_untaxed + first.amount_untaxed, 2), ahead.amount_untaxed)
            self.assertTrue(rest.sending_data)
            self.assertEqual(round(subscription._outstanding_credits()[subscription] - before, 2),
                             left)
            listed = self.env["account.move.line"].search(
                [("move_id", "=", rest.id), ("account_type", "=", "asset_receivable"),
                 ("partner_id.subscription_ids", "!=", False), ("amount_residual", "<", 0)])
            self.assertEqual(listed.outstanding_credit_use, "subscriptions")

    def test_nothing_is_left_of_it(self):
        subscription, ahead = self.ahead_of(self.starter)
        first = self.credit_a_part(ahead, 50.0)
        with self.at(DAY):
            subscription._cancel(now=True)
        self.assertEqual(ahead.reversal_move_ids, first)

    def test_order_that_sold_more(self):
        """The subscription is taken off; what was paid ahead pays for the rest."""
        order, ahead = self.cancelled_before_its_invoice(self.starter, self.pro)
        self.assertEqual((order.state, order.amount_untaxed), ("sale", 200.0))
        self.assertFalse(ahead.reversal_move_ids)
        with self.at(DAY):
            invoice = order._create_invoices(final=True)
            invoice.action_post()
        self.assertEqual(invoice.amount_total, 50.0)  # 200 less half of 300


@tagged("post_install", "-at_install")
class TestShownBeforeThePayment(PaidCommon):
    """The order, its confirmation, the invoice and the renewal say one amount."""

    def test_totals_agree(self):
        for number, (rounding, included) in enumerate((
                ("round_per_line", "tax_included"), ("round_per_line", "tax_excluded"),
                ("round_globally", "tax_included"), ("round_globally", "tax_excluded"))):
            self.company.tax_calculation_rounding_method = rounding
            tax = self.make_tax(20, f"Both {number}", price_include_override=included)
            reduced = self.make_tax(5.5, f"Reduced {number}", price_include_override=included)
            setup = self.env["product.product"].create({
                "name": "Setup", "type": "service", "taxes_id": [Command.set(reduced.ids)]})
            for amount in (35.99, 9.99, 0.05):
                for quantity in (1, 3, 7):
                    plan = self.make_plan(
                        f"{rounding} {included} {amount} {quantity}", amount, taxes=tax,
                        setup_product_id=setup.id)
                    plan.price_ids.setup_fee = 12.34
                    with self.at(DAY):
                        order = self.order(plan, product_uom_qty=quantity, discount=15)
                        shown = order.amount_total
                    subscription, invoice = self.confirm(order)
                    self.assertEqual((order.amount_total, invoice.amount_total), (shown, shown))
                    ahead = subscription._preview_next_invoice()["total"]
                    self.run_due(date(2027, 2, 10))
                    self.assertEqual(self.invoices(subscription)[-1].amount_total, ahead)
                    without_fee = invoice.amount_total - order.order_line.filtered(
                        "is_setup_fee").price_total
                    self.assertAlmostEqual(ahead, without_fee, delta=0.011)
