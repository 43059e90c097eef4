"""A cancellation at once: what is shown before is credited, mailed, and can be given back."""

from datetime import date
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..exceptions import PreviewMismatch
from .test_cases import CasesCommon

START, DAY = date(2027, 1, 10), date(2027, 1, 20)


class CancelCommon(CasesCommon):

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

    def wizard(self, subscription, user=None, **vals):
        return self.env["subscription.cancel"].with_user(user or self.user).create({
            "subscription_id": subscription.id, "cancel_order": "yes", **vals})


@tagged("post_install", "-at_install")
class TestCancelAmounts(CancelCommon):

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


@tagged("post_install", "-at_install")
class TestCancelAtOnceAnyway(CancelCommon):
    """“No: keep the order” where no paid day is ahead: it is at once all the same, and said."""

    def suspended(self):
        subscription = self.paid()
        with self.at(DAY):
            subscription._suspend()
        return subscription

    def upcoming(self):
        """Start on the 10th what begins on the 20th."""
        with self.at(START):
            subscription = self.draft(self.starter, DAY)
            subscription.action_start()
        self.assertEqual(subscription.state, "upcoming")
        return subscription

    def keep_order(self, subscription):
        return self.wizard(subscription, self.accountant, cancel_order="no")

    def test_suspended(self):
        subscription = self.suspended()
        with self.at(DAY):
            with Form(self.env["subscription.cancel"].with_user(self.user).with_context(
                    active_id=subscription.id)) as form:
                self.assertEqual((form.is_at_once, form.credit_total), (True, 231.48))
            wizard = self.keep_order(subscription)
            self.assertEqual(wizard.end_date, date(2027, 1, 21))
            self.assertEqual((wizard.credit_total, wizard.in_favour), (231.48, 231.48))
            action = wizard.action_confirm()
        self.assertEqual(action["res_id"], wizard.id)  # the money can be given back
        self.assertEqual(
            (subscription.state, subscription.end_date), ("ended", date(2027, 1, 21)))
        self.assertEqual(sum(self.credit_notes(subscription).mapped("amount_total")), 231.48)

    def test_suspended_and_shown_before(self):
        """A day later less is credited; paid meanwhile, nothing is: it goes on to the end of the
        period."""
        subscription = self.suspended()
        with self.at(DAY):
            wizard = self.keep_order(subscription)
        with self.at(date(2027, 1, 21)), self.assertRaises(PreviewMismatch):
            wizard.action_confirm()
        with self.at(DAY):
            subscription._recover()
            with self.assertRaises(PreviewMismatch):
                wizard.action_confirm()
        self.assertEqual((subscription.state, subscription.end_date), ("active", False))

    def test_upcoming(self):
        subscription = self.upcoming()
        with self.at(START):
            wizard = self.keep_order(subscription)
            self.assertEqual((wizard.is_at_once, wizard.credit_total), (True, 0.0))
            self.assertEqual(wizard.end_date, date(2027, 1, 11))
            wizard.action_confirm()
        self.assertEqual(
            (subscription.state, subscription.end_date), ("ended", date(2027, 1, 11)))

    def test_upcoming_on_hold(self):
        """Who gives up needs no release; only what was asked for at once does."""
        subscription = self.upcoming()
        subscription._hold("An address is missing.")
        with self.at(DAY):
            self.assertIn("on hold", self.wizard(subscription).problem)
            wizard = self.keep_order(subscription)
            self.assertEqual((wizard.is_at_once, wizard.problem), (True, False))
            wizard.action_confirm()
        self.assertEqual(subscription.state, "ended")

    def test_upcoming_on_its_first_day(self):
        """The run has not come: the first period is billed, and the end is that of the period."""
        subscription = self.upcoming()
        with self.at(DAY):
            wizard = self.keep_order(subscription)
            self.assertEqual((wizard.is_at_once, wizard.bills_first), (False, True))
            self.assertEqual(wizard.end_date, date(2027, 2, 20))
            wizard.action_confirm()
        self.assertEqual(
            (subscription.state, subscription.end_date), ("active", date(2027, 2, 20)))
        self.assertEqual(len(self.invoices(subscription)), 1)

    def test_running(self):
        """As before: at the end of the period; what is due is billed first, and that is said."""
        subscription = self.paid()
        with self.at(DAY):
            wizard = self.keep_order(subscription)
            self.assertEqual(
                (wizard.is_at_once, wizard.bills_first, wizard.credit_total), (False, False, 0.0))
            self.assertEqual(wizard.end_date, date(2027, 2, 10))
        with self.at(date(2027, 2, 11)):
            self.assertTrue(self.wizard(subscription).bills_first)


