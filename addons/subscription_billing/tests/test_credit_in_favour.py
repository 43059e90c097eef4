"""Money in the customer's favour is used before a card is charged, said, and given back."""

from ast import literal_eval
from datetime import date, timedelta

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged

from .common import SubscriptionCommon
from .test_cases import CasesCommon

START, CHANGED, RENEWED = date(2027, 1, 1), date(2027, 1, 16), date(2027, 2, 1)


class CreditCommon(CasesCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accountant = new_test_user(
            cls.env, "credit_accountant", "account.group_account_invoice,base.group_user",
            lang="en_US")

    def downgraded(self, **vals):
        """Make a downgrade: Pro paid on the first of January, Starter from the 16th, 51.62 left
        open.
        """
        subscription = self.subscribe(self.pro, START, **vals)
        if subscription.token_id:
            self.charge(START)
        else:
            self.pay(self.invoices(subscription))
        with self.at(CHANGED):
            subscription._change(self.starter.price_ids)
        return subscription

    def overpay(self, invoice, amount):
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoice.ids).create({})
        wizard.write({"amount": amount, "payment_difference_handling": "open"})
        return wizard._create_payments()

    def renew(self, subscription, day=RENEWED):
        """Renew, and return the period that begins."""
        self.run_due(day)
        self.charge(day)
        return subscription._period_on(day)

    def open_credits(self, subscription):
        return subscription._outstanding_credit_lines()

    def credit(self, subscription):
        return round(subscription._outstanding_credits()[subscription], 2)

    def past_due(self, day):
        with self.at(day), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_past_due").method_direct_trigger()


@tagged("post_install", "-at_install")
class TestCreditIsUsed(CreditCommon):

    def test_before_the_card_is_charged(self):
        subscription = self.downgraded(token_id=self.make_token().id)
        self.assertEqual(self.credit(subscription), 51.62)
        period = self.renew(subscription)
        self.assertEqual(period.transaction_ids.amount, 48.38)
        self.assertEqual((period.state, self.credit(subscription)), ("paid", 0.0))
        self.assertEqual(
            self.renew(subscription, date(2027, 3, 1)).transaction_ids.amount, 100.0)

    def test_before_anybody_is_asked_to_pay(self):
        subscription = self.downgraded()
        period = self.renew(subscription)
        self.assertEqual(period.invoice_id.amount_residual, 48.38)
        self.assertEqual(subscription._invoices_to_pay(), period.invoice_id)

    def test_all_of_an_invoice(self):
        """No card is charged, no payment confirmed, and the invoice is sent all the same."""
        subscription = self.subscribe(
            self.starter, START, token_id=self.make_token().id)
        self.charge(START)
        with self.at(START):
            self.overpay(self.subscribe(
                self.pro, START, partner_id=self.customer.id).period_ids.invoice_id, 350.0)
        self.assertEqual(self.credit(subscription), 150.0)
        mails = self.subjects()
        period = self.renew(subscription)
        self.assertEqual((period.state, period.charge_at), ("paid", False))
        self.assertFalse(period.transaction_ids)
        self.assertNotIn(f"Payment received: {period.invoice_id.name}", self.subjects())
        self.assertTrue(period.invoice_id.sending_data)
        self.assertEqual(self.events(subscription).count("payment"), 1)
        self.assertFalse([each for each in self.subjects() if each.startswith("Invoice unpaid")])
        self.assertGreaterEqual(len(self.subjects()), len(mails))

    def test_overpayment(self):
        subscription = self.subscribe(self.starter, START)
        self.overpay(self.invoices(subscription), 150.0)
        subscription.token_id = self.make_token()
        self.assertEqual(self.renew(subscription).transaction_ids.amount, 50.0)

    def test_paid_twice(self):
        """By transfer, while the card was being charged: the second one pays the next period."""
        subscription = self.subscribe(self.starter, START, token_id=self.make_token().id)
        period = subscription.period_ids
        attempt = period._create_transaction()
        self.pay(period.invoice_id)
        with self.at(START):
            attempt._set_done()
            attempt._post_process()
        self.assertEqual(self.credit(subscription), 100.0)
        period = self.renew(subscription)
        self.assertEqual((period.state, len(period.transaction_ids)), ("paid", 0))

    def test_credit_that_comes_after_the_invoice(self):
        """Used before the customer is past due, and before a step of the chase."""
        subscription = self.subscribe(self.starter, START)
        invoice = self.invoices(subscription)
        other = self.subscribe(self.pro, START)
        self.overpay(self.invoices(other), 260.0)
        late = invoice.invoice_date_due + timedelta(days=1)
        self.past_due(late)
        self.assertEqual(invoice.amount_residual, 40.0)
        self.assertEqual(subscription.state, "past_due")
        other.period_ids.invoice_id.flush_recordset()
        with self.at(late):
            self.overpay(self._another_invoice(other, late), 240.0)
        with self.at(late + timedelta(days=3)), self.enter_registry_test_mode():
            self.env.ref("subscription_billing.ir_cron_dun").method_direct_trigger()
        self.assertEqual((subscription.state, invoice.amount_residual), ("active", 0.0))
        self.assertFalse(subscription.period_ids.dunning_action_ids)

    def _another_invoice(self, subscription, day):
        self.run_due(day)
        return subscription.period_ids.filtered(lambda each: each.state == "invoiced").invoice_id

    def test_an_upgrade_says_and_uses_it(self):
        subscription = self.downgraded(token_id=self.make_token().id)
        day = CHANGED + timedelta(days=1)
        with self.at(day):
            preview = subscription._preview_change(self.pro.price_ids)
            self.assertEqual(preview["in_favour"], min(preview["due"], 51.62))
            subscription._change(self.pro.price_ids, expected_due=preview["due"])
        self.charge(day)
        charged = sum(subscription._period_on(day).transaction_ids.mapped("amount"))
        self.assertEqual(
            round(charged, 2), round(preview["due"] - preview["in_favour"], 2))


