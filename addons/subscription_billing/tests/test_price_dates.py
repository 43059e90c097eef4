"""One price at a date: whoever shows it says what is billed."""

from datetime import date

from odoo import http
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged

from .test_cases import CasesCommon

DAY = date(2027, 1, 10)


class PriceDatesCommon(CasesCommon):

    def announce(self, plan, amount, day, today=date(2027, 1, 15)):
        """Announce a price, and send the mails about it."""
        with self.at(today):
            plan.price_ids[0]._announce(amount, day)
        self.notices(today)

    def billed(self, subscription):
        return self.invoices(subscription).mapped("amount_untaxed")

    def paid(self, plan, **vals):
        subscription = self.subscribe(plan, DAY, **vals)
        self.pay(self.invoices(subscription))
        return subscription

    def said(self, subject):
        """Return the last mail of that subject to the customer, as text."""
        return self.mails_to(self.customer).filtered(
            lambda mail: subject in (mail.subject or ""))[-1:].body_html or ""


@tagged("post_install", "-at_install")
class TestAnnounced(PriceDatesCommon, HttpCase):
    """A price announced is the price on offer from its day on, and a subscriber's once told."""

    def test_everybody_says_the_same_from_the_day_on(self):
        self.starter.is_published = True
        price = self.starter.price_ids
        old = self.paid(self.starter)
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        self.run_due(date(2027, 2, 10))
        with self.at(date(2027, 3, 5)):
            page = self.url_open("/subscriptions").text
            self.assertIn("120.00", page)
            self.assertNotIn("100.00", page)
            token = page.split('name="csrf_token" value="')[1].split('"')[0]
            before = self.env["sale.order"].search([], order="id desc", limit=1)
            self.url_open(
                "/subscriptions/subscribe", {"csrf_token": token, "price_id": price.id})
            order = self.env["sale.order"].search([("id", ">", before.id or 0)])
            self.assertEqual(order.order_line.price_unit, 120.0)
            self.assertEqual(self.starter.product_variant_id._price_compute("list_price"), {
                self.starter.product_variant_id.id: 120.0})
            order.partner_id = self.customer
            order.action_confirm()
            invoice = order._create_invoices()
            invoice.action_post()
            self.assertEqual(invoice.amount_untaxed, 120.0)
            office = self.draft(self.starter)
            self.assertEqual(office.unit_price, 120.0)
            office.action_start()
        new = order.order_line.subscription_ids
        self.assertEqual((new.unit_price, new.mrr), (120.0, 120.0))
        self.run_due(date(2027, 3, 10))
        self.run_due(date(2027, 4, 10))
        self.assertEqual(self.billed(old), [100.0, 100.0, 120.0, 120.0])
        self.assertEqual(self.billed(new), [120.0, 120.0])
        self.assertEqual(self.billed(office), [120.0, 120.0])

    def test_put_in_force_then_announced_again(self):
        """All who pay the price as listed are told of the next one, a list price it is."""
        old = self.paid(self.starter)
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        self.run_due(date(2027, 2, 10))
        self.run_due(date(2027, 3, 10))
        self.notices(date(2027, 3, 10))
        price = self.starter.price_ids
        self.assertEqual((price.amount, price.next_date), (120.0, False))
        with self.at(date(2027, 3, 20)):
            new = self.draft(self.starter, date(2027, 3, 20))
            new.action_start()
        self.announce(self.starter, 140.0, date(2027, 5, 1), today=date(2027, 3, 25))
        for month in (4, 5):
            for day in (10, 20):
                self.run_due(date(2027, month, day))
        self.assertEqual(self.billed(old), [100.0, 100.0, 120.0, 120.0, 140.0])
        self.assertEqual(self.billed(new), [120.0, 120.0, 140.0])

    def test_price_typed_on_the_day_it_was_announced_for(self):
        price = self.starter.price_ids
        old = self.paid(self.starter)
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        with self.at(date(2027, 3, 5)):
            price.with_user(self.manager).amount = 130.0
            self.assertEqual((price._amount_on(date(2027, 3, 5)), price.next_date), (130.0, False))
            self.assertEqual(self.draft(self.starter).unit_price, 130.0)
        self.run_due(date(2027, 3, 10))
        self.run_due(date(2027, 3, 10))
        self.assertEqual(self.billed(old), [100.0, 100.0, 120.0])  # as they were told

    def test_whoever_subscribes_in_between_is_told(self):
        """On the page, the order and in the confirmation: what it will be, and from when."""
        self.starter.is_published = True
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        with self.at(date(2027, 2, 25)):
            self.assertRegex(self.url_open("/subscriptions").text, "120.00.*from 03/01/2027")
            order = self.env["sale.order"].create({"partner_id": self.customer.id, "order_line": [
                (0, 0, {"product_id": self.starter.product_variant_id.id})]})
            self.assertIn("from 03/01/2027", order.order_line.name)
            order.action_confirm()
            order._create_invoices().action_post()
        subscription = order.order_line.subscription_ids
        mail = self.said("has started")
        self.assertIn("120.00", mail)
        self.assertIn("03/01/2027", mail)
        self.notices(date(2027, 2, 26))
        self.assertNotIn("New price of Starter", self.subjects())  # told already
        self.assertEqual(subscription._preview_next_invoice()["total"], 120.0)
        self.run_due(date(2027, 3, 25))
        self.assertEqual(self.billed(subscription), [100.0, 120.0])

    def test_contract_that_starts_after_the_day(self):
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        with self.at(date(2027, 2, 1)):
            draft = self.draft(self.starter, date(2027, 3, 5))
        self.assertEqual(draft.unit_price, 120.0)

    def test_announced_anew_before_its_day(self):
        """A mistake is mended: those who were told are told anew, and pay that."""
        subscription = self.paid(self.starter)
        self.announce(self.starter, 210.0, date(2027, 3, 1))
        self.announce(self.starter, 120.0, date(2027, 3, 1), today=date(2027, 1, 20))
        self.assertEqual(self.subjects().count("New price of Starter"), 2)
        self.assertIn("120.00", self.said("New price of Starter"))
        self.run_due(date(2027, 2, 10))
        self.assertEqual(subscription._preview_next_invoice()["total"], 120.0)
        self.run_due(date(2027, 3, 10))
        self.announce(self.starter, 150.0, date(2027, 5, 1), today=date(2027, 3, 20))
        self.announce(self.starter, 130.0, date(2027, 7, 1), today=date(2027, 3, 21))
        for month in (4, 5, 6, 7):
            self.run_due(date(2027, month, 10))
        self.assertEqual(
            self.billed(subscription), [100.0, 100.0, 120.0, 120.0, 120.0, 120.0, 130.0])

    def test_two_raises_within_a_year(self):
        """A subscriber who was told of one before their renewal is told of the next one, too."""
        plan = self.make_plan("Year", 1000.0, unit="year")
        subscription = self.paid(plan)
        self.announce(plan, 1200.0, date(2027, 3, 1))
        self.announce(plan, 1400.0, date(2027, 9, 1), today=date(2027, 6, 1))
        self.run_due(date(2028, 1, 10))
        self.assertEqual(self.billed(subscription), [1000.0, 1400.0])

    def test_price_of_their_own_stays(self):
        agreed = self.paid(self.starter, unit_price=80.0)
        given = self.paid(self.starter)
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        self.assertEqual(self.subjects().count("New price of Starter"), 1)
        with self.at(date(2027, 1, 20)):  # to keep a customer who was told
            given.with_user(self.manager).unit_price = 100.0
        for month in (2, 3, 4):
            self.run_due(date(2027, month, 10))
        self.assertEqual(self.billed(agreed), [80.0] * 4)
        self.assertEqual(self.billed(given), [100.0] * 4)

    def test_late_run_bills_each_period_at_its_own_price(self):
        """Held for months: what was announced meanwhile binds from its day on only."""
        subscription = self.paid(self.starter)
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        self.announce(self.starter, 140.0, date(2027, 5, 1), today=date(2027, 3, 20))
        for _each in range(5):
            self.run_due(date(2027, 5, 20))
        self.assertEqual(self.billed(subscription), [100.0, 100.0, 120.0, 120.0, 140.0])

    def test_resumed_after_the_day(self):
        subscription = self.paid(self.starter)
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        with self.at(date(2027, 2, 5)):
            subscription._pause()
        with self.at(date(2027, 3, 15)):
            subscription._resume()
        self.assertEqual(self.billed(subscription), [100.0, 120.0])

    def test_trial_that_ends_after_the_day(self):
        self.pro.trial_days = 60
        with self.at(DAY):
            self.pro.price_ids._announce(240.0, date(2027, 3, 1))
        subscription = self.subscribe(self.pro, DAY)
        self.assertEqual(subscription._preview_next_invoice()["total"], 240.0)
        self.assertIn("240.00", self.said("has started"))
        self.notices(date(2027, 3, 5))
        self.assertIn("240.00", self.said("trial of Pro ends soon"))
        self.run_due(date(2027, 3, 11))
        self.assertEqual(self.billed(subscription), [240.0])

    def test_quantity_changed_within_the_old_period(self):
        """The rest of the period is at its price; the next one, shown with it, at the new one."""
        subscription = self.paid(self.starter)
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        self.run_due(date(2027, 2, 10))
        with self.at(date(2027, 3, 3)):  # 7 of the 28 days are left
            preview = subscription._preview_change(quantity=2)
            self.assertEqual((preview["charge"]["total"], preview["next"]["total"]), (50.0, 240.0))
            subscription._change(quantity=2, expected_due=25.0)
        self.run_due(date(2027, 3, 10))
        self.assertEqual(self.billed(subscription), [100.0, 100.0, 50.0, 240.0])


