"""« Soft »: what is used beyond the limit is on the next renewal's invoice, once."""

from datetime import date, datetime, timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_quota import QuotaCommon

START = date(2027, 1, 31)
DURING = datetime(2027, 2, 10, 12)
NEXT = datetime(2027, 2, 28, 12)
AFTER = datetime(2027, 3, 31, 12)
LOCKED = "The journal is locked."


@tagged("post_install", "-at_install")
class TestQuotaOverage(QuotaCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.limit(cls.starter, cls.scans, 100, mode="soft", overage_price=0.5)
        cls.limit(cls.starter, cls.accounts, 3, mode="soft", overage_price=10.0)

    def lines(self, subscription):
        """List the untaxed amounts of the invoices, oldest first."""
        return [invoice.invoice_line_ids.mapped("price_subtotal")
                for invoice in self.invoices(subscription)]

    def test_billed_once_at_the_next_renewal(self):
        subscription = self.subscribe(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("scans", 90)
            subscription._quota_consume("scans", 30)
        for day in (NEXT, NEXT, AFTER):
            self.run_due(day)
        self.assertEqual(self.lines(subscription), [[100.0], [100.0, 10.0], [100.0]])
        line = self.invoices(subscription)[1].invoice_line_ids[1]
        self.assertEqual(line.name, "20 × Scans beyond the limit, 01/31/2027 – 02/27/2027")
        counter = subscription.quota_counter_ids.sorted("period_start")[0]
        self.assertEqual((counter.overage, counter.overage_billed), (20, 20))
        with self.refused_by_database():
            self.env.cr.execute(
                "UPDATE quota_counter SET overage_billed = 21 WHERE id = %s", (counter.id,))

    def test_billed_when_it_ends(self):
        """No renewal comes after a cancellation: a last invoice bills what is beyond, once. It
        is one of the subscription's, and is charged and chased like the others."""
        for now, day in ((True, DURING), (False, NEXT)):
            subscription = self.subscribe(
                self.starter, START, partner_id=self.make_customer(f"Leaving {now}").id)
            self.pay(self.invoices(subscription))
            with self.at(DURING):
                subscription._quota_consume("scans", 120)
                subscription._cancel(now=now)
            self.run_due(NEXT)
            self.assertEqual(subscription.state, "ended")
            self.assertEqual(self.lines(subscription), [[100.0], [10.0]], now)
            last = self.invoices(subscription)[1]
            self.assertEqual((last.state, last.invoice_date), ("posted", day.date()))
            period = last.invoice_line_ids.subscription_period_id
            self.assertEqual((period.kind, period.state, period.amount),
                             ("usage", "invoiced", 0.0))
            self.assertEqual(last, subscription._invoices_to_pay())
            late = last.invoice_date_due + timedelta(days=1)
            with self.at(late), self.enter_registry_test_mode():
                self.env.ref("subscription_billing.ir_cron_past_due").method_direct_trigger()
            if not now:  # at once, the days given back pay it before anybody is chased
                self.assertTrue(period.dunning_start)
                self.pay(last)
            self.assertFalse(last.amount_residual)
            self.assertEqual((period.state, subscription.state), ("paid", "ended"))

    def test_yearly_at_once(self):
        """What was used beyond the month's limit is billed in the same hour, not with the renewal a
        year later."""
        yearly = self.make_plan("Yearly", 1000.0, unit="year")
        self.limit(yearly, self.scans, 5000)
        subscription = self.subscribe(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("scans", 1120)
            subscription._change(yearly.price_ids)
            subscription._quota_consume("scans", 50)
            self.assertIsNone(subscription._preview_usage())  # not on the next renewal
        for day in (DURING, DURING, NEXT):
            self.run_due(day)
        last = self.invoices(subscription)[-1]
        self.assertEqual(
            last.invoice_line_ids.mapped(lambda line: (line.name, line.price_subtotal)),
            [("1020 × Scans beyond the limit, 01/31/2027 – 02/09/2027", 510.0)])
        self.assertEqual((len(self.invoices(subscription)), last.invoice_date), (3, DURING.date()))
        self.assertEqual(subscription.next_date, date(2028, 2, 10))

    def test_yearly_on_the_day_a_period_began(self):
        """The counter goes on for the year; what the month's limit did not hold is billed now,
        though more is counted before any run comes, and what the year's does not hold, later."""
        yearly = self.make_plan("Yearly", 1000.0, unit="year")
        self.limit(yearly, self.scans, 2000, mode="soft", overage_price=0.1)
        subscription = self.subscribe(self.starter, START)
        with self.at(START):
            subscription._quota_consume("scans", 1120)
            subscription._change(yearly.price_ids)
        late = datetime(2027, 3, 2, 12)
        with self.at(late):  # the month is over, and no run has come
            subscription._quota_consume("scans", 50)
        for day in (late, AFTER):
            self.run_due(day)
            last = self.invoices(subscription)[-1].invoice_line_ids
            self.assertEqual((last.price_subtotal, len(self.invoices(subscription))), (510.0, 3))
        self.assertEqual(last.name, "1020 × Scans beyond the limit, 01/31/2027 – 03/02/2027")
        with self.at(AFTER):
            subscription._quota_consume("scans", 840)
        self.run_due(datetime(2027, 6, 1, 12))
        self.assertEqual(len(self.invoices(subscription)), 3)
        self.run_due(datetime(2028, 1, 31, 12))
        self.assertEqual(
            self.invoices(subscription)[-1].invoice_line_ids.mapped("price_subtotal"),
            [1000.0, 1.0])

    def test_monthly_within_a_year_and_on_its_first_day(self):
        """The year that is cut short is over: its usage comes with the next month, once."""
        yearly = self.make_plan("Yearly", 1000.0, unit="year")
        self.limit(yearly, self.scans, 100, mode="soft", overage_price=0.5)
        for day, first, second in (
                (START, NEXT, AFTER),
                (DURING, datetime(2027, 3, 10, 12), datetime(2027, 4, 10, 12))):
            subscription = self.subscribe(yearly, START)
            with self.at(day):
                subscription._quota_consume("scans", 1120)
                subscription._change(self.starter.price_ids)
                self.assertEqual(subscription._preview_usage()["total"], 510.0, day)
            for due in (first, second):
                self.run_due(due)
            self.assertEqual(self.lines(subscription)[-2:], [[100.0, 510.0], [100.0]], day)

    def test_yearly_plan_counted_by_the_month(self):
        """Each month is billed when it ends; the last one with the renewal that is near."""
        yearly = self.make_plan("Yearly", 1000.0, unit="year", quota_interval="month")
        self.limit(yearly, self.scans, 100, mode="soft", overage_price=0.5)
        subscription = self.subscribe(yearly, date(2027, 1, 1))
        for month in (1, 2, 12):
            with self.at(date(2027, month, 15)):
                subscription._quota_consume("scans", 100 + month)
            self.assertEqual(bool(subscription._preview_usage()), month == 12)
            if month < 12:
                self.run_due(date(2027, month + 1, 1))
        self.run_due(date(2028, 1, 1))
        self.assertEqual(self.lines(subscription), [[1000.0], [0.5], [1.0], [1000.0, 6.0]])

    def test_used_before_a_pause(self):
        """No renewal comes in a pause: what was used is billed when its period is over."""
        subscription = self.subscribe(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("scans", 120)
            subscription._pause()
        self.run_due(NEXT)
        self.assertEqual(self.lines(subscription), [[100.0], [10.0]])
        with self.at(AFTER):
            subscription._resume()
        self.assertEqual(self.lines(subscription), [[100.0], [10.0], [100.0]])

    def test_twice_on_one_day(self):
        """Billed by itself, then the rest at the end: two invoices, as the units are."""
        subscription = self.subscribe(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("scans", 120)
            subscription._pause()
        self.run_due(NEXT)
        with self.at(NEXT):
            subscription._resume()
            subscription._quota_consume("scans", 104)
            subscription._cancel(now=True)
        self.assertEqual(self.lines(subscription), [[100.0], [10.0], [100.0], [2.0]])

    def test_one_that_cannot_be_billed(self):
        """It is held and staff are told; the usage of the others is billed."""
        subscriptions = [self.subscribe(self.starter, START) for _each in range(2)]
        with self.at(DURING):
            for subscription in subscriptions:
                subscription._quota_consume("scans", 120)
                subscription._pause()
        model = self.registry["subscription.period"]
        invoice = model._invoice

        def poisoned(periods):
            if subscriptions[0] in periods.subscription_id:
                raise UserError(LOCKED)
            return invoice(periods)

        self.patch(model, "_invoice", poisoned)
        with mute_logger("odoo.addons.concurrency_base.tools.isolation"):
            self.run_due(NEXT)
        self.assertEqual([each.is_held for each in subscriptions], [True, False])
        self.assertEqual(self.lines(subscriptions[1]), [[100.0], [10.0]])
        self.patch(model, "_invoice", invoice)
        subscriptions[0].action_release()
        self.run_due(NEXT)
        self.assertEqual(self.lines(subscriptions[0]), [[100.0], [10.0]])

    def test_one_in_a_timezone_the_database_does_not_know(self):
        """It is held and staff are told; the usage of the others is billed."""
        subscriptions = [self.subscribe(self.starter, START) for _each in range(2)]
        with self.at(DURING):
            for subscription in subscriptions:
                subscription._quota_consume("scans", 120)
                subscription._pause()
        self.env.flush_all()
        self.env.cr.execute("UPDATE subscription_subscription SET tz = 'Mars/Phobos' "
                            "WHERE id = %s", [subscriptions[0].id])
        self.env.invalidate_all()
        with mute_logger("odoo.addons.concurrency_base.tools.isolation", "odoo.sql_db"):
            self.run_due(NEXT)
        self.assertEqual([each.is_held for each in subscriptions], [True, False])
        self.assertEqual(self.lines(subscriptions[1]), [[100.0], [10.0]])

    def test_usage_is_never_credited(self):
        """Of a plan of price 0, neither by a change, nor a pause, nor a cancellation."""
        free = self.make_plan("Free", 0.0, cancel_policy="full")
        self.limit(free, self.scans, 100, mode="soft", overage_price=0.5)
        for leave in (
                lambda each: each._change(self.pro.price_ids), lambda each: each._pause(),
                lambda each: each._cancel(now=True)):
            subscription = self.subscribe(free, START)
            with self.at(DURING):
                subscription._quota_consume("scans", 110)
            self.run_due(NEXT)
            self.pay(self.invoices(subscription))
            with self.at(NEXT):
                leave(subscription)
            self.assertFalse(self.credit_notes(subscription))

    def test_invoiced_again(self):
        """The invoice is cancelled and made anew: the units are on the new one, once."""
        subscription = self.subscribe(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("scans", 120)
        self.run_due(NEXT)
        with self.at(NEXT):
            self.invoices(subscription)[1].button_cancel()
            period = subscription.period_ids.filtered(lambda each: each.state == "to_invoice")
            period.action_invoice_again()
        posted = self.invoices(subscription).filtered(lambda move: move.state == "posted")
        self.assertEqual(posted[-1].invoice_line_ids.mapped("price_subtotal"), [100.0, 10.0])

    def test_last_second_and_what_is_held(self):
        """Consumed before midnight, counted after the renewal was billed: on the next invoice.
        What is held beyond the limit is on each."""
        subscription = self.subscribe(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("scans", 110)
            subscription._quota_consume("accounts", 5)
        self.run_due(NEXT)
        with self.at(datetime(2027, 2, 27, 22, 59, 59)):
            subscription._quota_consume("scans", 2)
            subscription._quota_release("accounts")
        self.run_due(AFTER)
        self.assertEqual(
            self.lines(subscription), [[100.0], [100.0, 5.0, 20.0], [100.0, 1.0, 10.0]])

    def test_warn_only_is_never_billed(self):
        self.limit(self.starter, self.scans, 100, mode="warn", overage_price=0.5)
        subscription = self.subscribe(self.starter, START)
        with self.at(DURING):
            self.assertEqual(subscription._quota_consume("scans", 150)["left"], 0)
            self.assertTrue(subscription._quota_check("scans"))
            self.assertIsNone(subscription._preview_usage())
        self.run_due(NEXT)
        self.assertEqual(self.lines(subscription), [[100.0], [100.0]])

    def test_told_before_it_is_billed(self):
        """« Prochaine facture : 49,00 € + 12,00 € de dépassement à ce jour »: as it is billed."""
        self.starter.taxes_id = self.make_tax(20.0)
        subscription = self.subscribe(self.starter, START)
        with self.at(DURING):
            subscription._quota_consume("scans", 100)
            subscription._quota_consume("accounts", 3)
            self.assertIsNone(subscription._preview_usage())
            subscription._quota_consume("scans", 30)
            subscription._quota_consume("accounts", 2)
            told = subscription._preview_usage()
            ahead = subscription._preview_next_invoice()
            self.assertEqual(
                (subscription.next_total, subscription.next_overage), (ahead["total"], 42.0))
        self.assertEqual(told, {"untaxed": 35.0, "tax": 7.0, "total": 42.0})
        self.run_due(NEXT)
        self.assertEqual(
            self.invoices(subscription)[1].amount_total, ahead["total"] + told["total"])
        with self.at(NEXT):  # the scans are billed, the accounts are still held
            self.assertEqual(subscription._preview_usage()["untaxed"], 20.0)
            subscription._change(self.pro.price_ids, 1, "period_end")
            self.assertIsNone(subscription._preview_usage())

    def test_not_told_before_its_period_is_over(self):
        """Billed by the week, counted by the month: it is not on the next invoice yet."""
        weekly = self.make_plan("Weekly", 20.0, unit="week", quota_interval="month")
        self.limit(weekly, self.scans, 100, mode="soft", overage_price=0.5)
        subscription = self.subscribe(weekly, START)
        with self.at(START):
            subscription._quota_consume("scans", 120)
            self.assertIsNone(subscription._preview_usage())
        for week in range(1, 4):
            self.run_due(START + timedelta(weeks=week))
        with self.at(START + timedelta(weeks=3)):
            self.assertEqual(subscription._preview_usage()["total"], 10.0)
        self.run_due(START + timedelta(weeks=4))
        self.assertEqual(self.lines(subscription), [[20.0]] * 4 + [[20.0, 10.0]])

    def test_another_currency_and_taxes(self):
        self.starter.taxes_id = self.make_tax(20.0)
        dollar = self.env.ref("base.USD")
        dollar.active = True
        self.env["res.currency.rate"].create({
            "name": START, "currency_id": dollar.id, "rate": 2.0,
            "company_id": self.company.id})
        price = self.env["subscription.plan.price"].create({
            "plan_id": self.starter.id, "currency_id": dollar.id, "amount": 120.0})
        subscription = self.subscribe(self.starter, START, price)
        with self.at(DURING):
            subscription._quota_consume("scans", 120)
            self.assertEqual(subscription._preview_usage()["total"], 24.0)
        self.run_due(NEXT)
        self.assertEqual(self.lines(subscription)[1], [120.0, 20.0])
        self.assertEqual(self.invoices(subscription)[1].amount_total, 168.0)

    def test_free_plan_pays_what_is_beyond(self):
        free = self.make_plan("Free", 0.0)
        self.limit(free, self.scans, 100, mode="soft", overage_price=0.5)
        subscription = self.subscribe(free, START)
        with self.at(DURING):
            subscription._quota_consume("scans", 110)
        self.run_due(NEXT)
        period = subscription.period_ids.sorted("date_start")[-1]
        self.assertEqual((period.state, period.invoice_id.amount_total), ("invoiced", 5.0))
        self.pay(period.invoice_id)
        self.assertEqual(period.state, "paid")
