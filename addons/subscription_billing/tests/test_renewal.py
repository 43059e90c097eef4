"""The renewals: each period is billed exactly once, at its place in the calendar."""

from datetime import date, datetime

import psycopg2

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SubscriptionCommon


@tagged("post_install", "-at_install")
class TestCalendar(SubscriptionCommon):

    def bounds(self, subscription):
        return [(period.date_start, period.date_end)
                for period in subscription.period_ids.sorted("date_start")]

    def test_two_plans_of_one_order_keep_the_31st(self):
        """Each by its own interval, from one anchor."""
        quarter = self.make_plan("Quarter", 300.0, count=3)
        with self.at(date(2027, 1, 31)):
            order = self.env["sale.order"].create({
                "partner_id": self.customer.id, "order_line": [
                    (0, 0, {"product_id": plan.product_variant_id.id})
                    for plan in (self.starter, quarter)]})
            order.action_confirm()
            order._create_invoices().action_post()
        for day in (date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)):
            self.run_due(day)
        month, quarter = order.order_line.subscription_ids.sorted("id")
        self.assertEqual([*month.period_ids.sorted("date_start").mapped("date_start")], [
            date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)])
        self.assertEqual([*quarter.period_ids.sorted("date_start").mapped("date_start")], [
            date(2027, 1, 31), date(2027, 4, 30)])
        self.assertEqual((month.next_date, quarter.next_date),
                         (date(2027, 5, 31), date(2027, 7, 31)))

    def test_next_day_stored_wrongly(self):
        """Of an earlier version, or changed in the database: found within a day, and billed."""
        strayed = [self.subscribe(self.starter, date(2027, 1, 31)) for _each in range(2)]
        right = self.subscribe(self.starter, date(2027, 1, 31))
        nowhere = self.subscribe(self.starter, date(2027, 1, 31))
        with self.at(date(2027, 2, 1)):
            strayed[1]._pause(date(2027, 2, 28))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE subscription_subscription SET next_run_at = CASE id WHEN %s"
            " THEN NULL ELSE '2030-01-01'::timestamp END WHERE id IN %s",
            (strayed[0].id, (strayed[0].id, strayed[1].id)))
        self.env.cr.execute(  # one bad row does not stop the others
            "UPDATE subscription_subscription SET tz = 'Mars/Phobos', is_held = TRUE"
            " WHERE id = %s", (nowhere.id,))
        self.env.invalidate_all()
        self.run_due(date(2027, 2, 28))
        self.assertEqual(right.next_date, date(2027, 3, 31))
        with self.at(date(2027, 2, 28)), self.enter_registry_test_mode(), \
                mute_logger("odoo.addons.subscription_billing.models.subscription_run"):
            self.env.ref("subscription_billing.ir_cron_notices").method_direct_trigger()
        self.run_due(date(2027, 2, 28))
        self.assertEqual([each.next_date for each in strayed],
                         [date(2027, 3, 31), date(2027, 3, 28)])

    def test_31_january_monthly(self):
        """31 Jan monthly → 28 Feb, 31 Mar, 30 Apr: no drift."""
        subscription = self.subscribe(self.starter, date(2027, 1, 31))
        for day in (date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)):
            self.run_due(day)
        self.assertEqual(self.bounds(subscription), [
            (date(2027, 1, 31), date(2027, 2, 28)), (date(2027, 2, 28), date(2027, 3, 31)),
            (date(2027, 3, 31), date(2027, 4, 30)), (date(2027, 4, 30), date(2027, 5, 31))])
        self.assertEqual(self.invoices(subscription).mapped("invoice_date"), [
            date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30)])
        self.assertEqual(set(self.invoices(subscription).mapped("state")), {"posted"})
        self.assertEqual(self.invoices(subscription).mapped("amount_untaxed"), [100.0] * 4)

    def test_29_february_yearly(self):
        """29 Feb 2024 yearly → 28 Feb 2025 … 29 Feb 2028."""
        yearly = self.make_plan("Yearly", 1200.0, unit="year")
        subscription = self.subscribe(yearly, date(2024, 2, 29))
        for year in (2025, 2026, 2027):
            self.run_due(date(year, 2, 28))
        self.run_due(date(2028, 2, 28))  # a day early: nothing
        self.run_due(date(2028, 2, 29))
        self.assertEqual(self.invoices(subscription).mapped("invoice_date"), [
            date(2024, 2, 29), date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28),
            date(2028, 2, 29)])

    def test_paris_weekly_run_twice_around_midnight(self):
        """Europe/Paris weekly from 23 May, run at 30 May 20:00 and 23:00 UTC: one invoice."""
        weekly = self.make_plan("Weekly", 10.0, unit="week")
        subscription = self.subscribe(weekly, date(2027, 5, 23))
        self.run_due(datetime(2027, 5, 29, 21, 59))  # 23:59 in Paris, the day before
        self.assertEqual(len(self.invoices(subscription)), 1)
        self.run_due(datetime(2027, 5, 30, 20))
        self.run_due(datetime(2027, 5, 30, 23))
        self.assertEqual(self.bounds(subscription), [
            (date(2027, 5, 23), date(2027, 5, 30)), (date(2027, 5, 30), date(2027, 6, 6))])
        self.assertEqual(len(self.invoices(subscription)), 2)

    def test_california_yearly_cancelled_at_term(self):
        """UTC−8 yearly cancelled at term: credit 0.00."""
        yearly = self.make_plan("Yearly", 365.0, unit="year")
        subscription = self.subscribe(yearly, date(2026, 1, 1), tz="America/Los_Angeles")
        with self.at(datetime(2027, 1, 1, 5)):  # 21:00 on 31 December in Los Angeles
            subscription._cancel(now=True)
        self.assertEqual(subscription.state, "ended")
        self.assertEqual(subscription.end_date, date(2027, 1, 1))
        self.assertFalse(self.credit_notes(subscription))
        self.assertEqual(sum(subscription.period_ids.mapped("credited")), 0.0)

    def test_catch_up_after_an_outage(self):
        """Each missed period is billed once: issued and due today, for days that it names."""
        term = self.env.ref("account.account_payment_term_30days")
        self.customer.property_payment_term_id = term
        subscription = self.subscribe(self.starter, date(2027, 1, 15))
        for _each in range(2):
            self.run_due(date(2027, 5, 20))
        first, *late = self.invoices(subscription)
        self.assertEqual(first.invoice_date, date(2027, 1, 15))
        self.assertEqual(
            [(move.invoice_date, move.date, move.invoice_date_due) for move in late],
            [(date(2027, 5, 20), date(2027, 5, 20), date(2027, 6, 19))] * 4)
        self.assertEqual(
            [move.invoice_line_ids.name for move in late],
            ["Starter, 02/15/2027 – 03/14/2027", "Starter, 03/15/2027 – 04/14/2027",
             "Starter, 04/15/2027 – 05/14/2027", "Starter, 05/15/2027 – 06/14/2027"])
        self.assertEqual(
            [start for start, _end in self.bounds(subscription)],
            [date(2027, month, 15) for month in range(1, 6)])

    def test_end_date_within_a_period(self):
        """The last period is billed up to the end of the contract only."""
        subscription = self.subscribe(self.starter, date(2027, 4, 1))
        subscription.end_date = date(2027, 5, 11)
        self.run_due(date(2027, 5, 1))
        self.run_due(date(2027, 5, 11))
        self.assertEqual(
            self.invoices(subscription).mapped("amount_untaxed"), [100.0, 32.26])
        self.assertEqual(subscription.state, "ended")

    def test_past_start_asks_first(self):
        """A start date in the far past: how many invoices will that make? Ask first."""
        with self.at(date(2027, 6, 15)):
            subscription = self.draft(self.starter, date(2026, 6, 15))
            self.assertEqual(subscription.backlog_count, 13)
            with self.assertRaisesRegex(UserError, "13 invoices"):
                subscription.action_start()
            self.assertEqual(subscription.state, "draft")
            subscription.backlog_confirmed = True
            subscription.action_start()
        self.run_due(date(2027, 6, 15))
        self.assertEqual(len(self.invoices(subscription)), 13)

    def test_setup_fee_once(self):
        self.starter.price_ids.setup_fee = 30.0
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        self.run_due(date(2027, 2, 1))
        self.assertEqual(
            self.invoices(subscription).mapped("amount_untaxed"), [130.0, 100.0])

    def test_quantity_is_billed(self):
        subscription = self.subscribe(self.starter, date(2027, 1, 1), quantity=3)
        line = self.invoices(subscription).invoice_line_ids
        self.assertEqual((line.quantity, line.price_unit, line.price_subtotal), (3, 100.0, 300.0))
        self.assertEqual(subscription.mrr, 300.0)

    def test_currencies(self):
        """JPY and KWD: rounded to whole yens and to thousandths of a dinar."""
        for name, amount, expected in (("JPY", 1000.0, 323.0), ("KWD", 1.0, 0.323)):
            currency = self.env["res.currency"].with_context(active_test=False).search(
                [("name", "=", name)])
            currency.active = True
            plan = self.make_plan(f"Plan {name}", amount)
            plan.price_ids.currency_id = currency
            subscription = self.subscribe(plan, date(2027, 5, 1))
            with self.at(date(2027, 5, 10)):
                subscription._cancel(now=True)
            credit = self.credit_notes(subscription)
            self.assertEqual(credit.currency_id, currency)
            # 21 of 31 days are given back, the 10 begun are kept
            self.assertAlmostEqual(amount - credit.amount_total, expected, 3)