@tagged("post_install", "-at_install")
class TestChangeAndAnnouncement(PriceDatesCommon):
    """A raise is of a plan: who leaves the plan leaves the raise."""

    def test_upgrade(self):
        subscription = self.paid(self.starter)
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        self.run_due(date(2027, 2, 10))
        self.pay(self.invoices(subscription)[-1])
        with self.at(date(2027, 2, 20)):
            subscription._change(self.pro.price_ids)
        self.assertEqual((subscription.next_total, subscription.unit_price), (200.0, 200.0))
        self.notices(date(2027, 3, 5))
        self.assertIn("200.00", self.said("renews soon"))
        self.run_due(date(2027, 3, 10))
        self.run_due(date(2027, 4, 10))
        self.assertEqual(self.billed(subscription)[-2:], [200.0, 200.0])

    def test_cycle(self):
        plan = self.make_plan("Cycles", 100.0, prices=[("year", 1, 1000.0)])
        subscription = self.paid(plan)
        self.announce(plan, 120.0, date(2027, 3, 1))
        with self.at(date(2027, 2, 1)):
            subscription._change(plan.price_ids[1])
        self.assertEqual(subscription.next_total, 1000.0)
        self.run_due(date(2028, 2, 1))
        self.assertEqual(self.billed(subscription)[-1], 1000.0)

    def test_downgrade_because_of_a_raise(self):
        subscription = self.paid(self.pro)
        self.announce(self.pro, 240.0, date(2027, 3, 1))
        with self.at(date(2027, 1, 20)):
            subscription._change(self.starter.price_ids, timing="period_end")
        self.run_due(date(2027, 2, 10))
        self.run_due(date(2027, 3, 10))
        self.assertEqual(self.billed(subscription), [200.0, 100.0, 100.0])

    def test_both_plans_rise_on_one_day(self):
        """The new plan's raise is told with the change; back again, the first one's counts."""
        subscription = self.paid(self.starter)
        self.announce(self.starter, 120.0, date(2027, 3, 1))
        self.announce(self.pro, 240.0, date(2027, 3, 1))
        with self.at(date(2027, 2, 1)):
            subscription._change(self.pro.price_ids)
            self.assertIn("240.00", self.said(" changes"))
            self.assertEqual(subscription._preview_next_invoice()["total"], 200.0)
        self.run_due(date(2027, 2, 10))
        self.assertEqual(subscription._preview_next_invoice()["total"], 240.0)
        with self.at(date(2027, 2, 20)):
            subscription._change(self.starter.price_ids)
        self.assertEqual(subscription.next_total, 120.0)
        self.run_due(date(2027, 3, 10))
        self.assertEqual(self.billed(subscription)[-1], 120.0)

    def test_planned_change_and_a_date_in_between(self):
        """Previewed, mailed, reminded of and billed: one amount."""
        self.announce(self.pro, 240.0, date(2027, 2, 20))
        with self.at(date(2027, 1, 25)):
            subscription = self.subscribe(self.starter, date(2027, 1, 25))
        self.pay(self.invoices(subscription))
        with self.at(date(2027, 2, 1)):
            preview = subscription._preview_change(self.pro.price_ids, timing="period_end")
            subscription._change(self.pro.price_ids, timing="period_end")
        self.assertEqual(preview["next"]["total"], 240.0)
        mail = self.said(" changes")
        self.assertIn("240.00", mail)
        self.assertNotIn("200.00", mail)
        self.notices(date(2027, 2, 19))
        self.assertIn("240.00", self.said("renews soon"))
        self.run_due(date(2027, 2, 25))
        self.assertEqual(self.billed(subscription), [100.0, 240.0])

    def test_planned_change_of_which_the_price_rises_later(self):
        """Announced after it was planned: the customer is told anew, and pays that."""
        plan = self.make_plan("Year", 1000.0, unit="year")
        subscription = self.paid(plan)
        with self.at(date(2027, 1, 12)):
            subscription._change(self.pro.price_ids, timing="period_end")
        self.assertEqual(subscription.next_total, 200.0)
        self.announce(self.pro, 240.0, date(2027, 6, 1), today=date(2027, 4, 1))
        self.assertIn("240.00", self.said("New price of Pro"))
        subscription.invalidate_recordset()
        self.assertEqual(subscription.next_total, 240.0)
        self.run_due(date(2028, 1, 10))
        self.assertEqual(self.billed(subscription), [1000.0, 240.0])

    def test_planned_change_kept_from_an_edited_price(self):
        """Staff type another price into the plan: what was shown for the change is billed."""
        subscription = self.paid(self.starter)
        with self.at(date(2027, 1, 12)):
            subscription._change(self.pro.price_ids, timing="period_end")
        self.pro.price_ids.amount = 300.0
        self.assertEqual(subscription._preview_next_invoice()["total"], 200.0)
        self.run_due(date(2027, 2, 10))
        self.assertEqual(self.billed(subscription), [100.0, 200.0])

    def test_planned_change_billed_late(self):
        subscription = self.paid(self.starter)
        with self.at(DAY):
            self.pro.price_ids._announce(240.0, date(2027, 2, 12))
        with self.at(date(2027, 1, 20)):
            subscription._change(self.pro.price_ids, timing="period_end")
        self.run_due(date(2027, 2, 15))
        self.assertEqual(self.billed(subscription), [100.0, 200.0])

    def test_announcement_too_soon(self):
        with self.at(DAY), self.assertRaisesRegex(UserError, "at the soonest"):
            self.starter.price_ids._announce(120.0, date(2027, 1, 20))


