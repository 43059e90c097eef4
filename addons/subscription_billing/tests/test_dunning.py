"""The chase of unpaid periods: « une facture ouverte », tried again, suspended, ended, paid."""

from datetime import date, datetime, timedelta

import psycopg2

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common_dunning import REFUSED, DunningCommon


@tagged("post_install", "-at_install")
class TestDunning(DunningCommon):

    def test_soft_decline_by_the_standard_policy(self):
        """Eight retries in two weeks, told on days 0, 3, 7 and 14; suspended on day 7, ended on
        day 30; each once."""
        period = self.refuse()
        states = {}
        for day in range(1, 31):
            self.dun(REFUSED + timedelta(days=day), times=2)
            states[day] = (self.subscription.state, period.attempt_count)
        for day, expected in ((1, ("past_due", 2)), (2, ("past_due", 2)), (3, ("past_due", 3)),
                              (6, ("past_due", 4)), (7, ("suspended", 5)), (8, ("suspended", 5)),
                              (14, ("suspended", 9)), (29, ("suspended", 9)), (30, ("ended", 9))):
            self.assertEqual(states[day], expected, f"day {day}")
        self.assertEqual(self.count("Payment failed"), 4)
        self.assertEqual(self.count(f"Your subscription {self.subscription.name} is suspended"), 1)
        self.assertEqual(self.count("Invoice unpaid"), 0)
        self.assertEqual(
            period.transaction_ids.mapped("reference")[::-1],
            [f"{self.subscription.name}/2027-02-10/{attempt}" for attempt in range(1, 10)])
        self.assertEqual(self.invoices(self.subscription)[-1].payment_state, "not_paid")
        self.assertFalse(period.dunning_next_date)

    def test_hard_decline_is_never_tried_again(self):
        period = self.refuse("hard")
        self.dun_each_day(1, 7)
        self.assertEqual((period.attempt_count, self.subscription.state), (1, "suspended"))
        self.assertEqual(self.count("Invoice unpaid"), 2)  # the reminders of days 3 and 7
        with self.assertRaisesRegex(UserError, "for good"):
            self.subscription.with_user(self.user).action_charge()
        # Another card of the customer may be tried at once.
        self.subscription.token_id = self.make_token()
        with self.at(REFUSED + timedelta(days=8)):
            self.subscription.with_user(self.user).action_charge()
        self.charge(REFUSED + timedelta(days=8))
        self.assertEqual((period.state, self.subscription.state), ("paid", "active"))

    def test_authentication_required_sends_the_link_instead(self):
        period = self.refuse("authentication")
        self.dun_each_day(1, 3)
        self.assertEqual((period.attempt_count, self.count("Invoice unpaid")), (1, 1))

    def test_transfer_stops_the_chase_at_once(self):
        """A payment by any route: active again in the same transaction, told, nothing follows."""
        period = self.refuse()
        self.dun_each_day(1, 8)
        self.assertEqual(self.subscription.state, "suspended")
        with self.at(REFUSED + timedelta(days=9)):
            self.pay(period.invoice_id)
            self.assertEqual((period.state, self.subscription.state), ("paid", "active"))
        self.assertFalse(period.dunning_next_date)
        mails = len(self.subjects())
        self.dun_each_day(10, 31)
        self.assertEqual(self.subscription.state, "active")
        self.assertEqual(self.count(f"Your subscription {self.subscription.name} is on again"), 1)
        self.assertEqual(len(self.subjects()), mails)

    def test_to_do_of_staff_is_closed_by_the_last_payment(self):
        """Of two unpaid periods the payment of one leaves it open; that of both closes it."""
        first = self.refuse()
        following = date(2027, 3, 10)
        self.run_due(following)
        self.charge(following)
        second = self.subscription.period_ids.filtered(
            lambda each: each.state == "invoiced") - first
        with self.at(following):
            for period, left in ((first, True), (second, False)):
                self.assertTrue(self.to_do())
                self.pay(period.invoice_id)
                self.assertEqual(bool(self.to_do()), left)
        self.assertEqual(self.subscription.state, "active")

    def test_to_do_of_an_ended_subscription_is_closed_by_a_late_payment(self):
        period = self.refuse()
        self.dun(REFUSED + timedelta(days=30))
        self.assertEqual(self.subscription.state, "ended")
        self.assertTrue(self.to_do())
        with self.at(REFUSED + timedelta(days=40)):
            self.pay(period.invoice_id)
        self.assertFalse(self.to_do())

    def test_invoice_by_transfer_is_chased_from_its_due_date(self):
        self.run_due(REFUSED)
        period = self.subscription.period_ids.filtered(lambda each: each.state == "invoiced")
        late = period.invoice_id.invoice_date_due + timedelta(days=1)
        with self.at(late), self.enter_registry_test_mode():
            for _time in range(2):
                self.env.ref("subscription_billing.ir_cron_past_due").method_direct_trigger()
        self.assertEqual(self.count("Invoice unpaid"), 1)
        for day in range(8):
            self.dun(late + timedelta(days=day))
        self.assertEqual((self.count("Invoice unpaid"), self.subscription.state), (3, "suspended"))
        self.assertFalse(period.transaction_ids)

    def test_after_an_outage_one_mail_and_one_charge(self):
        period = self.refuse()
        self.dun(REFUSED + timedelta(days=15))
        self.assertEqual((period.attempt_count, self.count("Payment failed")), (2, 2))
        self.assertEqual(self.subscription.state, "suspended")
        self.assertEqual(
            period.dunning_action_ids.mapped("days"), [1, 3, 5, 7, 9, 11, 13, 14])

    def test_card_schemes_limit(self):
        """No more than 15 attempts of a card in 30 days, whoever asks for them."""
        period = self.refuse()
        for _attempt in range(14):
            with self.at(REFUSED):
                self.subscription.action_charge()
            self.charge(REFUSED)
        self.assertEqual(period.attempt_count, 15)
        with self.at(REFUSED + timedelta(days=3)), self.assertRaisesRegex(UserError, "15 times"):
            self.subscription.action_charge()
        self.dun(REFUSED + timedelta(days=3))
        self.assertEqual((period.attempt_count, self.count("Invoice unpaid")), (15, 1))
        with self.at(REFUSED + timedelta(days=29)):
            self.assertIn("15 times", period._why_not_to_charge())
        with self.at(REFUSED + timedelta(days=30)):
            self.assertIsNone(period._why_not_to_charge())

    def test_card_used_to_pay_takes_the_place_of_the_refused_one(self):
        period = self.refuse()
        card = self.make_token()
        with self.at(REFUSED + timedelta(days=1)):
            transaction = self.env["payment.transaction"].create({
                "provider_id": self.provider.id, "payment_method_id": self.method.id,
                "token_id": card.id, "amount": period.invoice_id.amount_residual,
                "currency_id": self.euro.id, "partner_id": self.customer.id,
                "operation": "online_token", "invoice_ids": [(6, 0, period.invoice_id.ids)]})
            transaction._charge_with_token()
            transaction._post_process()
        self.assertEqual((period.state, self.subscription.state), ("paid", "active"))
        self.assertEqual(self.subscription.token_id, card)

    def test_staff_put_the_next_step_off(self):
        period = self.refuse()
        with self.at(REFUSED + timedelta(days=1)):
            wizard = self.env["subscription.dunning.wait"].with_user(self.user).create({
                "period_id": period.id, "date": REFUSED + timedelta(days=20)})
            wizard.action_confirm()
            self.assertEqual(period.dunning_next_date, REFUSED + timedelta(days=20))
            wizard.date = REFUSED
            with self.assertRaisesRegex(UserError, "after today"):
                wizard.action_confirm()
        self.dun_each_day(2, 19)
        self.assertEqual((period.attempt_count, self.subscription.state), (1, "past_due"))
        self.dun(REFUSED + timedelta(days=20))
        self.assertEqual(period.attempt_count, 2)

    def test_poisoned_one_holds_nobody_up(self):
        """A period whose customer cannot be written to: the others are chased."""
        other = self.subscribe(self.make_plan("Other", 10.0), date(2027, 1, 10))
        period = self.refuse()
        late = other.period_ids.sorted("date_start")[0]
        late.dunning_start = REFUSED
        self.env.cr.execute(
            "ALTER TABLE dunning_action ADD CONSTRAINT poison CHECK (period_id <> %s)",
            [period.id])
        with mute_logger("odoo.addons.concurrency_base.tools.isolation",
                         "odoo.sql_db"):
            self.dun(REFUSED + timedelta(days=3), times=2)
            self.dun(REFUSED + timedelta(days=4))
        self.assertEqual(period.attempt_count, 1)
        self.assertEqual(late.dunning_action_ids.mapped("days"), [1, 3])
        # The responsible is told once, and the list of what is unpaid says why.
        told = self.subscription.activity_ids.filtered(
            lambda activity: activity.summary == f"Dunning failed: {self.subscription.name}")
        self.assertEqual((len(told), told.user_id), (1, self.user))
        for said in (told.note, period.dunning_error):  # a sentence, no text of the database
            self.assertNotIn("poison", said)
            self.assertIn("log of the server", said)
        # Mended, it goes on, and the next failure would be told again.
        self.env.cr.execute("ALTER TABLE dunning_action DROP CONSTRAINT poison")
        self.dun(REFUSED + timedelta(days=4))
        self.assertEqual((period.attempt_count, period.dunning_error), (2, False))

    def test_database_refuses_a_step_twice(self):
        period = self.refuse()
        self.dun(REFUSED + timedelta(days=3))
        with self.assertRaises(psycopg2.errors.UniqueViolation), mute_logger("odoo.sql_db"), \
                self.cr.savepoint():
            self.env["dunning.action"].create({"period_id": period.id, "days": 3})
            self.env.flush_all()

    def test_plan_without_a_policy(self):
        self.subscription.plan_id.dunning_policy_id = False
        period = self.refuse()
        self.dun_each_day(1, 31)
        self.assertEqual((period.attempt_count, self.subscription.state), (1, "past_due"))

    def test_next_day_where_the_customer_lives(self):
        """Day 1 begins at midnight of the customer's timezone, not of the server's."""
        self.subscription.tz = "Pacific/Auckland"
        period = self.refuse()
        start = period.dunning_start
        midnight = datetime.combine(start, datetime.min.time()) + timedelta(days=1, hours=-13)
        self.dun(midnight - timedelta(minutes=1))
        self.assertFalse(period.dunning_action_ids)
        self.dun(midnight)
        self.assertEqual(period.dunning_action_ids.days, 1)