@tagged("post_install", "-at_install")
class TestRun(SubscriptionCommon):

    def test_run_twice(self):
        """Run twice: one invoice a period; the run is told in the back office."""
        subscriptions = self.env["subscription.subscription"]
        for _each in range(3):
            subscriptions |= self.subscribe(self.starter, date(2027, 1, 10))
        self.run_due(date(2027, 2, 10))
        self.run_due(date(2027, 2, 10))
        for subscription in subscriptions:
            self.assertEqual(len(self.invoices(subscription)), 2)
        run = self.env["subscription.run"].search([], limit=1)
        self.assertEqual((run.billed_count, run.held_count, run.remaining_count), (3, 0, 0))
        self.assertTrue(run.end)

    def test_database_refuses_a_period_twice(self):
        """The row of a period is the idempotency key of its invoice."""
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        for change in ({}, {"date_start": date(2027, 1, 20)}):
            with self.assertRaises(psycopg2.IntegrityError), mute_logger("odoo.sql_db"), \
                    self.cr.savepoint():
                self.env["subscription.period"].sudo().create({
                    **self.row(subscription), **change})

    def row(self, subscription):
        period = subscription.period_ids
        return {
            "subscription_id": subscription.id, "currency_id": period.currency_id.id,
            "date_start": period.date_start, "date_end": period.date_end,
            "full_start": period.full_start, "full_end": period.full_end,
            "plan_id": period.plan_id.id, "price_id": period.price_id.id, "quantity": 1}

    def test_failure_after_posting_leaves_nothing(self):
        """Failure raised after posting: nothing is half done, the next run finishes."""
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        posted = []

        def fail(periods):
            posted.extend(periods.invoice_id.mapped("state"))
            raise OSError("the disk is full")

        self.patch(self.registry["subscription.period"], "_queue_after_invoice", fail)
        with mute_logger("odoo.addons.concurrency_base.tools.isolation"):
            self.run_due(date(2027, 2, 10))
        self.assertEqual(posted, ["posted"])  # the failure did come after the posting
        self.assertEqual(len(subscription.period_ids), 1)
        self.assertEqual(len(self.invoices(subscription)), 1)
        self.assertTrue(subscription.is_held)
        # A sentence for staff; the text of the error is in the log.
        self.assertIn("Something unforeseen happened (OSError)", subscription.hold_reason)

    def test_poisoned_one_is_isolated(self):
        """The others of the batch go on; staff are told, and decide when it is tried again."""
        good = self.env["subscription.subscription"]
        for _each in range(4):
            good |= self.subscribe(self.starter, date(2027, 1, 10))
        poisoned_plan = self.make_plan("Poisoned")
        poisoned = self.subscribe(poisoned_plan, date(2027, 1, 10), user_id=self.manager.id)
        account = self.env["account.account"].create(
            {"name": "Closed", "code": "706999", "account_type": "income"})
        poisoned_plan.property_account_income_id = account
        account.active = False
        with mute_logger("odoo.addons.concurrency_base.tools.isolation"):
            self.run_due(date(2027, 2, 10))
        self.assertEqual([len(self.invoices(each)) for each in good], [2] * 4)
        self.assertEqual(len(self.invoices(poisoned)), 1)
        self.assertTrue(poisoned.is_held)
        self.assertEqual(poisoned.activity_ids.user_id, self.manager)
        self.run_due(date(2027, 2, 11))
        self.assertEqual(len(poisoned.activity_ids), 1)  # kept out, told once
        account.active = True
        poisoned.with_user(self.user).action_release()
        self.run_due(date(2027, 2, 11))
        self.assertEqual(len(self.invoices(poisoned)), 2)

    def test_poisoned_resume_is_isolated(self):
        """A pause that cannot end is held like a renewal that fails; the run goes on."""
        plan = self.make_plan("Poisoned")
        poisoned, good = self.subscribe(plan, date(2027, 1, 10)), self.subscribe(
            self.starter, date(2027, 1, 10))
        with self.at(date(2027, 1, 20)):
            poisoned._pause(resume_date=date(2027, 2, 10))
        account = self.env["account.account"].create(
            {"name": "Closed", "code": "706999", "account_type": "income"})
        plan.property_account_income_id = account
        account.active = False
        with mute_logger("odoo.addons.concurrency_base.tools.isolation"):
            self.run_due(date(2027, 2, 10))
        self.assertEqual(len(self.invoices(good)), 2)
        self.assertEqual((poisoned.state, poisoned.is_held), ("paused", True))
        account.active = True
        poisoned.with_user(self.user).action_release()
        self.run_due(date(2027, 2, 11))
        self.assertEqual((poisoned.state, len(self.invoices(poisoned))), ("active", 2))

    def test_customer_without_address_is_held(self):
        """A customer who lacks address data is held, staff are told, others go on."""
        poor = self.make_customer("Nowhere")
        held = self.subscribe(self.starter, date(2027, 1, 10), partner_id=poor.id)
        other = self.subscribe(self.starter, date(2027, 1, 10))
        poor.street = False
        self.run_due(date(2027, 2, 10))
        self.assertEqual(len(self.invoices(other)), 2)
        self.assertEqual(len(self.invoices(held)), 1)
        self.assertIn("Street", held.hold_reason)
        self.assertTrue(held.activity_ids)
        poor.street = "2 rue du Test"
        held.action_release()
        self.run_due(date(2027, 2, 10))
        self.assertEqual(len(self.invoices(held)), 2)

    def test_foreign_business_without_vat_number_is_held(self):
        belgian = self.make_customer(
            "Brussels", is_company=True, country_id=self.env.ref("base.be").id)
        subscription = self.draft(self.starter, date(2027, 1, 10), partner_id=belgian.id)
        with self.at(date(2027, 1, 10)), self.assertRaisesRegex(UserError, "VAT number"):
            subscription.action_start()

    def test_cancelled_invoice_allows_a_re_issue(self):
        """A cancelled invoice allows a re-issue of its period, once."""
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        period, first = subscription.period_ids, subscription.period_ids.invoice_id
        first.button_draft()
        first.button_cancel()
        self.assertEqual((period.state, period.amount), ("to_invoice", 0.0))
        self.run_due(date(2027, 1, 11))  # staff decide: the run does not bill it by itself
        self.assertFalse(period.invoice_id)
        period.with_user(self.user).action_invoice_again()
        self.assertEqual((period.state, period.amount), ("invoiced", 100.0))
        self.assertNotEqual(period.invoice_id, first)
        with self.assertRaisesRegex(UserError, "already has its invoice"):
            period.with_user(self.user).action_invoice_again()

    def test_plan_without_price_in_the_currency(self):
        usd = self.env.ref("base.USD")
        with self.assertRaisesRegex(UserError, "no price in USD"):
            self.starter._price_in(usd)

    def test_interval_of_zero(self):
        with self.assertRaises(psycopg2.IntegrityError), mute_logger("odoo.sql_db"), \
                self.cr.savepoint():
            self.starter.price_ids.interval_count = 0
            self.env.flush_all()
