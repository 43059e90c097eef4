"""Upgrades, downgrades, quantities and cycles: the preview, and exactly that."""

from datetime import date

import psycopg2

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.subscription_billing.exceptions import PreviewMismatch, WrongState

from .common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestChange(SubscriptionCommon):

    def assertShown(self, change, preview):
        """Check that the executed documents equal the preview to the cent."""
        self.assertEqual(change.credit_note_id.amount_total, preview["credit"]["total"])
        self.assertEqual(change.credit_note_id.amount_tax, preview["credit"]["tax"])
        self.assertEqual(change.invoice_id.amount_total, preview["charge"]["total"])
        self.assertEqual(change.invoice_id.amount_tax, preview["charge"]["tax"])

    def test_upgrade_on_15_january(self):
        """€100→€200 upgrade on 15 January of a calendar month: 17/31 credited and charged."""
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        self.pay(self.invoices(subscription))
        price = self.pro.price_ids
        with self.at(date(2027, 1, 15)):
            preview = subscription._preview_change(price)
            change = subscription._change(price, expected_due=54.84)
        self.assertEqual(preview["credit"]["total"], 54.84)
        self.assertEqual(preview["charge"]["total"], 109.68)
        self.assertEqual(preview["due"], 54.84)
        self.assertEqual(preview["next"]["total"], 200.0)
        self.assertEqual(preview["next_date"], date(2027, 2, 1))
        self.assertShown(change, preview)
        self.assertEqual(subscription.plan_id, self.pro)
        self.assertEqual(subscription.mrr, 200.0)
        self.assertEqual(change.invoice_id.amount_residual, 54.84)  # the credit paid the rest
        self.assertEqual(
            [(period.date_start, period.date_end, period.amount - period.credited)
             for period in subscription.period_ids.sorted("date_start")],
            [(date(2027, 1, 1), date(2027, 1, 15), 45.16),
             (date(2027, 1, 15), date(2027, 2, 1), 109.68)])
        self.run_due(date(2027, 2, 1))
        self.assertEqual(self.invoices(subscription)[-1].amount_untaxed, 200.0)

    def test_upgrade_of_an_unpaid_invoice(self):
        """The credit note pays the invoice it corrects: what is left to pay is the sum."""
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        first = self.invoices(subscription)
        with self.at(date(2027, 1, 15)):
            change = subscription._change(self.pro.price_ids)
        self.assertEqual(first.amount_residual, 45.16)
        self.assertEqual(change.invoice_id.amount_residual, 109.68)

    def test_downgrade_is_paid_by_its_credit_note(self):
        """Odoo calls an invoice that a credit note settles reversed: nobody is chased for it."""
        subscription = self.subscribe(self.pro, date(2027, 1, 1))
        self.pay(self.invoices(subscription))
        with self.at(date(2027, 1, 15)):
            change = subscription._change(self.starter.price_ids)
        self.assertEqual(change.invoice_id.payment_state, "reversed")
        self.assertEqual(subscription._period_on(date(2027, 1, 20)).state, "paid")
        with self.at(date(2027, 3, 31)), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_past_due").method_direct_trigger()
        self.assertEqual(subscription.state, "active")

    def test_three_plans_in_a_day_and_back(self):
        """Changes of one day leave no day twice: each is credited before the next."""
        subscription = self.subscribe(self.starter, date(2027, 6, 1))
        with self.at(date(2027, 6, 11)):
            subscription._change(self.pro.price_ids)
            subscription._change(self.starter.price_ids, quantity=2)
            subscription._change(self.starter.price_ids, quantity=1)
        live = subscription.period_ids.filtered(lambda period: period.state != "void")
        self.assertEqual(sum(live.mapped(lambda period: period.amount - period.credited)), 100.0)
        void = subscription.period_ids - live
        self.assertEqual(len(void), 2)
        self.assertEqual(void.mapped("credited"), void.mapped("amount"))

    def test_quantity_now_and_at_period_end(self):
        subscription = self.subscribe(self.starter, date(2027, 6, 1))
        with self.at(date(2027, 6, 16)):
            preview = subscription._preview_change(quantity=3)
            self.assertEqual((preview["credit"]["total"], preview["charge"]["total"]),
                             (50.0, 150.0))
            self.assertShown(subscription._change(quantity=3), preview)
            later = subscription._preview_change(quantity=1, timing="period_end")
            self.assertEqual((later["due"], later["next"]["total"]), (0.0, 100.0))
            subscription._change(quantity=1, timing="period_end")
        self.assertEqual(subscription.quantity, 3)
        with self.at(date(2027, 6, 20)):
            self.assertEqual(subscription._preview_next_invoice()["total"], 100.0)
        self.run_due(date(2027, 7, 1))
        self.assertEqual(subscription.quantity, 1)
        self.assertEqual(self.invoices(subscription)[-1].amount_untaxed, 100.0)

    def test_cycle_now_starts_a_new_period(self):
        plan = self.make_plan("Both", 30.0, prices=[("year", 1, 300.0)])
        monthly, yearly = plan.price_ids
        subscription = self.subscribe(plan, date(2027, 6, 1), monthly)
        with self.at(date(2027, 6, 11)):
            preview = subscription._preview_change(yearly)
            self.assertEqual((preview["credit"]["total"], preview["charge"]["total"]),
                             (20.0, 300.0))
            self.assertEqual(preview["next_date"], date(2028, 6, 11))
            self.assertShown(subscription._change(yearly), preview)
        self.assertEqual(subscription.next_date, date(2028, 6, 11))
        self.assertEqual(subscription.mrr, 25.0)
        self.run_due(date(2028, 6, 11))
        self.assertEqual(self.invoices(subscription)[-1].amount_untaxed, 300.0)

    def test_change_on_an_ended_subscription(self):
        """A change on an ended subscription is refused and says why."""
        subscription = self.subscribe(self.starter, date(2027, 6, 1))
        with self.at(date(2027, 6, 11)):
            subscription._cancel(now=True)
            with self.assertRaisesRegex(WrongState, "Ended"):
                subscription._change(self.pro.price_ids)

    def test_two_changes_in_one_period(self):
        """A second planned change is refused, by Python kindly and by the database."""
        subscription = self.subscribe(self.starter, date(2027, 6, 1))
        with self.at(date(2027, 6, 11)):
            change = subscription._change(self.pro.price_ids, timing="period_end")
            for timing in ("now", "period_end"):
                with self.assertRaisesRegex(UserError, "already changes to"):
                    subscription._change(quantity=2, timing=timing)
            with self.assertRaises(psycopg2.IntegrityError), mute_logger("odoo.sql_db"), \
                    self.cr.savepoint():
                change.sudo().copy()
            subscription._drop_planned_change()
            subscription._change(quantity=2, timing="period_end")
        self.run_due(date(2027, 7, 1))
        self.assertEqual((subscription.plan_id, subscription.quantity), (self.starter, 2))

    def test_amount_that_changed_since_shown(self):
        """Confirmed a day after it was shown: nothing happens, look again."""
        subscription = self.subscribe(self.starter, date(2027, 6, 1))
        with self.at(date(2027, 6, 11)):
            shown = subscription._preview_change(self.pro.price_ids)["due"]
        with self.at(date(2027, 6, 12)), self.assertRaises(PreviewMismatch):
            subscription._change(self.pro.price_ids, expected_due=shown)
        self.assertEqual(subscription.plan_id, self.starter)

    def test_commitment(self):
        """Committed: may grow, may not shrink nor leave before its end."""
        self.pro.commitment_months = 6
        subscription = self.subscribe(self.pro, date(2027, 1, 10))
        with self.at(date(2027, 2, 1)):
            with self.assertRaisesRegex(UserError, "committed until"):
                subscription._change(self.starter.price_ids)
            with self.assertRaisesRegex(UserError, "committed until"):
                subscription._cancel(now=True)
            subscription._cancel()
        self.assertEqual(subscription.end_date, date(2027, 7, 10))

    def test_prices_of_elsewhere_are_refused(self):
        subscription = self.subscribe(self.starter, date(2027, 6, 1))
        family = self.env["subscription.family"].create({"name": "Other"})
        other = self.make_plan("Other", family_id=family.id)
        dollars = self.make_plan("Dollars")
        dollars.price_ids.currency_id = self.env.ref("base.USD")
        with self.at(date(2027, 6, 11)):
            for plan, reason in ((other, "same family"), (dollars, "currency")):
                with self.assertRaisesRegex(UserError, reason):
                    subscription._preview_change(plan.price_ids)

    def test_period_begun_but_not_yet_billed(self):
        """Between a renewal's day and its run, no day escapes: it is billed first."""
        subscriptions = [self.subscribe(self.starter, date(2027, 1, 1)) for _each in range(4)]
        with self.at(date(2027, 2, 10)):
            with self.assertRaisesRegex(UserError, "about to be billed"):
                subscriptions[0]._preview_change(self.pro.price_ids)
            subscriptions[1]._cancel(now=True)
            subscriptions[2]._cancel()
            subscriptions[3]._pause()
        for subscription in subscriptions[1:]:
            self.assertEqual(
                self.invoices(subscription).mapped("invoice_date"),
                [date(2027, 1, 1), date(2027, 2, 10)])
        self.assertEqual(subscriptions[2].end_date, date(2027, 3, 1))
        for subscription in (subscriptions[1], subscriptions[3]):
            # 18 of the 28 days of February are given back
            self.assertEqual(self.credit_notes(subscription).amount_untaxed, 64.29)


