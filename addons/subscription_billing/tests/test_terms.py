"""What was agreed by the confirmation of an order holds, and nothing free multiplies."""

from datetime import date

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .test_cases import CasesCommon

DAY = date(2027, 1, 10)


class OrderCommon(CasesCommon):

    def order(self, *plans, partner=None, **line):
        """Make a draft order of one unit of each plan."""
        return self.env["sale.order"].create({
            "partner_id": (partner or self.customer).id, "order_line": [Command.create(
                {"product_id": plan.product_variant_id.id, **line}) for plan in plans]})

    def confirm(self, order, day=DAY):
        """Confirm an order and invoice what it bills.

        :return: (its subscriptions, its invoice)
        """
        with self.at(day):
            order.action_confirm()
            invoice = order.with_context(raise_if_nothing_to_invoice=False)._create_invoices()
            invoice.filtered("invoice_line_ids").action_post()
        return order.order_line.subscription_ids.sorted("id"), invoice


@tagged("post_install", "-at_install")
class TestTermsAsSold(OrderCommon):
    """Price, quantity, discount, fee, trial and commitment are those of the order."""

    def test_price_typed_holds_for_every_period(self):
        with self.at(DAY):
            order = self.order(self.starter, price_unit=80.0)
        subscription, invoice = self.confirm(order)
        self.assertEqual(invoice.amount_untaxed, 80.0)
        self.assertEqual((subscription.unit_price, subscription.mrr), (80.0, 80.0))
        self.run_due(date(2027, 2, 10))
        self.assertEqual(self.invoices(subscription)[-1].amount_untaxed, 80.0)

    def test_discount_typed_holds_for_every_period(self):
        """Percent of a price that does not divide: each invoice is the first one."""
        plan = self.make_plan("Odd", 33.33)
        with self.at(DAY):
            order = self.order(plan, product_uom_qty=3, discount=7)
        subscription, invoice = self.confirm(order)
        self.assertEqual(invoice.amount_untaxed, 92.99)
        self.assertEqual(subscription._preview_next_invoice()["untaxed"], 92.99)
        self.assertAlmostEqual(subscription.mrr, 92.99, 2)
        self.run_due(date(2027, 2, 10))
        line = self.invoices(subscription)[-1].invoice_line_ids
        self.assertEqual((line.price_unit, line.discount, line.price_subtotal), (33.33, 7, 92.99))
        with self.at(date(2027, 2, 10)):
            subscription._change(quantity=6)
        self.assertEqual(self.invoices(subscription)[-1].amount_untaxed, 185.98)
        with self.at(date(2027, 2, 10)):
            subscription._change(self.pro.price_ids, 1)
        self.assertEqual(subscription.discount, 0.0)
        self.assertEqual(self.invoices(subscription)[-1].amount_untaxed, 200.0)

    def test_price_typed_for_a_customer_without_the_included_tax(self):
        """Typed without the tax they do not pay: it is taken off no second time at renewals."""
        included = self.make_tax(20, "Included", price_include_override="tax_included")
        none = self.make_tax(0, "Export", original_tax_ids=[Command.set(included.ids)])
        self.env["account.fiscal.position"].create({
            "name": "Canada", "auto_apply": True, "sequence": 0,
            "country_id": self.env.ref("base.ca").id, "tax_ids": [Command.set(none.ids)]})
        plan = self.make_plan("Included", 120.0, taxes=included)
        far = self.make_customer("Far", country_id=self.env.ref("base.ca").id)
        with self.at(DAY):
            listed, typed = self.order(plan, partner=far), self.order(
                plan, partner=far, price_unit=80.0)
        self.assertEqual(listed.amount_total, 100.0)
        for order, amount in ((listed, 100.0), (typed, 80.0)):
            subscription, _invoice = self.confirm(order)
            self.run_due(date(2027, 2, 10))
            self.assertEqual(
                self.invoices(subscription).mapped("amount_total"), [amount, amount])

    def test_running_subscription_is_not_changed_on_its_order(self):
        with self.at(DAY):
            order = self.order(self.starter)
        subscription, _invoice = self.confirm(order)
        line = order.order_line
        for vals in ({"product_uom_qty": 3}, {"price_unit": 10.0}, {"discount": 50.0},
                     {"product_id": self.pro.product_variant_id.id}):
            with self.assertRaisesRegex(UserError, subscription.name):
                line.write(vals)
        line.write({"product_uom_qty": 1, "price_unit": 100.0, "name": "Other words"})
        order._recompute_prices()
        self.assertEqual((line.price_unit, line.discount), (100.0, 0.0))
        with self.at(DAY):
            subscription._cancel(now=True)
        line.product_uom_qty = 0  # over: nothing runs as agreed any more

    def test_plan_added_to_a_confirmed_order(self):
        """It subscribes as if it had been there before, its setup fee included."""
        self.pro.price_ids.setup_fee = 25.0
        with self.at(DAY):
            order = self.order(self.starter)
        self.confirm(order)
        with self.at(DAY):
            order.order_line = [Command.create(
                {"product_id": self.pro.product_variant_id.id, "price_unit": 150.0})]
            invoice = order._create_invoices()
            invoice.action_post()
        subscription = order.order_line.subscription_ids.filtered(
            lambda each: each.plan_id == self.pro)
        self.assertEqual((subscription.state, subscription.unit_price), ("active", 150.0))
        self.assertEqual(invoice.amount_untaxed, 175.0)
        self.assertEqual(subscription.period_ids.invoice_id, invoice)

    def test_plan_edited_between_order_and_confirmation(self):
        """A draft order keeps what it says: price, trial, fee and commitment."""
        self.pro.write({"trial_days": 14, "commitment_months": 3})
        self.pro.price_ids.setup_fee = 25.0
        with self.at(DAY):
            order, other = self.order(self.pro), self.order(self.starter)
        self.pro.write({"trial_days": 0, "commitment_months": 24})
        self.pro.price_ids.setup_fee = 250.0
        self.starter.price_ids.amount = 130.0
        trial, _none = self.confirm(order)
        self.assertEqual((trial.state, trial.trial_end), ("trial", date(2027, 1, 24)))
        self.run_due(date(2027, 1, 24))
        self.assertEqual(self.invoices(trial).amount_untaxed, 225.0)
        self.assertEqual(trial.commitment_end, date(2027, 4, 24))
        subscription, invoice = self.confirm(other)
        self.assertEqual((invoice.amount_untaxed, subscription.unit_price), (100.0, 100.0))

    def test_plan_edited_within_the_trial(self):
        self.pro.write({"trial_days": 14, "commitment_months": 3})
        self.pro.price_ids.setup_fee = 25.0
        subscription = self.subscribe(self.pro, DAY)
        self.pro.commitment_months = 24
        self.pro.price_ids.write({"setup_fee": 250.0, "amount": 999.0})
        self.assertEqual(subscription._preview_next_invoice()["untaxed"], 225.0)
        self.run_due(date(2027, 1, 24))
        self.assertEqual(self.invoices(subscription).amount_untaxed, 225.0)
        self.assertEqual(subscription.commitment_end, date(2027, 4, 24))

    def test_plan_edited_after_the_sale(self):
        """Credit at a cancellation, days to pay, and the end of the trial stay as agreed."""
        self.starter.write({"cancel_policy": "full", "trial_days": 14})
        self.pro.cancel_policy = "none"
        with self.at(DAY):
            order = self.order(self.pro, partner=self.make_customer("Other"))
        bought, _invoice = self.confirm(order)
        trial = self.subscribe(self.starter, DAY)
        now = self.env.ref("account.account_payment_term_immediate")
        (self.starter + self.pro).write({
            "cancel_policy": "prorated", "trial_needs_card": True, "payment_term_id": now.id})
        self.run_due(date(2027, 1, 24))
        invoice = self.invoices(trial)
        self.assertEqual(invoice.invoice_date_due, date(2027, 2, 23))
        with self.at(date(2027, 1, 25)):
            trial._cancel(now=True)
            bought._cancel(now=True)
        self.assertEqual(
            [sum(self.credit_notes(each).mapped("amount_untaxed")) for each in (trial, bought)],
            [100.0, 0.0])

    def test_change_takes_the_terms_of_the_new_plan(self):
        """Those on the day it was asked for; a payment refused gives the former ones back."""
        self.pro.cancel_policy = "none"
        planned, refused = self.subscribe(self.starter, DAY), self.subscribe(self.starter, DAY)
        self.pay(self.invoices(refused))
        refused.token_id = self.make_token("error").id
        with self.at(date(2027, 1, 20)):
            planned._change(self.pro.price_ids, timing="period_end")
            self.assertEqual(planned.cancel_policy, "prorated")
            refused._change(self.pro.price_ids)
            self.assertEqual(refused.cancel_policy, "none")
        self.pro.write({"cancel_policy": "full", "upgrade_policy": "keep"})
        self.charge(date(2027, 1, 20))
        self.assertEqual((refused.plan_id, refused.cancel_policy), (self.starter, "prorated"))
        self.run_due(date(2027, 2, 10))
        self.assertEqual((planned.plan_id, planned.cancel_policy), (self.pro, "none"))

    def test_setup_fee_waived_on_the_order(self):
        self.starter.price_ids.setup_fee = 25.0
        with self.at(DAY):
            order = self.order(self.starter)
            order.order_line.filtered("is_setup_fee").unlink()
            order.order_line = [Command.create({"name": "Note", "display_type": "line_note"})]
        self.assertEqual(order.amount_total, 100.0)
        subscription, _invoice = self.confirm(order)
        self.run_due(date(2027, 2, 10))
        self.assertEqual(self.invoices(subscription).mapped("amount_untaxed"), [100.0, 100.0])

    def test_setup_fee_of_another_amount(self):
        self.starter.price_ids.setup_fee = 25.0
        with self.at(DAY):
            order = self.order(self.starter)
            order.order_line.filtered("is_setup_fee").price_unit = 10.0
            order.order_line = [Command.create({"name": "Note", "display_type": "line_note"})]
        self.assertEqual(order.amount_untaxed, 110.0)
        _subscription, invoice = self.confirm(order)
        self.assertEqual(invoice.amount_untaxed, 110.0)

    def test_back_office_terms(self):
        """What staff type on a draft is what is billed, whatever the plan says later."""
        self.pro.trial_days = 14
        draft = self.draft(self.pro, DAY)
        self.assertEqual((draft.trial_days, draft.setup_fee), (14, 0.0))
        draft.write({"trial_days": 7, "commitment_months": 6, "setup_fee": 30.0, "discount": 50})
        with self.at(DAY):
            draft.action_start()
        self.assertEqual(draft.trial_end, date(2027, 1, 17))
        self.run_due(date(2027, 1, 17))
        self.assertEqual(self.invoices(draft).amount_untaxed, 130.0)
        self.assertEqual(draft.commitment_end, date(2027, 7, 17))
        with self.assertRaisesRegex(UserError, "by hand"):
            draft.with_user(self.manager).commitment_months = 0

    def test_price_changed_by_staff_is_in_the_history(self):
        subscription = self.subscribe(self.starter, DAY)
        with self.at(date(2027, 1, 15)):
            subscription.with_user(self.manager).write({"unit_price": 90.0, "discount": 10})
        self.assertEqual(subscription.mrr, 81.0)
        self.assertEqual(sum(subscription.event_ids.mapped("mrr_change")), 81.0)


