"""What a period grants, when, for how long, and once."""

from datetime import date

import psycopg2

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tools import mute_logger

from .common import START, SubscriptionCreditCase


class TestGrant(SubscriptionCreditCase):
    """« S'abonner à un pack récurrent (ex. 10 crédits/mois) » (INSAHO §2.1, §3.2, §3.3)."""

    def test_granted_once_the_invoice_is_paid(self):
        subscription = self.subscribe(self.small, START)
        self.assertEqual(self.wallet.balance, 0)
        self.assertOwed(pending=100.0)
        self.pay_all(subscription, START)
        self.assertEqual(self.lots(), [(10, 10, 100.0)])
        self.assertEqual(self.wallet.lot_ids.expiry_date, date(2027, 1, 31))
        self.assertOwed(deferred=100.0)
        entry = self.wallet.entry_ids
        self.assertEqual(entry.idempotency_key, f"subscription:{subscription.period_ids.id}")
        self.assertEqual(entry.kind, "purchase")

    def test_granted_when_posted(self):
        self.small.credit_grant_on = "posted"
        subscription = self.subscribe(self.small, START)
        self.assertEqual(self.lots(), [(10, 10, 100.0)])
        self.assertOwed(deferred=100.0)
        self.pay_all(subscription, START)
        self.assertEqual(self.lots(), [(10, 10, 100.0)])

    def test_part_payment_grants_nothing(self):
        subscription = self.subscribe(self.small, START)
        with self.at(START):
            self.env["account.payment.register"].with_context(
                active_model="account.move",
                active_ids=self.invoices(subscription).ids).create({"amount": 60.0})\
                ._create_payments()
        self.assertEqual(self.wallet.balance, 0)
        self.pay_all(subscription, START)
        self.assertEqual(self.wallet.balance, 10)

    def test_unpaid_and_paid_again_grants_once(self):
        subscription = self.bought()
        invoice = self.invoices(subscription)
        with self.at(START):
            invoice.line_ids.remove_move_reconcile()
            self.assertEqual(invoice.payment_state, "not_paid")
            self.pay(invoice)
            self.assertIn(invoice.payment_state, ("paid", "in_payment"))
            invoice._invoice_paid_hook()
            subscription.period_ids._credit_grant()
        self.assertEqual(self.lots(), [(10, 10, 100.0)])

    def test_database_refuses_a_second_grant(self):
        subscription = self.bought()
        with self.assertRaises(psycopg2.errors.UniqueViolation), mute_logger("odoo.sql_db"), \
                self.at(START), self.env.cr.savepoint():
            self.wallet._grant(
                10, 0.0, "another key", subscription_period_id=subscription.period_ids.id)

    def test_each_renewal_grants_and_the_rest_expires(self):
        """Default: credits end with the last day of their period; what is left is breakage."""
        subscription = self.bought()
        self.book(4, date(2027, 1, 31))
        self.run_due(date(2027, 2, 1))
        self.pay_all(subscription, date(2027, 2, 1))
        with self.at(date(2027, 2, 1)):
            self.wallet._expire_lots()
        self.assertEqual(self.lots(), [(10, 0, 0.0), (10, 10, 100.0)])
        self.assertOwed(deferred=100.0, breakage=60.0)
        self.assertEqual(
            self.wallet.lot_ids.sorted("id").mapped("expiry_date"),
            [date(2027, 1, 31), date(2027, 2, 28)])

    def test_unused_credits_roll_over(self):
        self.small.write({"credit_rollover": True, "credit_validity_months": 3})
        subscription = self.bought()
        self.assertEqual(self.wallet.lot_ids.expiry_date, date(2027, 4, 1))
        subscription.credit_validity_months = 0
        self.run_due(date(2027, 2, 1))
        self.pay_all(subscription, date(2027, 2, 1))
        self.assertFalse(self.wallet.lot_ids.sorted("id")[-1].expiry_date)
        self.assertEqual(self.wallet.balance, 20)

    def test_paid_after_the_period(self):
        """What was paid for can be used: as many days as the period had, from the payment."""
        subscription = self.subscribe(self.small, START)
        self.pay_all(subscription, date(2027, 3, 10))
        self.assertEqual(self.wallet.lot_ids.expiry_date, date(2027, 4, 9))
        self.assertEqual(self.wallet.balance, 10)

    def test_quantity_and_cycle(self):
        """Units multiply the credits; a year may grant more than twelve months."""
        yearly = self.env["subscription.plan.price"].create({
            "plan_id": self.small.id, "interval_unit": "year", "amount": 1000.0,
            "granted_credits": 130})
        self.bought(quantity=3)
        self.bought(price=yearly)
        self.assertEqual(self.lots(), [(30, 30, 300.0), (130, 130, 1000.0)])
        self.assertEqual(
            self.wallet.lot_ids.sorted("id")[-1].expiry_date, date(2027, 12, 31))

    def test_number_and_validity_are_kept_as_agreed(self):
        """A plan that offers less, or for a shorter time, is for new customers."""
        self.small.write({"credit_rollover": True, "credit_validity_months": 6,
                          "trial_days": 14, "trial_credits": 3})
        with self.at(START):
            ahead = self.draft(self.small, date(2027, 1, 10))
            ahead._start()
        subscription = self.bought(partner_id=self.make_customer("Other").id)
        self.small.write({"credit_validity_months": 1, "trial_credits": 0})
        self.small.price_ids.granted_credits = 2
        self.run_due(date(2027, 1, 10))
        self.assertEqual(ahead.period_ids.credit_entry_ids.credits, 3)
        self.run_due(date(2027, 1, 15))
        self.pay_all(subscription, date(2027, 1, 15))
        first = subscription.period_ids.filtered(lambda period: period.kind == "recurring")
        lot = first.credit_entry_ids.lot_move_ids.lot_id
        self.assertEqual((lot.granted, lot.expiry_date), (10, date(2027, 7, 15)))

    def test_number_changed_on_the_subscription_counts_from_the_next_period(self):
        """What was invoiced is what is granted."""
        subscription = self.subscribe(self.small, START)
        subscription.granted_credits = 12
        self.pay_all(subscription, START)
        self.assertEqual(self.wallet.balance, 10)
        self.run_due(date(2027, 2, 1))
        self.pay_all(subscription, date(2027, 2, 1))
        self.assertEqual(self.wallet.balance, 22)

    def test_change_takes_what_the_new_price_offers_when_it_is_agreed(self):
        """At once as well as planned: the plan edited in between changes nothing."""
        subscription = self.bought()
        with self.at(date(2027, 1, 10)):
            subscription._change(self.large.price_ids, timing="period_end")
        self.large.price_ids.granted_credits = 1
        self.run_due(date(2027, 2, 1))
        self.assertEqual(subscription.period_ids.sorted("date_start")[-1].credit_count, 20)
        with self.at(date(2027, 2, 1)):
            subscription._change(quantity=2)
        self.assertEqual(subscription.period_ids.sorted("id")[-1].credit_count, 40)

    def test_contract_that_ends_within_the_period(self):
        """Half the days are billed, half the credits granted."""
        subscription = self.subscribe(self.small, START, end_date=date(2027, 1, 16))
        self.pay_all(subscription, START)
        self.assertEqual(self.lots(), [(5, 5, 48.39)])
        self.assertEqual(self.wallet.lot_ids.expiry_date, date(2027, 1, 15))

    def test_plan_without_credits(self):
        subscription = self.bought(self.starter)
        self.assertFalse(self.wallet.entry_ids)
        self.assertOwed()
        self.assertFalse(subscription.period_ids.credit_count)

    def test_employee_subscribes_for_the_company(self):
        """The credits land in the wallet of the customer's company."""
        company = self.make_customer("ACME", is_company=True)
        employee = self.make_customer("Emma", parent_id=company.id)
        self.bought(partner_id=employee.id)
        self.assertEqual(self.env["credit.wallet"]._of(company, self.company).balance, 10)

    # Without a payment -------------------------------------------------------------------------

    def test_trial_grants_credits_without_value(self):
        self.small.write({"trial_days": 14, "trial_credits": 3})
        subscription = self.subscribe(self.small, START)
        self.assertEqual(self.lots(), [(3, 3, 0.0)])
        self.assertEqual(self.wallet.lot_ids.expiry_date, date(2027, 1, 14))
        self.assertOwed()
        self.run_due(date(2027, 1, 15))
        self.pay_all(subscription, date(2027, 1, 15))
        self.assertEqual(self.lots()[1:], [(10, 10, 100.0)])

    def test_trial_grants_nothing_by_default(self):
        self.small.trial_days = 14
        self.subscribe(self.small, START)
        self.assertFalse(self.wallet.entry_ids)

    def test_free_plan_grants_whole_periods_only(self):
        """A change between free plans is no source of credits."""
        free = self.make_credit_plan("Free", 0.0, 2)
        other = self.make_credit_plan("Other free", 0.0, 2)
        subscription = self.subscribe(free, START)
        self.assertEqual(self.lots(), [(2, 2, 0.0)])
        for day, plan in ((10, other), (11, free), (12, other)):
            with self.at(date(2027, 1, day)):
                subscription._change(plan.price_ids)
        self.assertEqual(self.lots(), [(2, 2, 0.0)])
        self.run_due(date(2027, 2, 1))
        self.assertEqual(len(self.lots()), 2)

    def test_pause_grants_nothing(self):
        subscription = self.bought()
        with self.at(date(2027, 1, 31)):
            subscription._pause()
        with self.at(date(2027, 3, 1)):
            subscription._resume()
        self.assertEqual(self.wallet.balance, 10)
        self.assertEqual(
            subscription.period_ids.filtered(lambda p: p.kind == "pause").credit_count, 0)
        self.pay_all(subscription, date(2027, 3, 1))
        self.assertEqual(self.lots()[1:], [(10, 10, 100.0)])

    # Orders ------------------------------------------------------------------------------------

    def order(self, plan, **line):
        order = self.env["sale.order"].create({
            "partner_id": self.customer.id,
            "order_line": [Command.create({"product_id": plan.product_variant_id.id, **line})]})
        order.action_confirm()
        return order

    def test_order_paid(self):
        """The first period is billed by the order, at the price agreed in it."""
        self.company.account_discount_expense_allocation_id = self.env[
            "account.account"].search([("code", "=like", "7096%")], limit=1)
        with self.at(START):
            order = self.order(self.small, product_uom_qty=2, discount=10)
            invoice = order._create_invoices()
            invoice.action_post()
            self.assertOwed(pending=180.0)
            self.pay(invoice)
        self.assertEqual(self.lots(), [(20, 20, 180.0)])
        self.assertOwed(deferred=180.0)
        self.assertEqual(self.wallet.entry_ids.invoice_line_id.move_id, invoice)

    def test_order_given_away(self):
        with self.at(START):
            self.order(self.small, discount=100)
        self.assertEqual(self.lots(), [(10, 10, 0.0)])
        self.assertOwed()

    # What it says ------------------------------------------------------------------------------

    def test_history_names_subscription_and_period(self):
        self.customer.lang = "en_US"
        subscription = self.bought()
        entry = self.wallet.entry_ids
        self.assertEqual(entry.origin, f"INSAHO 10 01/01/2027 – 01/31/2027 ({subscription.name})")
        self.assertEqual(entry._portal_invoice(), self.invoices(subscription))
        self.assertEqual(subscription.with_user(self.env.user).credits_granted, 10)
        action = subscription.action_view_credits()
        self.assertEqual(self.env["credit.entry"].search(action["domain"]), entry)

    def test_mail_once_in_the_customers_language(self):
        """INSAHO §2.6: « Email de confirmation d'achat ou d'abonnement à un pack de crédits »."""
        self.customer.lang = "fr_FR"
        subscription = self.bought()
        with self.at(START):
            subscription.period_ids._credit_grant()
        mails = self.mails_to(self.customer).filtered(
            lambda mail: "Votre abonnement a ajouté" in (mail.subject or ""))
        self.assertEqual(len(mails), 1)
        self.assertIn("10 crédits", mails.subject)
        self.assertIn(subscription.name, mails.body_html)
        self.assertIn("31/01/2027", mails.body_html)

    # Bad input ---------------------------------------------------------------------------------

    def test_database_refuses_bad_numbers(self):
        for record, values in (
                (self.small.price_ids, {"granted_credits": -1}),
                (self.small.price_ids, {"granted_credits": 100001}),
                (self.small, {"credit_share": 100.01}),
                (self.small, {"credit_share": -0.01}),
                (self.small, {"trial_credits": -1})):
            with self.assertRaises(psycopg2.errors.CheckViolation, msg=values), \
                    mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                record.write(values)
                record.flush_recordset()

    def test_more_credits_than_a_wallet_takes(self):
        self.small.price_ids.granted_credits = 100000
        with self.assertRaisesRegex(ValidationError, "Lower the quantity"):
            self.draft(self.small, START, quantity=101)

    def test_paid_invoice_cannot_be_reset(self):
        invoice = self.invoices(self.bought())
        with self.assertRaisesRegex(UserError, "cannot be reset to draft"):
            invoice.button_draft()
