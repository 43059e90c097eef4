"""« Abonnements › Impayé » as a person works it: why, what comes next, a new card, and feedback."""

from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common_dunning import REFUSED, DunningCommon


class UnpaidCommon(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, "lang": "en_US"})

    def step(self, period):
        return period.sudo()._next_step_sentence()


@tagged("post_install", "-at_install")
class TestUnpaidFacts(UnpaidCommon):

    def test_why_and_what_comes_next(self):
        period = self.refuse()
        period.transaction_ids.state_message = "The account does not hold enough money."
        with self.at(REFUSED):
            self.assertEqual(
                period.unpaid_reason,
                "The account does not hold enough money. (4242, 02/10/2027)")
            self.assertEqual(period.dunning_next_step, "02/11/2027: Charge again")
        # On the third day a refusal is told; a card refused for good is not charged, only told.
        self.dun(REFUSED + timedelta(days=1))
        with self.at(REFUSED + timedelta(days=1)):
            self.assertEqual(
                self.step(period), "02/13/2027: Charge again, Remind the customer if refused")
            period.transaction_ids.decline_kind = "hard"
            self.assertEqual(self.step(period), "02/13/2027: Remind the customer")
        self.dun(REFUSED + timedelta(days=3))  # what was announced is what is done
        self.assertEqual(period.dunning_action_ids[-1].done, "Remind the customer")

    def test_queued_under_way_and_no_step_left(self):
        period = self.refuse()
        with self.at(REFUSED + timedelta(days=1)):
            period._charge_again()
            self.assertEqual(period.dunning_next_step, "The card is charged within minutes.")
        period.charge_at = False
        period.transaction_ids.state = "pending"
        self.assertIn("under way", self.step(period))
        period.transaction_ids.state = "error"
        self.subscription.plan_id.dunning_policy_id = False
        self.assertIn("up to you", self.step(period))

    def test_nobody_was_to_pay(self):
        """An invoice by transfer that is late: no bank refused anything."""
        self.run_due(REFUSED)
        period = self.subscription.period_ids.filtered(lambda each: each.state == "invoiced")
        self.assertFalse(period.unpaid_reason)
        due = period.invoice_id.invoice_date_due
        period._start_dunning(due)
        self.assertIn("Nobody has paid it", period.unpaid_reason)
        self.assertIn(due.strftime("%m/%d/%Y"), period.unpaid_reason)

    def test_customer_reads_less(self):
        """What staff are told of a refusal, a stolen card say, is not for the customer to read."""
        period = self.refuse()
        owner = self.env["res.users"].create({
            "name": "Camille", "login": "unpaid_camille", "partner_id": self.customer.id,
            "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)]})
        for record, name in ((period, "unpaid_reason"), (period, "attempts_sentence"),
                             (self.subscription, "unpaid_sentence"),
                             (self.customer, "unpaid_sentence")):
            with self.assertRaises(AccessError):
                record.with_user(owner).read([name])

    def test_paid_says_nothing(self):
        period = self.refuse()
        with self.at(REFUSED):
            self.pay(period.invoice_id)
        self.assertFalse(period.unpaid_reason or period.dunning_next_step)

    def test_same_facts_on_subscription_and_customer(self):
        period = self.refuse()
        employee = self.env["res.partner"].create(
            {"name": "Employee", "parent_id": self.customer.id})
        for record in (self.subscription, self.customer, employee):
            for said in (period.unpaid_reason, period.dunning_next_step, "299.00"):
                self.assertIn(said, record.with_user(self.user).with_context(
                    lang="en_US").unpaid_sentence)
        self.assertEqual(employee.unpaid_period_count, 1)
        action = employee.with_user(self.user).action_view_unpaid()
        self.assertEqual(self.env["subscription.period"].search(action["domain"]), period)
        other = self.make_customer("Other")
        self.assertEqual((other.unpaid_period_count, other.unpaid_sentence), (0, ""))


@tagged("post_install", "-at_install")
class TestUnpaidButtons(UnpaidCommon):

    def message(self, action):
        """Return what a button says; every one has the list loaded anew."""
        self.assertEqual(action["tag"], "display_notification")
        self.assertEqual(action["params"]["next"]["type"], "ir.actions.act_window_close")
        return action["params"]["message"]

    def second(self):
        """Make another customer with an unpaid renewal and a card that can be charged."""
        other = self.make_customer("Second")
        subscription = self.subscribe(
            self.starter, date(2027, 1, 10), partner_id=other.id, user_id=self.user.id)
        self.pay(self.invoices(subscription))
        subscription.token_id = self.make_token("error", other)
        return subscription

    def test_one_charge_is_answered_at_once(self):
        period = self.refuse()
        with self.at(REFUSED + timedelta(days=1)), \
                patch.object(self.env.registry["ir.cron"], "_commit_progress",
                             lambda *args, **kwargs: 1.0):
            action = period.with_user(self.user).action_charge_now()
            self.assertEqual(period.attempt_count, 2)
            self.assertEqual(action["params"]["title"], "Refused again")
            self.assertIn("(4242, 02/11/2027)", self.message(action))
            self.subscription.token_id = self.make_token()
            action = self.subscription.with_user(self.user).action_charge_now()
            self.assertEqual(self.message(action), f"Camille has paid {period.invoice_id.name}.")
        self.assertEqual((period.state, self.subscription.state), ("paid", "active"))
        with self.assertRaisesRegex(UserError, "Nothing is unpaid any more"):
            self.subscription.with_user(self.user).action_charge_now()

    def test_several_are_queued_and_those_left_are_named(self):
        other = self.second()
        first = self.refuse("hard")
        second = other.period_ids.filtered(lambda each: each.state == "invoiced")
        with self.at(REFUSED):
            said = self.message((first + second).with_user(self.user).action_charge_now())
        self.assertIn("Charges asked for: 1.", said)
        self.assertRegex(said, "Camille – .*for good")
        self.assertEqual((bool(second.charge_at), bool(first.charge_at)), (True, False))
        second.transaction_ids.decline_kind = "hard"
        second.charge_at = False
        with self.assertRaisesRegex(UserError, "Camille[^$]*Second"):
            (first + second).with_user(self.user).action_charge_now()

    def test_put_off_several(self):
        other = self.second()
        first = self.refuse()
        second = other.period_ids.filtered(lambda each: each.state == "invoiced")
        chosen = (first + second).ids
        with self.at(REFUSED + timedelta(days=1)):
            wizard = self.env["subscription.dunning.wait"].with_user(self.user).with_context(
                active_id=chosen[0], active_ids=chosen, active_model="subscription.period").create(
                    {"date": REFUSED + timedelta(days=20)})
            self.assertIn("03/02/2027", self.message(wizard.action_confirm()))
        self.assertEqual(set((first + second).mapped("dunning_next_date")),
                         {REFUSED + timedelta(days=20)})

    def test_without_the_right(self):
        period = self.refuse()
        accountant = self.env["res.users"].create({
            "name": "Accountant", "login": "unpaid_accountant",
            "group_ids": [(4, self.env.ref("account.group_account_readonly").id)]})
        for method in ("action_charge_now", "action_ask_for_card"):
            with self.assertRaises(AccessError):
                getattr(period.with_user(accountant), method)()
        self.assertIn("Next step", self.customer.with_user(accountant).unpaid_sentence)


@tagged("post_install", "-at_install")
class TestAskForCard(UnpaidCommon):

    SUBJECT = "Please save another card for your subscription"

    def setUp(self):
        super().setUp()
        self.provider.allow_tokenization = True
        self.period = self.refuse()

    def ask(self, moment=REFUSED):
        with self.at(moment):
            return self.period.with_user(self.user).action_ask_for_card()

    def test_mail_chatter_and_link(self):
        action = self.ask()
        self.assertIn("Camille <camille@example.com>", action["params"]["message"])
        mail = self.mails_to(self.customer)[-1]
        self.assertIn(self.SUBJECT, mail.subject)
        self.assertIn("299.00", mail.body_html)
        self.assertIn(self.period.invoice_id.name, mail.body_html)
        self.assertIn("camille@example.com", self.subscription.message_ids[0].body)
        self.assertEqual(self.subscription.message_ids[0].author_id, self.user.partner_id)
        # Nobody of theirs has an account: the link makes one, then leads to the page.
        self.assertIn("/web/signup?", mail.body_html)
        self.assertRegex(
            mail.body_html, f"redirect=[^&\"]*subscriptions(%2F|/){self.subscription.id}(%2F|/)pay")

    def test_link_of_who_has_an_account(self):
        self.env["res.users"].create({
            "name": "Camille", "login": "camille", "partner_id": self.customer.id,
            "group_ids": [(6, 0, self.env.ref("base.group_portal").ids)]})
        page = f"/my/subscriptions/{self.subscription.id}/pay"
        self.assertTrue(self.subscription._card_page_url().endswith(page))
        self.pay(self.period.invoice_id)
        self.assertTrue(self.subscription._card_page_url().endswith("/my/payment_method"))

    def test_once_within_the_hour(self):
        self.ask("2027-02-10 12:00:00")
        with self.assertRaisesRegex(UserError, "was asked for a card"):
            self.ask("2027-02-10 12:59:00")
        self.assertEqual(self.count(self.SUBJECT), 1)
        self.ask("2027-02-10 13:01:00")
        self.assertEqual(self.count(self.SUBJECT), 2)

    def test_several_at_once_and_who_cannot_be_asked(self):
        """One mail a subscription, and each reason is told."""
        other = self.make_customer("Second", email=False)
        second = self.subscribe(self.starter, date(2027, 1, 10), partner_id=other.id)
        self.run_due(date(2027, 3, 10))
        periods = (self.subscription + second).period_ids.filtered(
            lambda each: each.state == "invoiced")
        self.assertEqual(len(periods.filtered(
            lambda each: each.subscription_id == self.subscription)), 2)
        with self.at(date(2027, 3, 10)):
            action = periods.with_user(self.user).action_ask_for_card()
        self.assertEqual(action["params"]["type"], "warning")
        self.assertIn("Second has no e-mail address", action["params"]["message"])
        self.assertEqual(self.count(self.SUBJECT), 1)
        self.assertFalse([each for each in self.subjects(other) if self.SUBJECT in each])

    def test_not_once_it_is_over(self):
        """No card is charged any more: the mail would promise what does not come."""
        for over in ("by its end date", "ended"):
            with self.at(REFUSED), self.subTest(over):
                if over == "ended":
                    self.subscription._end()
                else:
                    self.subscription.end_date = REFUSED
                with self.assertRaisesRegex(UserError, "has ended.* send it again"):
                    self.ask()
        self.assertEqual(self.count(self.SUBJECT), 0)
        self.assertFalse(self.subscription.card_asked_at)

    def test_nowhere_to_save_a_card(self):
        self.provider.allow_tokenization = False
        with self.assertRaisesRegex(UserError, "has nowhere to save one"):
            self.ask()
        self.assertFalse(self.subscription.card_asked_at)