@tagged("post_install", "-at_install")
class TestCommitment(OrderCommon):
    """It starts with the first paid day."""

    def committed(self):
        self.pro.write({"trial_days": 14, "commitment_months": 12})
        return self.subscribe(self.pro, DAY)

    def test_trial_cancelled_ends_with_the_trial(self):
        subscription = self.committed()
        self.assertFalse(subscription.commitment_end)
        with self.at(date(2027, 1, 12)):
            subscription._cancel()
        self.assertEqual(subscription.end_date, date(2027, 1, 24))
        self.assertIn("01/24/2027", self.mails_to(self.customer)[-1].body_html)
        self.run_due(date(2027, 1, 24))
        self.assertEqual((subscription.state, len(self.invoices(subscription))), ("ended", 0))

    def test_counted_from_the_end_of_the_trial(self):
        subscription = self.committed()
        self.run_due(date(2027, 1, 24))
        self.assertEqual(subscription.commitment_end, date(2028, 1, 24))
        with self.at(date(2027, 2, 1)):
            subscription._cancel()
        self.assertEqual(subscription.end_date, date(2028, 1, 24))

    def test_of_the_plan_chosen_last_in_the_trial(self):
        """The preview says it, and the setup fee that comes with it."""
        self.starter.write({"trial_days": 14})
        self.pro.write({"trial_days": 14, "commitment_months": 12})
        self.pro.price_ids.setup_fee = 25.0
        subscription = self.subscribe(self.starter, DAY)
        with self.at(date(2027, 1, 12)):
            preview = subscription._preview_change(self.pro.price_ids)
            self.assertEqual(preview["commitment_months"], 12)
            self.assertEqual(preview["next"]["untaxed"], 225.0)
            subscription._change(self.pro.price_ids)
        self.run_due(date(2027, 1, 24))
        self.assertEqual(self.invoices(subscription).amount_total, preview["next"]["total"])
        self.assertEqual(subscription.commitment_end, date(2028, 1, 24))