@tagged("post_install", "-at_install")
class TestWhichCredits(CreditCommon):
    """Only the customer's own, of their subscriptions, and not what is kept for something else."""

    def note(self, amount, **line):
        note = self.env["account.move"].create({
            "move_type": "out_refund", "partner_id": self.customer.id, "invoice_date": START,
            "invoice_line_ids": [Command.create({
                "name": "Refund", "price_unit": amount, "tax_ids": [], **line})]})
        note.action_post()
        return note

    def test_of_another_sale(self):
        subscription = self.subscribe(self.starter, START)
        self.pay(self.invoices(subscription))
        note = self.note(30.0)
        self.env["account.payment"].create({
            "payment_type": "inbound", "partner_id": self.customer.id, "amount": 70.0,
            "date": START}).action_post()
        self.assertEqual(self.credit(subscription), 0.0)
        self.assertEqual(self.renew(subscription).invoice_id.amount_residual, 100.0)
        # Staff say that it is for the subscriptions.
        note.with_user(self.accountant).outstanding_credit_use = "subscriptions"
        self.assertEqual(self.credit(subscription), 30.0)

    def test_kept_for_something_else(self):
        subscription = self.downgraded()
        note = self.credit_notes(subscription)
        line = self.open_credits(subscription)
        self.assertEqual(line.move_id, note)
        line.with_user(self.accountant).outstanding_credit_use = "kept"
        self.assertEqual(self.credit(subscription), 0.0)
        self.assertEqual(self.renew(subscription).invoice_id.amount_residual, 100.0)
        # What a person chose outlives a matching in part.
        note.line_ids.flush_recordset()
        self.assertEqual(note.outstanding_credit_use, "kept")

    def test_of_another_customer_company_or_currency(self):
        self.downgraded()
        dollar = self.env.ref("base.USD")
        dollar.active = True
        price = self.env["subscription.plan.price"].create({
            "plan_id": self.starter.id, "currency_id": dollar.id, "amount": 100.0})
        other = self.make_customer("Dominique")
        for vals in ({"partner_id": other.id}, {"price": price}):
            subscription = self.subscribe(self.starter, START, **vals)
            self.assertEqual(self.credit(subscription), 0.0)
            self.assertEqual(self.renew(subscription).invoice_id.amount_residual, 100.0)

    def test_of_a_contact_of_the_same_company(self):
        """The commercial partner owns it."""
        firm = self.make_customer("Firm", is_company=True)
        contacts = [self.make_customer(name, parent_id=firm.id) for name in ("Ada", "Grace")]
        self.customer = contacts[0]
        self.downgraded(partner_id=contacts[0].id)
        subscription = self.subscribe(self.starter, RENEWED, partner_id=contacts[1].id)
        self.assertEqual(self.invoices(subscription).amount_residual, 48.38)

    def test_not_for_an_invoice_that_is_being_paid(self):
        """The debit brings all of it days later; the credit is for the invoice after."""
        subscription = self.subscribe(
            self.starter, START, token_id=self.make_token("pending").id)
        self.charge(START)
        invoice, attempt = self.invoices(subscription), subscription.period_ids.transaction_ids
        self.assertEqual(attempt.state, "pending")
        self.note(30.0).outstanding_credit_use = "subscriptions"
        subscription._use_outstanding_credits()
        self.assertEqual((invoice.amount_residual, self.credit(subscription)), (100.0, 30.0))
        attempt._set_done()
        attempt._post_process()
        self.assertEqual((subscription.period_ids.state, invoice.amount_residual), ("paid", 0.0))
        self.assertEqual(self.credit(subscription), 30.0)

    def test_on_its_way_back(self):
        subscription = self.downgraded(token_id=self.make_token().id)
        note = self.credit_notes(subscription)
        payment = subscription.period_ids.transaction_ids.filtered("payment_id")
        refund = payment._create_child_transaction(51.62, is_refund=True)
        refund.invoice_ids = note
        self.assertEqual(self.credit(subscription), 0.0)
        refund.state = "cancel"
        self.assertEqual(self.credit(subscription), 51.62)