@tagged("post_install", "-at_install")
class TestPaymentReceived(PriceDatesCommon):

    def test_mail_says_what_was_paid(self):
        """An upgrade: the credit note paid a part, the customer the rest."""
        subscription = self.paid(self.starter)
        with self.at(date(2027, 1, 20)):
            change = subscription._change(self.pro.price_ids)
        paid = change.invoice_id.amount_residual
        self.assertLess(paid, change.invoice_id.amount_total)
        with self.at(date(2027, 1, 21)):
            self.pay(change.invoice_id)
        mail = self.said(f"Payment received: {change.invoice_id.name}")
        self.assertIn(f"{paid:.2f}", mail)
        self.assertNotIn(f"{change.invoice_id.amount_total:.2f}", mail)

    def test_paid_in_two_parts(self):
        subscription = self.subscribe(self.starter, DAY)
        invoice = self.invoices(subscription)
        for amount in (30.0, 70.0):
            self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=invoice.ids).create(
                    {"amount": amount})._create_payments()
        self.assertEqual(subscription.period_ids._amount_received(), 100.0)

    def test_paid_too_much_then_the_rest_of_the_next_invoice(self):
        """The first mail says all that came in, and what becomes of the rest; the second one what
        came in then, not what was in the customer's favour."""
        subscription = self.subscribe(self.starter, DAY)
        first = self.invoices(subscription)
        with self.at(DAY):
            self.env["account.payment.register"].with_context(
                active_model="account.move", active_ids=first.ids).create(
                    {"amount": 130.0})._create_payments()
        mail = self.said(f"Payment received: {first.name}")
        self.assertIn("130.00", mail)
        self.assertRegex(mail, "30.00.{0,2} in your favour, deducted from your next invoice")
        self.run_due(date(2027, 2, 10))
        second = self.invoices(subscription) - first
        self.assertEqual(second.amount_residual, 70.0)
        self.pay(second)
        mail = self.said(f"Payment received: {second.name}")
        self.assertIn("70.00", mail)
        self.assertNotIn("100.00", mail)
        self.assertNotIn("in your favour", mail)