@tagged("post_install", "-at_install")
class TestBackToTheCard(CancelCommon):
    """Money goes back once, and what became of it is said."""

    def noted(self, *amounts):
        """Make 100.00 paid by card, and credit notes on that invoice.

        :return: (the credit notes, the wizard that gives them back)
        """
        subscription = self.subscribe(
            self.make_plan("Card", 100.0), START, token_id=self.make_token().id)
        self.charge(START)
        invoice = self.invoices(subscription)
        with self.at(DAY):
            for amount in amounts:
                note = invoice._reverse_moves([{"invoice_date": DAY, "date": DAY}])
                note.invoice_line_ids.price_unit = amount
                note.action_post()
        notes = self.credit_notes(subscription).sorted("id")
        self.assertEqual(notes.mapped("amount_residual"), list(amounts))
        return notes, self.wizard(subscription, self.accountant, is_done=True)

    def provider_says(self, *answers):
        """Let the provider answer the refunds in turn: a state, nothing, or an error."""
        answers, self.sent = iter(answers), []

        def answer(refund):
            self.sent.append(refund.amount)
            said = next(answers)
            if isinstance(said, Exception):
                raise said
            if said:
                refund._process("demo", {
                    "reference": refund.reference, "simulated_state": said})

        return patch.object(
            self.env.registry["payment.transaction"], "_send_refund_request", answer)

    def give_back(self, wizard):
        with self.at(DAY):
            return wizard.action_refund_to_card()["params"]

    def refunds(self, notes):
        return notes.transaction_ids.sorted("id")

    def test_several(self):
        notes, wizard = self.noted(30.0, 40.0)
        with self.provider_says("done", "pending"):
            said = self.give_back(wizard)
        self.assertEqual((said["type"], self.sent), ("success", [-30.0, -40.0]))
        self.assertRegex(said["message"], r"70\.00.*goes back to the card")
        self.assertEqual(notes.mapped("amount_residual"), [0.0, 40.0])

    def test_more_than_the_payment_has_left(self):
        """Each note by itself could go back, not both: nothing is sent."""
        notes, wizard = self.noted(30.0, 30.0)
        with self.at(DAY):
            notes.reversed_entry_id.transaction_ids._refund(50.0)._post_process()
        self.env.invalidate_all()
        with self.provider_says("done", "done"), self.assertRaisesRegex(
                UserError, r"cannot be given back.*20\.00.*are left"):
            self.give_back(wizard)
        self.assertEqual(self.sent, [])

    def test_provider_switched_off(self):
        _notes, wizard = self.noted(30.0)
        self.provider.state = "disabled"
        with self.provider_says("done"), self.assertRaises(UserError):
            self.give_back(wizard)
        self.assertEqual(self.sent, [])

    def test_too_little_for_the_provider(self):
        """Odoo takes a refund of 0.00 for one of all of the payment."""
        _notes, wizard = self.noted(30.0)
        with self.provider_says("done"), patch.object(
                self.env.registry["payment.provider"], "_round_to_step",
                lambda self, amount, currency: 0.0), \
                self.assertRaisesRegex(UserError, "too little"):
            self.give_back(wizard)
        self.assertEqual(self.sent, [])

    @mute_logger("odoo.addons.concurrency_base.tools.isolation")
    def test_second_fails(self):
        """The first one went out: it stays on record, and both are told."""
        notes, wizard = self.noted(30.0, 40.0)
        with self.provider_says("done", UserError("The line is down.")):
            said = self.give_back(wizard)
        self.assertEqual(said["type"], "danger")
        self.assertRegex(said["message"], r"(?s)30\.00.*goes back.*The line is down\.")
        self.assertEqual(notes.mapped("amount_residual"), [0.0, 40.0])
        self.assertEqual(self.refunds(notes).mapped("state"), ["done", "error"])

    def test_refused_or_without_an_answer(self):
        """Only what goes back is said to."""
        for answer, kind in ((ValidationError("Refused."), "danger"), (None, "success")):
            notes, wizard = self.noted(30.0)
            with self.provider_says(answer):
                said = self.give_back(wizard)
            self.assertEqual(said["type"], kind)
            self.assertNotIn("goes back", said["message"])
            self.assertEqual(notes.amount_residual, 30.0)

    def test_without_an_answer_it_is_not_asked_for_again(self):
        notes, wizard = self.noted(30.0)
        with self.provider_says(None):
            self.give_back(wizard)
        wizard.invalidate_recordset()  # another request
        with self.assertRaisesRegex(UserError, "Nothing is left"):
            self.give_back(wizard)
        with self.assertRaisesRegex(UserError, "cannot be given back"):
            notes.with_user(self.accountant).action_refund_to_card()

    @mute_logger("odoo.addons.concurrency_base.tools.isolation")
    def test_posted_later(self):
        """The refund is made, its posting fails: it is not made again, and posted by the run."""
        notes, wizard = self.noted(30.0)

        reason = "The journal is closed."

        def fail(refund):
            raise UserError(reason)

        with patch.object(self.env.registry["payment.transaction"], "_match_refund", fail):
            said = self.give_back(wizard)
        self.assertIn("goes back", said["message"])
        refund = self.refunds(notes)
        self.assertEqual((refund.state, refund.is_post_processed), ("done", False))
        self.assertEqual(notes.amount_residual, 30.0)
        wizard.invalidate_recordset()  # another request
        with self.assertRaisesRegex(UserError, "Nothing is left"):
            self.give_back(wizard)
        with self.at(DAY):
            refund._post_process()
        self.assertEqual(notes.amount_residual, 0.0)