@tagged("post_install", "-at_install")
class TestGiveBack(CreditCommon):

    def test_by_transfer(self):
        subscription = self.downgraded()
        line = self.open_credits(subscription).with_user(self.accountant)
        line.action_refund_by_transfer()
        payment = self.env["account.payment"].search(
            [("partner_id", "=", self.customer.id)], order="id desc", limit=1)
        self.assertEqual((payment.payment_type, payment.amount, payment.create_uid),
                         ("outbound", 51.62, self.accountant))
        self.assertTrue(line.reconciled)
        self.assertEqual(self.credit(subscription), 0.0)
        with self.assertRaisesRegex(UserError, "Nothing is left"):
            line.action_refund_by_transfer()
        self.assertEqual(self.renew(subscription).invoice_id.amount_residual, 100.0)

    def test_to_the_card(self):
        """Of a credit note, and of what was paid too much."""
        subscription = self.downgraded(token_id=self.make_token().id)
        note = self.credit_notes(subscription).with_user(self.accountant)
        self.assertTrue(note.card_refund_transaction_id)
        note.action_refund_to_card()
        refund = note.transaction_ids.filtered(lambda each: each.operation == "refund")
        self.assertEqual((refund.state, refund.amount), ("done", -51.62))
        self.assertEqual(note.payment_state, "paid")
        self.assertFalse(note.card_refund_transaction_id)
        with self.assertRaisesRegex(UserError, "cannot be given back"):
            note.action_refund_to_card()
        self.assertEqual(self.renew(subscription).transaction_ids.amount, 100.0)

    def test_overpayment_to_the_card(self):
        subscription = self.subscribe(self.starter, START, token_id=self.make_token().id)
        attempt = subscription.period_ids._create_transaction()
        self.pay(self.invoices(subscription))
        with self.at(START):
            attempt._set_done()
            attempt._post_process()
        line = self.open_credits(subscription)
        self.assertEqual(line.outstanding_credit, 100.0)
        line.with_user(self.accountant).action_refund_to_card()
        self.assertTrue(line.reconciled)
        self.assertEqual(self.credit(subscription), 0.0)

    def test_who_may(self):
        subscription = self.downgraded()
        line = self.open_credits(subscription).with_user(self.user)
        for action in (line.action_refund_by_transfer, line.move_id.action_refund_to_card):
            with self.assertRaises(AccessError):
                action()

    def test_list_of_staff(self):
        subscription = self.downgraded()
        action = self.env["account.move.line"].with_user(self.accountant)
        action = action.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.outstanding_credit_action")
        found = self.env["account.move.line"].with_user(self.accountant).search(
            literal_eval(action["domain"]))
        self.assertIn(self.open_credits(subscription), found)
        self.assertEqual(
            subscription.with_user(self.accountant).action_view_outstanding_credits()["domain"],
            [("id", "in", self.open_credits(subscription).ids)])


