"""Dates and states know of each other: starts ahead, ends, pauses, what is paid too late."""

from datetime import date, datetime

from odoo import fields, http
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.subscription_billing.exceptions import WrongState

from .test_cases import CasesCommon

START = date(2027, 3, 1)


class DatesCommon(CasesCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.lang = "en_US"
        cls.env = cls.env(context={**cls.env.context, "lang": "en_US"})

    def sentence(self, subscription, day=None):
        with self.at(day or fields.Datetime.now()):
            return subscription._state_sentence()


@tagged("post_install", "-at_install")
class TestStartAhead(DatesCommon):
    """Nothing is invoiced, charged or switched on before the first day."""

    def upcoming(self, plan=None, **vals):
        with self.at(date(2027, 2, 10)):
            subscription = self.draft(plan or self.starter, START, **vals)
            subscription.action_start()
        return subscription

    def test_nothing_happens_before_the_first_day(self):
        subscription = self.upcoming(token_id=self.make_token().id)
        self.assertEqual((subscription.state, subscription.mrr), ("upcoming", 0.0))
        self.assertFalse(subscription.period_ids)
        self.assertEqual(
            self.subjects(), [f"Your subscription {subscription.name} starts on 03/01/2027"])
        self.run_due(datetime(2027, 2, 28, 22, 59))  # 23:59 in Paris
        self.assertEqual((subscription.state, len(subscription.period_ids)), ("upcoming", 0))
        self.run_due(datetime(2027, 2, 28, 23, 1))
        self.charge(START)
        self.assertEqual((subscription.state, subscription.mrr), ("active", 100.0))
        self.assertEqual(self.invoices(subscription).invoice_date, START)
        self.assertEqual(subscription.period_ids.state, "paid")
        self.assertEqual(subscription.next_date, date(2027, 4, 1))
        self.assertEqual(self.events(subscription)[:2], ["plan", "start"])
        self.assertEqual(
            self.subjects().count(f"Your subscription {subscription.name} has started"), 1)

    def test_what_is_told_before(self):
        subscription = self.upcoming()
        with self.at(date(2027, 2, 11)):
            self.assertEqual(
                self.sentence(subscription), "Starts on 03/01/2027. Nothing is due before.")
            ahead = subscription._preview_next_invoice()
        self.assertEqual((ahead["date"], ahead["total"]), (START, 100.0))

    def test_trial_ahead(self):
        """The trial is the customer's from the day it is agreed, and as long as it was then."""
        self.pro.trial_days = 14
        subscription = self.upcoming(self.pro)
        self.assertFalse(self.pro._trial_available(self.customer))
        with self.at(date(2027, 2, 11)):
            self.assertEqual(subscription._preview_next_invoice()["date"], date(2027, 3, 15))
        self.pro.trial_days = 7
        self.run_due(START)
        self.assertEqual((subscription.state, subscription.trial_end),
                         ("trial", date(2027, 3, 15)))
        self.assertFalse(self.invoices(subscription))
        self.run_due(date(2027, 3, 15))
        self.assertEqual(
            subscription.period_ids.sorted("date_start").mapped(
                lambda period: (period.kind, period.date_start)),
            [("trial", START), ("recurring", date(2027, 3, 15))])

    def test_cancelled_before_it_starts(self):
        """Even of a plan with a commitment, which begins with the first paid day."""
        self.starter.commitment_months = 12
        subscription = self.upcoming()
        with self.at(date(2027, 2, 11)):
            subscription._cancel()
        self.assertEqual(subscription.state, "ended")
        self.run_due(START)
        self.assertFalse(subscription.period_ids)

    def test_ends_before_it_starts(self):
        with self.assertRaisesRegex(UserError, "Change one of the two dates"):
            self.upcoming(end_date=START)

    def test_customer_without_address_on_the_first_day(self):
        subscription = self.upcoming()
        self.customer.street = False
        self.run_due(START)
        self.assertEqual((subscription.state, subscription.is_held), ("upcoming", True))
        self.customer.street = "2 rue du Test"
        subscription.action_release()
        self.run_due(date(2027, 3, 3))
        self.assertEqual(subscription.state, "active")
        self.assertEqual(subscription.period_ids.date_start, START)
        self.assertEqual(self.invoices(subscription).invoice_date, date(2027, 3, 3))


@tagged("post_install", "-at_install")
class TestEndDate(DatesCommon):
    """A contract ends on its day, in whatever state it is."""

    def cancelled(self):
        """Make a paid subscription that ends on 1 February."""
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        self.pay(self.invoices(subscription))
        with self.at(date(2027, 1, 10)):
            subscription._cancel()
        return subscription

    def test_pause_of_a_cancelled_one(self):
        for resume_date in (False, date(2027, 2, 1), date(2027, 2, 10)):
            subscription = self.cancelled()
            with self.at(date(2027, 1, 12)):
                subscription._pause(resume_date=resume_date)
            self.assertEqual(
                self.sentence(subscription, date(2027, 1, 13)), "The service is off, and nothing "
                "is billed. The subscription ends on 02/01/2027.")
            self.run_due(date(2027, 1, 31))
            self.assertEqual(subscription.state, "paused")
            self.run_due(date(2027, 2, 1))
            self.assertEqual((subscription.state, subscription.end_date),
                             ("ended", date(2027, 2, 1)))
            self.assertEqual(len(self.invoices(subscription)), 1)

    def test_resumed_before_it_ends(self):
        subscription = self.cancelled()
        with self.at(date(2027, 1, 12)):
            subscription._pause(resume_date=date(2027, 1, 20))
        self.assertIn("until it resumes on 01/20/2027. Cancelled: it ends on 02/01/2027",
                      self.sentence(subscription, date(2027, 1, 13)))
        self.run_due(date(2027, 1, 20))
        self.assertEqual(subscription.state, "active")
        self.assertEqual(
            subscription._period_on(date(2027, 1, 31)).date_end, date(2027, 2, 1))
        self.run_due(date(2027, 2, 1))
        self.assertEqual(subscription.state, "ended")

    def test_before_the_run_has_come(self):
        """After the last day, every action says so; nothing is billed, no database error."""
        subscription = self.cancelled()
        with self.at(date(2027, 1, 12)):
            subscription._pause()
        with self.at(date(2027, 2, 15)):
            for action in (subscription._resume, subscription._withdraw_cancellation):
                with self.assertRaisesRegex(UserError, "ended on 02/01/2027"):
                    action()
            self.assertEqual(self.sentence(subscription), "This subscription is over.")
            subscription._cancel()
        self.assertEqual((subscription.state, subscription.end_date),
                         ("ended", date(2027, 2, 1)))

    def test_cancellation_withdrawn_in_a_pause(self):
        subscription = self.cancelled()
        with self.at(date(2027, 1, 12)):
            subscription._pause()
            subscription._withdraw_cancellation()
        self.run_due(date(2027, 2, 1))
        self.assertEqual((subscription.state, subscription.end_date), ("paused", False))

    def cancelled_within_a_commitment(self, resume=False):
        """Committed until 24 January 2028, from a trial; paused in February, then cancelled.

        :return: (subscription, the mail that says so)
        """
        self.pro.write({"trial_days": 14, "commitment_months": 12})
        subscription = self.subscribe(self.pro, date(2027, 1, 10))
        self.run_due(date(2027, 1, 24))
        with self.at(date(2027, 2, 1)):
            if resume is not None:
                subscription._pause(resume)
            said = subscription._leaving_sentences(subscription._end_of_commitment())
            subscription._cancel()
        mail = self.mails_to(self.customer)[-1].body_html
        for sentence in said:
            self.assertIn(sentence, mail)
        return subscription, mail

    def test_cancelled_in_a_pause_within_the_commitment(self):
        """Nothing is served and nothing is billed; the mail does not say that the service stays
        on, and it ends with the commitment."""
        subscription, mail = self.cancelled_within_a_commitment()
        with self.at(date(2027, 2, 10)):
            subscription._withdraw_cancellation()
            subscription._resume()
            subscription._pause()
            subscription._cancel()
        self.assertEqual(subscription.end_date, date(2028, 1, 24))  # whatever the new anchor
        self.assertNotIn("stays on", mail)
        self.assertIn("nothing is billed. The subscription ends on 01/24/2028", mail)

    def test_cancelled_in_a_pause_that_ends_before_the_commitment(self):
        subscription, mail = self.cancelled_within_a_commitment(date(2027, 3, 1))
        self.assertIn("until it resumes on 03/01/2027, and stays on until 01/24/2028", mail)
        self.assertRegex(mail, r"billed as agreed: 1 × Pro.*200.00.* next on 03/01/2027")
        self.run_due(date(2027, 3, 1))
        self.assertEqual(self.invoices(subscription)[-1].amount_untaxed, 200.0)

    def test_cancelled_within_the_commitment(self):
        """« No further payment » was said of eleven more invoices."""
        subscription, mail = self.cancelled_within_a_commitment(None)
        self.assertRegex(mail, r"billed as agreed: 1 × Pro.*200.00.* next on 02/24/2027")
        self.run_due(date(2027, 2, 24))
        self.assertEqual(len(self.invoices(subscription)), 2)

    def test_last_day_cannot_be_paused(self):
        subscription = self.cancelled()
        with self.at(date(2027, 1, 31)), self.assertRaisesRegex(UserError, "no day left"):
            subscription._pause()

    def test_resume_date_of_the_past(self):
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        with self.at(date(2027, 1, 12)), self.assertRaisesRegex(UserError, "day after today"):
            subscription._pause(resume_date=date(2027, 1, 12))

    def suspended(self):
        """Make an unpaid, suspended subscription that ends on 1 February; return it and its
        invoice.

        :return: (an unpaid and suspended subscription that ends on 1 February, its invoice)
        """
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        with self.at(date(2027, 1, 20)):
            subscription._mark_past_due()
            subscription._cancel()
            subscription._suspend()
        return subscription, self.invoices(subscription)

    def test_unpaid_at_its_end(self):
        subscription, invoice = self.suspended()
        self.assertEqual(
            self.sentence(subscription, date(2027, 1, 21)), "The service is off until the "
            "invoices are paid. Cancelled: it ends on 02/01/2027.")
        self.run_due(date(2027, 2, 1))
        self.assertEqual(subscription.state, "ended")
        with self.at(date(2027, 2, 15)):
            self.pay(invoice)
        self.assertEqual(subscription.state, "ended")
        self.assertEqual(self.subjects()[-2:], [
            f"Your subscription {subscription.name} has ended",
            f"Payment received: {invoice.name}"])

    def test_paid_after_its_end_before_the_run(self):
        """Ended by the payment itself: never said to be on again."""
        subscription, invoice = self.suspended()
        with self.at(date(2027, 2, 15)):
            self.pay(invoice)
        self.assertEqual((subscription.state, subscription.next_date),
                         ("ended", date(2027, 2, 1)))
        self.assertNotIn(f"Your subscription {subscription.name} is on again", self.subjects())
        self.assertEqual(
            self.subjects().count(f"Your subscription {subscription.name} has ended"), 1)

    def test_past_due_at_its_end(self):
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        with self.at(date(2027, 1, 20)):
            subscription._mark_past_due()
            subscription._cancel()
        self.assertEqual(
            self.sentence(subscription, date(2027, 1, 21)),
            "An invoice is unpaid. Cancelled: the service ends on 02/01/2027.")
        self.run_due(date(2027, 2, 1))
        self.assertEqual(subscription.state, "ended")

    def test_end_within_a_billed_period(self):
        """Staff set an end date within what is billed: it ends then, not with the period."""
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        subscription.end_date = date(2027, 1, 15)
        self.run_due(date(2027, 1, 14))
        self.assertEqual(subscription.state, "active")
        self.run_due(date(2027, 1, 15))
        self.assertEqual(subscription.state, "ended")

    def test_missed_periods_before_the_end_are_billed(self):
        """After an outage: what was used up to the last day, then the end."""
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        subscription.end_date = date(2027, 3, 16)
        self.run_due(date(2027, 4, 20))
        self.assertEqual(
            self.invoices(subscription).mapped("amount_untaxed"), [100.0, 100.0, 48.39])
        self.assertEqual(subscription.state, "ended")

    def test_held_at_its_end(self):
        """What is missing for the next invoice is not needed any more."""
        subscription = self.cancelled()
        subscription._hold("An address is missing.")
        self.run_due(date(2027, 2, 1))
        self.assertEqual((subscription.state, subscription.is_held), ("ended", False))

    def test_held_is_neither_billed_nor_credited(self):
        """What waits for staff is refused to customers, too; leaving at the end is not."""
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        subscription._hold("An address is missing.")
        with self.at(date(2027, 2, 10)):
            for action in (
                    subscription._pause, lambda: subscription._cancel(now=True),
                    lambda: subscription._change(self.pro.price_ids)):
                with self.assertRaisesRegex(UserError, "is on hold until our staff"):
                    action()
            subscription._cancel()
        self.assertEqual(subscription.end_date, date(2027, 3, 1))  # February was used
        with self.at(date(2027, 2, 11)):
            subscription.action_release()
        self.run_due(date(2027, 2, 11))
        self.assertEqual(len(self.invoices(subscription)), 2)
        self.run_due(date(2027, 3, 1))
        self.assertEqual(subscription.state, "ended")

    def test_committed_in_a_pause(self):
        """Paused or suspended, a committed customer may still say that they leave at its end."""
        self.starter.commitment_months = 6
        for stop in ("_pause", "_suspend"):
            subscription = self.subscribe(self.starter, date(2027, 1, 1))
            with self.at(date(2027, 1, 20)):
                getattr(subscription, stop)()
                subscription._cancel()
            self.assertNotEqual(subscription.state, "ended")
            self.assertEqual(subscription.end_date, date(2027, 7, 1))
            self.run_due(date(2027, 7, 1))
            self.assertEqual(subscription.state, "ended")

    def test_resumed_while_an_invoice_is_chased(self):
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        with self.at(date(2027, 1, 20)):
            subscription._pause()
            subscription.period_ids._start_dunning()
            subscription._resume()
        self.assertEqual(subscription.state, "past_due")

    def test_pauses_of_more_than_a_batch(self):
        """What a run leaves for later it does in the same run."""
        paused = self.env["subscription.subscription"]
        for _each in range(3):
            paused |= self.subscribe(self.starter, date(2027, 1, 1))
        for subscription in paused:
            with self.at(date(2027, 1, 10)):
                subscription._pause(resume_date=date(2027, 1, 20))
        model = self.registry["subscription.run"]
        renew = model._cron_renew
        self.patch(model, "_cron_renew", lambda run: renew(run, limit=2))
        self.run_due(date(2027, 1, 20))
        self.assertEqual(paused.mapped("state"), ["active"] * 3)

    def test_price_that_rose_within_a_pause(self):
        """Resumed after the day that was announced: the new price, as in any renewal."""
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        with self.at(date(2027, 1, 10)):
            self.starter.price_ids._announce(120.0, date(2027, 3, 1))
            subscription._pause()
        self.notices(date(2027, 1, 11))
        with self.at(date(2027, 3, 10)):
            subscription._resume()
        self.assertEqual(self.invoices(subscription)[-1].amount_untaxed, 120.0)


@tagged("post_install", "-at_install")
class TestFullCredit(CasesCommon):
    """« Credit the whole current period »: all that was paid for it, on any of its days."""

    def credited(self, subscription):
        return round(sum(self.credit_notes(subscription).mapped("amount_untaxed")), 2)

    def test_any_day_of_the_period(self):
        self.starter.cancel_policy = "full"
        for day in (date(2027, 1, 10), date(2027, 2, 8), date(2027, 2, 9)):
            subscription = self.subscribe(self.starter, date(2027, 1, 10))
            self.pay(self.invoices(subscription))
            with self.at(day):
                subscription._cancel(now=True)
            self.assertEqual(self.credited(subscription), 100.0, day)

    def test_of_the_current_period_only(self):
        self.starter.cancel_policy = "full"
        subscription = self.subscribe(self.starter, date(2027, 1, 10))
        self.run_due(date(2027, 2, 10))
        with self.at(date(2027, 2, 10)):
            subscription._cancel(now=True)
        first, second = subscription.period_ids.sorted("date_start")
        self.assertEqual((first.credited, second.credited), (0.0, 100.0))

    def test_after_changes_within_the_period(self):
        """Each stretch by a credit note of its own, that names its invoice."""
        (self.starter + self.pro).cancel_policy = "full"
        subscription = self.subscribe(self.starter, date(2027, 1, 1))
        with self.at(date(2027, 1, 16)):
            subscription._change(self.pro.price_ids)
        with self.at(date(2027, 1, 20)):
            subscription._change(self.starter.price_ids)
        with self.at(date(2027, 1, 31)):
            subscription._cancel(now=True)
        for period in subscription.period_ids:
            self.assertEqual(period.credited, period.amount)
        self.assertEqual(
            self.credit_notes(subscription).reversed_entry_id, self.invoices(subscription))


@tagged("post_install", "-at_install")
class TestDatesPortal(HttpCase, CasesCommon):

    def test_cancelled_then_paused_on_the_portal(self):
        owner = self.make_portal("leaving")
        subscription = self.subscribe(
            self.starter, date(2027, 1, 1), partner_id=owner.partner_id.id)
        self.pay(self.invoices(subscription))
        with self.at(date(2027, 1, 10)):
            subscription._cancel()
            subscription._pause()
        self.env.flush_all()
        url = f"/my/subscriptions/{subscription.id}"
        with self.at(date(2027, 2, 15)), mute_logger("odoo.http"):
            self.authenticate("leaving", "leaving")
            page = self.url_open(url).text
            self.assertIn("This subscription is over", page)
            self.assertNotIn(f"{url}/resume", page)
            page = self.url_open(f"{url}/resume", {"csrf_token": http.Request.csrf_token(self)})
            self.assertIn("ended on 02/01/2027", page.text)

    def test_start_ahead_on_the_portal(self):
        owner = self.make_portal("early")
        with self.at(date(2027, 2, 10)):
            subscription = self.draft(self.starter, START, partner_id=owner.partner_id.id)
            subscription.action_start()
            self.env.flush_all()
            self.authenticate("early", "early")
            url = f"/my/subscriptions/{subscription.id}"
            page = self.url_open(url).text
            self.assertIn("Nothing is due before", page)
            self.assertIn("ends at once", page)
            self.url_open(f"{url}/cancel", {"csrf_token": http.Request.csrf_token(self)})
        self.assertEqual(subscription.state, "ended")
        with self.assertRaises(WrongState):
            subscription._resume()
