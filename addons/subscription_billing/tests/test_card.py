"""Cards that expire: told 30 and 7 days before, once each, and replaced by the next one."""

from datetime import date, timedelta

from odoo.tests import tagged

from .test_cases import CasesCommon

LAST_DAY = date(2027, 3, 31)


@tagged("post_install", "-at_install")
class TestCardExpiry(CasesCommon):

    def setUp(self):
        super().setUp()
        self.card = self.make_token()
        self.card.card_expiry = self.card._card_expiry_of(3, 2027)
        self.subscription = self.subscribe(
            self.starter, date(2027, 1, 10), token_id=self.card.id)

    def told(self):
        return len([each for each in self.subjects()
                    if each == f"Your card expires soon: {self.card.display_name}"])

    def days_before(self, days):
        self.notices(LAST_DAY - timedelta(days=days))

    def test_last_day_of_the_month(self):
        tokens = self.env["payment.token"]
        self.assertEqual(tokens._card_expiry_of(2, 2028), date(2028, 2, 29))
        self.assertEqual(self.card.card_expiry, LAST_DAY)

    def test_told_30_and_7_days_before_once_each(self):
        counts = {}
        for days in (31, 30, 29, 8, 7, 6, 0, -1):
            self.days_before(days)
            self.days_before(days)
            counts[days] = self.told()
        self.assertEqual(counts, {31: 0, 30: 1, 29: 1, 8: 1, 7: 2, 6: 2, 0: 2, -1: 2})
        events = self.subscription.event_ids.filtered(lambda event: event.kind == "card_expiry")
        self.assertEqual(len(events), 2)
        self.assertIn("2027", events[0].note)

    def test_mail_in_french_leads_to_the_means_of_payment(self):
        self.customer.lang = "fr_FR"
        self.days_before(10)
        mail = self.mails_to(self.customer)[-1]
        self.assertIn("expire bientôt", mail.subject)
        self.assertIn("31/03/2027", mail.body_html)
        self.assertIn("/my/payment_method", mail.body_html)

    def test_added_in_the_last_week_is_told_once(self):
        self.days_before(5)
        self.assertEqual(self.told(), 1)

    def test_one_card_of_two_subscriptions_is_told_once(self):
        """Each history says so."""
        other = self.subscribe(self.pro, date(2027, 1, 10), token_id=self.card.id)
        self.days_before(30)
        self.assertEqual(self.told(), 1)
        for subscription in (self.subscription, other):
            self.assertEqual(self.events(subscription).count("card_expiry"), 1)

    def test_not_of_cards_that_no_live_subscription_needs(self):
        """Archived, of a subscription that has ended or not begun, or ends before."""
        spare, archived = self.make_token(), self.make_token()
        (spare + archived).card_expiry = LAST_DAY
        self.subscribe(self.pro, date(2027, 1, 10), token_id=archived.id)
        archived.active = False
        self.draft(self.pro, token_id=spare.id)
        self.subscription.end_date = LAST_DAY
        self.days_before(30)
        self.subscription.end_date = False
        with self.at(date(2027, 3, 3)):
            self.subscription._cancel(now=True)
        self.days_before(28)
        self.assertEqual(self.told(), 0)

    def test_of_the_new_card_when_its_month_comes(self):
        """Renewed by the bank under the same token: the next month is announced, too."""
        self.days_before(30)
        self.card.card_expiry = self.card._card_expiry_of(4, 2027)
        self.notices(date(2027, 4, 1))
        self.assertEqual(self.told(), 2)

    def save_card(self, day):
        """Save a card on the page of the customer's means of payment."""
        with self.at(day):
            card = self.make_token()
            transaction = self.env["payment.transaction"].create({
                "provider_id": self.provider.id, "payment_method_id": self.method.id,
                "reference": f"V-{card.id}", "amount": 0.0, "currency_id": self.euro.id,
                "partner_id": self.customer.id, "operation": "validation",
                "token_id": card.id})
            transaction._set_done()
            transaction._post_process()
        return card

    def test_card_saved_takes_the_place_of_the_one_that_expires(self):
        other = self.subscribe(self.pro, date(2027, 1, 10))  # pays each invoice
        self.save_card(date(2027, 2, 1))
        self.assertEqual(self.subscription.token_id, self.card)
        card = self.save_card(date(2027, 3, 5))
        self.assertEqual(self.subscription.token_id, card)
        self.assertFalse(other.token_id)

    def test_card_of_another_customer_takes_no_place(self):
        stranger = self.make_customer("Stranger")
        with self.at(date(2027, 3, 5)):
            card = self.make_token(partner=stranger)
            transaction = self.env["payment.transaction"].create({
                "provider_id": self.provider.id, "payment_method_id": self.method.id,
                "reference": "V-stranger", "amount": 0.0, "currency_id": self.euro.id,
                "partner_id": stranger.id, "operation": "validation", "token_id": card.id})
            transaction._set_done()
            transaction._post_process()
        self.assertEqual(self.subscription.token_id, self.card)