@tagged("post_install", "-at_install")
class TestSmallAmounts(CreditCommon):
    """Less than the provider takes is neither charged, chased nor asked for: it is charged with
    the next invoice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.classPatch(cls.registry["payment.provider"], "_minimum_amount",
                       lambda self, currency: 0.5)

    def small(self, left, token="done"):
        """Leave so much to pay by the renewal of February."""
        subscription = self.subscribe(self.starter, START)
        self.overpay(self.invoices(subscription), 200.0 - left)
        subscription.token_id = token and self.make_token(token)
        return subscription, self.renew(subscription)

    def test_carried_to_the_next_invoice(self):
        subscription, period = self.small(0.49)
        self.assertEqual(
            (period.state, period.charge_at, period.attempt_count), ("invoiced", False, 0))
        self.assertFalse(period.transaction_ids)
        self.assertTrue(period.invoice_id.sending_data)
        for day in (2, 3, 10, 27):
            self.past_due(date(2027, 2, day))
            with self.at(date(2027, 2, day)), self.enter_registry_test_mode():
                self.env.ref("subscription_billing.ir_cron_dun").method_direct_trigger()
        self.assertEqual((subscription.state, period.dunning_start), ("active", False))
        self.assertFalse(subscription._open_invoices())
        self.assertEqual(
            subscription._preview_payment(),
            {"in_favour": 0.0, "carried": 0.49, "to_pay": 100.49})
        following = self.renew(subscription, date(2027, 3, 1))
        self.assertEqual(following.transaction_ids.amount, 100.49)
        self.assertEqual((period.state, following.state), ("paid", "paid"))

    def test_as_much_as_the_provider_takes(self):
        _subscription, period = self.small(0.5)
        self.assertEqual((period.state, period.transaction_ids.amount), ("paid", 0.5))

    def test_a_transfer_short_of_some_cents(self):
        """The fee of the customer's bank: the service is on again."""
        subscription, period = self.small(50.0, token="error")
        self.assertEqual(subscription.state, "past_due")
        with self.at(RENEWED + timedelta(days=1)):
            self.overpay(period.invoice_id, 49.8)
        self.assertEqual((subscription.state, period.dunning_start), ("active", False))
        self.assertEqual(period.invoice_id.amount_residual, 0.2)

    def test_who_pays_each_invoice(self):
        subscription, period = self.small(0.3, token=None)
        self.provider.is_published = True
        self.past_due(period.invoice_id.invoice_date_due + timedelta(days=1))
        self.assertEqual(subscription.state, "active")

    def test_refused_with_the_next_one(self):
        """What was too small stays so; the next invoice is chased."""
        subscription, period = self.small(0.4, token="error")
        following = self.renew(subscription, date(2027, 3, 1))
        self.assertEqual((following.state, subscription.state), ("invoiced", "past_due"))
        self.assertFalse(period.dunning_start)
        self.assertTrue(following.dunning_start)


@tagged("post_install", "-at_install")
class TestCreditIsPromisedOnce(CreditCommon):

    def paid_pro(self, **vals):
        subscription = self.subscribe(self.pro, START, **vals)
        self.pay(self.invoices(subscription))
        return subscription

    def test_two_subscriptions_do_not_promise_it_twice(self):
        """The first billed takes its part, the next one the rest; one that ended takes none."""
        first, second, ended = self.paid_pro(), self.paid_pro(), self.paid_pro()
        with self.at(CHANGED):
            ended._cancel(now=True)
        self.assertEqual(ended._outstanding_credits()[ended], 96.77)
        first.with_user(self.manager).unit_price = 90.0
        self.assertEqual(first._preview_payment(),
                         {"in_favour": 90.0, "carried": 0.0, "to_pay": 0.0})
        self.assertEqual(second._preview_payment(),
                         {"in_favour": 6.77, "carried": 0.0, "to_pay": 193.23})
        self.assertIn("deducted from your next invoice", first._outstanding_credit_sentence())
        for other in (second, ended):
            self.assertIn(f"deducted from the next invoice of {first.name}",
                          other._outstanding_credit_sentence())
        self.run_due(RENEWED)
        self.assertEqual(
            [round(each._period_on(RENEWED).invoice_id.amount_residual, 2)
             for each in (first, second)], [0.0, 193.23])

    def test_paused(self):
        subscription = self.paid_pro()
        with self.at(CHANGED):
            subscription._pause()
        self.assertIn("from your first invoice after the pause",
                      subscription._outstanding_credit_sentence())

    def test_preview_and_mail_of_a_change_say_what_it_leaves(self):
        subscription = self.paid_pro()
        with self.at(CHANGED):
            preview = subscription._preview_change(self.starter.price_ids)
            self.assertEqual((preview["due"], preview["next_in_favour"]), (-51.62, 51.62))
            change = subscription._change(self.starter.price_ids)
        mail = self.mails_to(self.customer)[-1].body_html.replace("\xa0", " ")
        self.assertRegex(mail, r"(?s)51\.62.*are paid by what is in your favour.*48\.38")
        self.assertTrue(change.credit_note_id.sending_data)

    def test_mail_of_an_invoice_says_what_is_left(self):
        subscription = self.paid_pro()
        with self.at(CHANGED):
            change = subscription._change(self.starter.price_ids)
        self.run_due(RENEWED)
        partly = subscription._period_on(RENEWED).invoice_id
        for invoice, left, top in (
                (change.invoice_id, "Nothing is left to pay", "Nothing is left to pay"),
                (partly, r"48[.,]38", r"48[.,]38")):
            template = invoice._get_mail_template()
            body = template._render_field("body_html", invoice.ids)[invoice.id]
            self.assertRegex(body, left)
            self.assertIn("are paid by what was in your favour", body)
            context = invoice._notify_by_email_prepare_rendering_context(
                self.env["mail.message"].new({"model": "account.move", "res_id": invoice.id}))
            self.assertRegex(context["subtitles"][1], top)

    def test_to_do_about_the_next_invoice(self):
        """Closed when there is none, or a card pays it."""
        for act in ("_cancel", "_pause", "token"):
            subscription = self.paid_pro()
            todo = self.env.ref("subscription_billing.mail_activity_next_invoice")
            self.assertEqual(subscription.activity_ids.activity_type_id, todo)
            with self.at(CHANGED):
                if act == "token":
                    subscription.token_id = self.make_token()
                else:
                    getattr(subscription, act)(**({"now": True} if act == "_cancel" else {}))
            self.assertNotIn(todo, subscription.activity_ids.activity_type_id)