@tagged("post_install", "-at_install")
class TestShop(CasesCommon, HttpCase):
    """The way from the page into the cart."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.starter + cls.pro).is_published = True
        cls.website = cls.env["website"].search([], limit=1)
        cls.owner = cls.make_portal("shopper")

    def subscribe_by_page(self, price):
        before = self.env["sale.order"].search([], order="id desc", limit=1)
        answer = self.url_open("/subscriptions/subscribe", {
            "csrf_token": http.Request.csrf_token(self), "price_id": price.id})
        return answer, self.env["sale.order"].search([("id", ">", before.id or 0)])

    def test_price_of_another_currency_is_not_on_the_page(self):
        pounds = self.env.ref("base.GBP")
        pounds.active = True
        price = self.env["subscription.plan.price"].create({
            "plan_id": self.starter.id, "currency_id": pounds.id, "amount": 60.0})
        self.authenticate("shopper", "shopper")
        answer, order = self.subscribe_by_page(price)
        self.assertEqual(answer.status_code, 404)
        self.assertFalse(order.order_line)

    def test_cart_page_shows_what_is_on_offer_now(self):
        self.authenticate("shopper", "shopper")
        _answer, order = self.subscribe_by_page(self.starter.price_ids)
        self.assertEqual(order.amount_untaxed, 100.0)
        self.starter.price_ids.amount = 130.0
        self.assertIn("130.00", self.url_open("/shop/cart").text)
        self.assertEqual(order.amount_untaxed, 130.0)

    def test_trial_begun_in_another_tab(self):
        (self.starter + self.pro).trial_days = 14
        self.authenticate("shopper", "shopper")
        _answer, order = self.subscribe_by_page(self.starter.price_ids)
        self.assertEqual(order.amount_total, 0.0)
        self.draft(self.pro, partner_id=self.owner.partner_id.id).action_start()
        self.assertIn("100.00", self.url_open("/shop/cart").text)
        self.assertEqual(order.amount_untaxed, 100.0)