@tagged("post_install", "-at_install")
class TestNothingFreeMultiplies(OrderCommon):
    """One trial for each customer and family, decided at the confirmation."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        (cls.starter + cls.pro).trial_days = 14
        cls.pro.price_ids.setup_fee = 25.0

    def test_two_plans_in_one_order(self):
        """The first starts by the trial; the second shows and bills its price and its fee."""
        with self.at(DAY):
            order = self.order(self.starter, self.pro)
        self.assertEqual(order.order_line.mapped("price_unit"), [0.0, 200.0, 25.0])
        (first, second), invoice = self.confirm(order)
        self.assertEqual((first.state, second.state), ("trial", "active"))
        self.assertEqual(invoice.amount_total, order.amount_total)
        self.assertEqual(invoice.amount_untaxed, 225.0)
        self.assertEqual(second.period_ids.state, "invoiced")

    def test_first_line_taken_off_leaves_the_trial_to_the_second(self):
        with self.at(DAY):
            order = self.order(self.starter, self.pro)
            order.order_line[0].unlink()
        self.assertEqual(order.order_line.mapped("price_unit"), [0.0])
        subscription, _invoice = self.confirm(order)
        self.assertEqual(subscription.state, "trial")

    def test_order_older_than_the_trial(self):
        with self.at(DAY):
            order = self.order(self.pro)
        self.subscribe(self.starter, date(2027, 1, 11))
        subscription, invoice = self.confirm(order, date(2027, 1, 12))
        self.assertEqual((subscription.state, invoice.amount_untaxed), ("active", 225.0))
        self.assertEqual(order.amount_untaxed, 225.0)

    def test_two_carts_opened_by_a_visitor(self):
        """Both say 0.00 until they know the customer; a year is not given away."""
        year = self.make_plan("Year", 1000.0, unit="year", trial_days=14)
        visitor = self.env.ref("base.public_partner")
        with self.at(DAY):
            carts = [self.order(plan, partner=visitor) for plan in (self.starter, year)]
            for cart in carts:
                cart.partner_id = self.customer
            self.assertEqual([cart.amount_total for cart in carts], [0.0, 0.0])
        self.confirm(carts[0])
        subscription, invoice = self.confirm(carts[1])
        self.assertEqual((subscription.state, invoice.amount_untaxed), ("active", 1000.0))

    def test_customer_of_the_cart_becomes_one_who_tried(self):
        self.subscribe(self.starter, DAY)
        with self.at(DAY):
            cart = self.order(self.pro, partner=self.env.ref("base.public_partner"))
            self.assertEqual(cart.amount_total, 0.0)
            cart.partner_id = self.customer
        self.assertEqual(cart.order_line.mapped("price_unit"), [200.0, 25.0])

    def test_guest_with_the_same_address(self):
        """Each purchase as a guest makes another contact: their e-mail tells them."""
        self.subscribe(self.starter, DAY)
        guest = self.make_customer("Guest", email="Camille <CAMILLE@example.com>")
        with self.at(DAY):
            self.assertEqual(self.order(self.pro, partner=guest).amount_untaxed, 225.0)

    def test_price_of_zero_is_refused(self):
        """No trial and no discount of 100 %: nothing says why the period would be free."""
        with self.at(DAY):
            order = self.order(self.pro, price_unit=0.0, subscription_trial_days=0)
            order.order_line.write({"price_unit": 0.01, "discount": 99})
            with self.assertRaisesRegex(UserError, "costs nothing"):
                order.action_confirm()
        self.assertFalse(order.order_line.subscription_ids)

    def test_given_away_by_a_promotion(self):
        """One bought, one free: the free one is a period, and no subscription without end."""
        if "loyalty.program" not in self.env:
            self.skipTest("sale_loyalty is not installed")
        self.env["loyalty.program"].search([]).active = False
        self.pro.commitment_months = 12
        program = self.env["loyalty.program"].create({
            "name": "Promotion", "program_type": "promotion", "trigger": "auto",
            "applies_on": "current", "rule_ids": [Command.create({})],
            "reward_ids": [Command.create({
                "reward_type": "product", "required_points": 1,
                "reward_product_id": self.pro.product_variant_id.id})]})
        with self.at(DAY):
            order = self.order(self.pro, price_unit=200.0)
            order._update_programs_and_rewards()
            [card] = order._get_claimable_rewards()
            order._apply_program_reward(program.reward_ids, card)
            order._cart_add_plan(self.pro.price_ids)
        self.assertEqual(order.order_line.mapped("price_subtotal"), [200.0, 25.0, 0.0])
        (bought, given), invoice = self.confirm(order)
        self.assertEqual(invoice.amount_untaxed, 225.0)
        self.assertEqual(
            (given.period_ids.state, given.discount, given.mrr, given.commitment_end),
            ("free", 0.0, 0.0, False))
        self.assertIn("It ends on <strong>02/10/2027", self.mails_to(self.customer)[-1].body_html)
        with self.at(date(2027, 2, 1)):
            given._withdraw_cancellation()
            ahead = given._preview_next_invoice()["untaxed"]
            given._cancel()
        self.run_due(date(2027, 2, 10))
        self.assertEqual((ahead, bought.state, given.state), (200.0, "active", "ended"))
        self.assertEqual(sum(given.event_ids.mapped("mrr_change")), 0.0)
        self.assertFalse(self.invoices(given))

    def test_given_away_by_staff(self):
        with self.at(DAY):
            order = self.order(self.pro, price_unit=200.0)
            order.order_line.discount = 100
        subscription, _invoice = self.confirm(order)
        self.assertEqual(subscription.period_ids.state, "free")
        self.run_due(date(2027, 2, 10))
        self.assertEqual(set(subscription.period_ids.mapped("state")), {"free"})

    def test_given_away_by_staff_but_the_setup_fee(self):
        """The first invoice asks for the fee, and is chased like others; the rest is free."""
        with self.at(DAY):
            order = self.order(self.pro, price_unit=200.0, discount=100)
        subscription, invoice = self.confirm(order)
        self.assertEqual((subscription.period_ids.state, invoice.amount_untaxed),
                         ("invoiced", 25.0))
        self.run_due(date(2027, 2, 10))
        self.assertEqual(subscription.period_ids.sorted("date_start")[1:].mapped("state")[0],
                         "free")

    def test_price_of_another_currency(self):
        pounds = self.env.ref("base.GBP")
        pounds.active = True
        price = self.env["subscription.plan.price"].create({
            "plan_id": self.starter.id, "currency_id": pounds.id, "amount": 60.0})
        with self.at(DAY):
            order = self.order(self.starter)
            with self.assertRaisesRegex(ValidationError, "EUR"):
                order.order_line.subscription_price_id = price
                order.flush_recordset()

    def test_cart_is_looked_at_again_before_it_is_paid(self):
        (self.starter + self.pro).is_published = True
        self.subscribe(self.pro, DAY)
        with self.at(DAY):
            cart = self.order(self.starter)
            cart._check_cart_is_ready_to_be_paid()
            self.starter.price_ids.amount = 130.0
            with self.assertRaisesRegex(ValidationError, "has changed"):
                cart._check_cart_is_ready_to_be_paid()
            cart._recompute_prices()  # as the page does that shows it
            self.assertEqual(cart.amount_untaxed, 130.0)
            cart._check_cart_is_ready_to_be_paid()
            self.starter.price_ids.active = False
            with self.assertRaisesRegex(ValidationError, "no longer on sale"):
                cart._check_cart_is_ready_to_be_paid()