@tagged("post_install", "-at_install")
class TestCreditTaxes(SubscriptionCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.vat = cls.make_tax(20)

    def test_two_half_credits_never_exceed_the_invoice(self):
        """Two half credits of €9.99 + 21 %: together the invoice, not a cent more."""
        for rounding in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = rounding
            plan = self.make_plan(f"Odd {rounding}", 9.99, taxes=self.make_tax(21, rounding))
            subscription = self.subscribe(plan, date(2027, 6, 1))
            period = subscription.period_ids
            with self.at(date(2027, 6, 16)):
                notes = period._post_credit_note(4.99, date(2027, 6, 16))
                notes += period._post_credit_note(5.00, date(2027, 6, 16))
            self.assertEqual(sum(notes.mapped("amount_total")), period.invoice_id.amount_total)
            self.assertEqual(sum(notes.mapped("amount_tax")), period.invoice_id.amount_tax)
            with self.assertRaisesRegex(ValidationError, "no more can be credited"), \
                    self.cr.savepoint():
                period._post_credit_note(0.01, date(2027, 6, 16))
            with self.assertRaises(psycopg2.IntegrityError), mute_logger("odoo.sql_db"), \
                    self.cr.savepoint():
                period.credited += 0.01
                period.flush_recordset()

    def test_many_small_credits_add_up_with_tax(self):
        """Thirty credits of a day each give back the invoice, tax included, to the cent."""
        subscription = self.subscribe(
            self.make_plan("Days", 9.99, taxes=self.vat), date(2027, 6, 1))
        period = subscription.period_ids
        for day in range(30, 0, -1):
            first = date(2027, 6, day)
            period._post_credit_note(period._credit_if_cut(first), date(2027, 6, 1))
        notes = self.credit_notes(subscription)
        self.assertEqual(len(notes), 30)
        self.assertAlmostEqual(sum(notes.mapped("amount_untaxed")), 9.99, 2)
        self.assertAlmostEqual(
            sum(notes.mapped("amount_tax")), period.invoice_id.amount_tax, 2)

    def test_credit_bears_the_rate_of_its_invoice(self):
        """A credit note bears the VAT rate of its invoice after a rate change."""
        plan = self.make_plan("Taxed", 300.0, taxes=self.vat)
        twice = self.make_plan("Twice", 600.0, taxes=self.vat)
        subscription = self.subscribe(plan, date(2027, 6, 1))
        # The law changed, and somebody changed the tax itself: in the database, since an addon
        # may refuse it in the form.
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_tax SET amount = 25 WHERE id = %s", [self.vat.id])
        self.env.invalidate_all()
        with self.at(date(2027, 6, 16)):
            preview = subscription._preview_change(twice.price_ids)
            change = subscription._change(twice.price_ids)
        self.assertEqual(change.credit_note_id.amount_untaxed, 150.0)
        self.assertEqual(change.credit_note_id.amount_tax, 30.0)  # 20 %
        self.assertEqual(change.invoice_id.amount_tax, 75.0)  # 25 % of 300
        self.assertEqual(preview["due"], 375.0 - 180.0)
        self.assertEqual(change.credit_note_id.line_ids.filtered("tax_line_id").balance, 30.0)

    def test_prices_with_tax_included(self):
        """Customers see 12.00 with tax: pieces and credits are of what they see."""
        included = self.make_tax(20, "Included", price_include_override="tax_included")
        plan = self.make_plan("Included", 12.0, taxes=included)
        twice = self.make_plan("Included twice", 24.0, taxes=included)
        subscription = self.subscribe(plan, date(2027, 6, 1))
        invoice = self.invoices(subscription)
        self.assertEqual((invoice.amount_untaxed, invoice.amount_total), (10.0, 12.0))
        with self.at(date(2027, 6, 11)):
            preview = subscription._preview_change(twice.price_ids)
            change = subscription._change(twice.price_ids)
        self.assertEqual(preview["credit"]["total"], 8.0)
        self.assertEqual(preview["charge"]["total"], 16.0)
        self.assertEqual(change.credit_note_id.amount_tax, 1.33)
        self.assertEqual(change.invoice_id.amount_total, 16.0)

    def test_vat_number_gained_within_the_period(self):
        """Valid VAT number gained mid-term: next invoice reverse charge, old credit as it was."""
        if "vat_check_vies" in self.company:
            self.company.vat_check_vies = False  # nobody answers here
        zero = self.make_tax(0, "Reverse charge", original_tax_ids=[Command.set(self.vat.ids)])
        position = self.env["account.fiscal.position"].create({
            "name": "EU business", "auto_apply": True, "vat_required": True,
            "country_group_id": self.env.ref("base.europe").id, "sequence": 0,
            "tax_ids": [Command.set(zero.ids)]})
        belgian = self.make_customer("Bruno", country_id=self.env.ref("base.be").id)
        plan = self.make_plan("Taxed", 300.0, taxes=self.vat)
        subscription = self.subscribe(plan, date(2027, 6, 1), partner_id=belgian.id)
        self.assertEqual(self.invoices(subscription).amount_tax, 60.0)
        belgian.vat = "BE0477472701"
        with self.at(date(2027, 6, 16)):
            change = subscription._change(quantity=2)
        self.assertEqual(change.credit_note_id.amount_tax, 30.0)  # as the first invoice
        self.assertEqual(change.invoice_id.amount_tax, 0.0)
        self.assertEqual(change.invoice_id.fiscal_position_id, position)
        self.run_due(date(2027, 7, 1))
        last = self.invoices(subscription)[-1]
        self.assertEqual((last.amount_untaxed, last.amount_tax), (600.0, 0.0))

    def test_preview_of_every_rounding(self):
        """Whatever the rounding of taxes, the documents equal the preview to the cent."""
        odd = self.make_tax(5.5)
        for method in ("round_per_line", "round_globally"):
            self.company.tax_calculation_rounding_method = method
            plan = self.make_plan(f"A {method}", 33.33, taxes=self.vat + odd)
            other = self.make_plan(f"B {method}", 77.77, taxes=self.vat + odd)
            subscription = self.subscribe(plan, date(2027, 1, 31), quantity=3)
            with self.at(date(2027, 2, 9)):
                preview = subscription._preview_change(other.price_ids, 7)
                change = subscription._change(other.price_ids, 7)
            self.assertEqual(change.credit_note_id.amount_total, preview["credit"]["total"])
            self.assertEqual(change.credit_note_id.amount_tax, preview["credit"]["tax"])
            self.assertEqual(change.invoice_id.amount_total, preview["charge"]["total"])
            self.assertEqual(change.invoice_id.amount_tax, preview["charge"]["tax"])
