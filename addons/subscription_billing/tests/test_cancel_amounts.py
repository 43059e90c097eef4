"""A cancellation at once: what is shown before is credited, mailed, and can be given back."""

from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from ..exceptions import PreviewMismatch
from .test_cases import CasesCommon

START, DAY = date(2027, 1, 10), date(2027, 1, 20)


@tagged("post_install", "-at_install")
class TestCancelAmounts(CasesCommon):

    def setUp(self):
        super().setUp()
        self.accountant = self.env["res.users"].create({
            "name": "Accountant", "login": "cancel_accountant", "group_ids": [
                (4, self.env.ref("subscription_billing.group_subscription_user").id),
                (4, self.env.ref("account.group_account_invoice").id)]})

    def paid(self, **vals):
        tax = self.make_tax(20, f"Text {self.env['account.tax'].search_count([])}")
        plan = self.make_plan("Text", 299.0, taxes=tax, **vals)
        subscription = self.subscribe(plan, START)
        with self.at(START):
            self.pay(self.invoices(subscription))
        return subscription

    def wizard(self, subscription, user=None):
        return self.env["subscription.cancel"].with_user(user or self.user).create({
            "subscription_id": subscription.id, "cancel_order": "yes"})

    def test_shown_credited_and_mailed(self):
        for policy in ("prorated", "full", "none"):
            subscription = self.paid(cancel_policy=policy)
            with self.at(DAY):
                wizard = self.wizard(subscription)
                shown = (wizard.credit_total, wizard.in_favour, wizard.pays_total)
                wizard.action_confirm()
            notes = self.credit_notes(subscription)
            total = round(sum(notes.mapped("amount_total")), 2)
            self.assertEqual(shown, (total, total, 0.0), policy)
            self.assertEqual(bool(total), policy != "none")
            self.assertTrue(all(note.sending_data for note in notes))
            if policy == "prorated":  # the 20 days of 31 from the 21st on, tax included
                self.assertEqual(total, 231.48)

    def test_form_shows_it_and_an_old_amount_is_refused(self):
        subscription = self.paid()
        with self.at(DAY), Form(self.env["subscription.cancel"].with_user(
                self.user).with_context(active_id=subscription.id)) as form:
            self.assertEqual((form.credit_total, form.problem), (0.0, False))
            form.cancel_order = "yes"
            self.assertGreater(form.credit_total, 200.0)
        wizard = form.record
        with self.at(date(2027, 1, 21)), self.assertRaisesRegex(PreviewMismatch, "has changed"):
            wizard.action_confirm()  # a day later, a day less
        self.assertEqual(subscription.state, "active")

    def test_unpaid_invoice_is_paid_by_it_first(self):
        subscription = self.subscribe(self.starter, START)
        with self.at(DAY):
            wizard = self.wizard(subscription)
            self.assertEqual(wizard.pays_total, wizard.credit_total)
            self.assertFalse(wizard.in_favour)
            action = wizard.action_confirm()
        self.assertEqual(action["tag"], "display_notification")  # nothing to give back
        self.assertEqual(
            self.invoices(subscription).amount_residual, round(100 - wizard.credit_total, 2))

    def test_problem_is_said_before(self):
        subscription = self.paid(commitment_months=12)
        with self.at(DAY):
            wizard = self.wizard(subscription)
            self.assertIn("is committed until", wizard.problem)
            self.assertFalse(wizard.credit_total)

    def test_given_back_by_transfer_once(self):
        subscription = self.paid()
        with self.at(DAY):
            wizard = self.wizard(subscription, self.accountant)
            action = wizard.action_confirm()
            self.assertEqual((action["res_model"], action["res_id"]),
                             ("subscription.cancel", wizard.id))
            note = self.credit_notes(subscription)
            self.assertEqual(wizard.left_to_give_back, note.amount_total)
            self.assertFalse(wizard.can_refund_to_card)
            wizard.action_refund_by_transfer()
        self.assertEqual(note.amount_residual, 0.0)
        wizard.invalidate_recordset()  # another request
        self.assertFalse(wizard.left_to_give_back)
        with self.assertRaisesRegex(UserError, "Nothing is left"):
            wizard.action_refund_by_transfer()

    def test_given_back_to_the_card(self):
        token = self.make_token()
        plan = self.make_plan("Card", 100.0)
        subscription = self.subscribe(plan, START, token_id=token.id)
        self.charge(START)
        with self.at(DAY):
            self.assertEqual(subscription.period_ids.state, "paid")
            wizard = self.wizard(subscription, self.accountant)
            wizard.action_confirm()
            self.assertTrue(wizard.can_refund_to_card)
            wizard.action_refund_to_card()
        self.assertEqual(self.credit_notes(subscription).amount_residual, 0.0)

    def test_who_may_not_pay_out_sees_the_amount_only(self):
        subscription = self.paid()
        with self.at(DAY):
            wizard = self.wizard(subscription)
            wizard.action_confirm()
            self.assertTrue(wizard.left_to_give_back)
            with self.assertRaises(AccessError):
                wizard.action_refund_by_transfer()