@tagged("post_install", "-at_install")
class TestCreditIsSaid(HttpCase, SubscriptionCommon):

    def test_portal(self):
        """« 51,62 € en votre faveur », what it pays, and what is left to pay."""
        owner = self.make_portal("favoured")
        (self.starter + self.pro).write({"is_published": True})
        today = self.env.cr.now().date()
        subscription = self.draft(self.pro, partner_id=owner.partner_id.id)
        subscription._start()
        self.pay(self.invoices(subscription))
        subscription._change(self.starter.price_ids)
        credit = subscription._outstanding_credits()[subscription]
        self.assertEqual(credit, 100.0, today)
        self.authenticate("favoured", "favoured")
        page = self.url_open(f"/my/subscriptions/{subscription.id}").text
        self.assertIn("in your favour, deducted from your next invoice", page)
        self.assertIn("o_subscription_in_favour", page)
        self.assertIn("0.00", page.split("o_subscription_to_pay")[1][:200])
        page = self.url_open(
            f"/my/subscriptions/{subscription.id}/change?price={self.pro.price_ids.id}").text
        self.assertIn("100.00", page.split("o_preview_in_favour")[1][:200])
        self.assertIn(">0.00", page.split("o_preview_to_pay")[1][:220])
        owner.partner_id.lang = owner.lang = "fr_FR"
        french = subscription.with_context(lang="fr_FR")._outstanding_credit_sentence()
        self.assertEqual(
            french.replace("\xa0", " "),
            "100,00 € en votre faveur, déduits de votre prochaine facture.")

    def test_mail_of_the_end(self):
        """A credit that no invoice will use is said."""
        subscription = self.draft(self.pro, date(2027, 1, 1))
        with self.at(date(2027, 1, 1)):
            subscription._start()
            self.pay(self.invoices(subscription))
        with self.at(date(2027, 1, 10)):
            subscription._cancel(now=True)
        mail = self.mails_to(self.customer).filtered(
            lambda each: each.subject == f"Your subscription {subscription.name} has ended")
        self.assertIn("in your favour. Ask us", mail.body_html)

    def test_replaced_period_keeps_its_documents_on_the_page(self):
        owner = self.make_portal("replaced")
        subscription = self.draft(self.pro, partner_id=owner.partner_id.id)
        subscription._start()
        self.pay(self.invoices(subscription))
        change = subscription._change(self.starter.price_ids)
        self.authenticate("replaced", "replaced")
        page = self.url_open(f"/my/subscriptions/{subscription.id}").text
        for document in (change.cut_period_id.invoice_id, change.credit_note_id):
            self.assertIn(document.name, page)
