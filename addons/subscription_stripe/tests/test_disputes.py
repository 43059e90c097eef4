"""« contestation … gestion de la réponse au rétrofacturation (chargeback) »: books and service."""

import io
from datetime import datetime, timedelta

import openpyxl
from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import TransactionCase, new_test_user, tagged

from .common_dispute import DisputeCommon


@tagged("post_install", "-at_install")
class TestDispute(DisputeCommon, TransactionCase):

    # On the books ---------------------------------------------------------------------------------

    def test_money_taken_is_a_contested_claim_once(self):
        """Whatever is told how often: 416 for the amount, 627 for the fee, out of the account of
        Stripe."""
        disputes = {self.contest() for _event in range(3)}
        self.assertEqual(len(disputes), 1)
        [dispute] = disputes
        entry = dispute.balance_ids.move_id
        self.assertEqual(self.booked(entry), {"416": 100.0, "627": 20.0, "stripe": -120.0})
        self.assertEqual((len(entry), dispute.fee), (1, 20.0))
        self.assertEqual(self.env["account.move"].search([("ref", "=", entry.ref)]), entry)
        self.assertIn(self.invoice.payment_state, ("paid", "in_payment"))
        self.assertEqual(dispute.balance_ids.difference, 0.0)

    def test_won_brings_it_back(self):
        self.contest()
        dispute = self.contest("won", moves=("out", "back"))
        self.assertEqual(
            self.booked(dispute.balance_ids.move_id), {"627": 20.0, "stripe": -20.0})
        self.assertFalse(dispute._waiting_lines())
        self.assertFalse(dispute.loss_move_id)
        self.assertEqual(self.period.state, "paid")

    def test_lost_makes_the_invoice_due_again(self):
        self.contest()
        for _event in range(2):
            dispute = self.contest("lost")
        self.assertEqual(self.booked(dispute.loss_move_id), {"411": 100.0, "416": -100.0})
        self.assertFalse(dispute._waiting_lines())
        self.assertEqual(
            (self.invoice.payment_state, self.invoice.amount_residual), ("not_paid", 100.0))
        self.assertEqual((self.period.state, self.subscription.state), ("invoiced", "suspended"))
        self.assertEqual(self.period.dunning_start, self.subscription._today())
        self.assertEqual(self.events(self.subscription).count("payment_failed"), 1)
        # Paid otherwise in the end, all is well again.
        self.pay(self.invoice)
        self.assertEqual((self.period.state, self.subscription.state), ("paid", "active"))

    def lost_then_won(self, amount=10000):
        """Check the books of a dispute lost, then won on appeal by two events."""
        self.contest(amount=amount)
        self.contest("lost", amount=amount)
        yield
        for _event in range(2):
            dispute = self.contest("won", amount=amount, moves=("out", "back"))
            self.assertEqual(
                self.booked(dispute.balance_ids.move_id + dispute.loss_move_id
                            + dispute.regain_move_id), {"627": 20.0, "stripe": -20.0})
        self.assertEqual(self.env["account.move"].search(
            [("ref", "=", dispute.regain_move_id.ref)]), dispute.regain_move_id)
        self.assertFalse(dispute._waiting_lines())
        yield dispute

    def test_won_on_appeal_the_payment_counts_again(self):
        """Neither due nor chased any more, and the service is on, without a word to anybody."""
        life = self.lost_then_won()
        next(life)
        self.contest("won")  # the money is not back yet
        self.assertEqual((self.period.state, self.invoice.amount_residual), ("invoiced", 100.0))
        dispute = next(life)
        self.assertIn(self.invoice.payment_state, ("paid", "in_payment"))
        self.assertEqual((self.period.state, self.subscription.state), ("paid", "active"))
        self.assertFalse(self.period.dunning_start)
        self.assertTrue(dispute._payment_line().reconciled)
        self.assertFalse(dispute.activity_ids)
        self.assertEqual(self.told(self.customer), [])
        self.assertFalse(self.card._is_contested())

    def test_charge_that_waited_follows_when_it_is_won_on_appeal(self):
        self.company.dispute_policy = "none"
        life = self.lost_then_won()
        next(life)
        period = self.another_period()
        self.charge()
        self.assertFalse(period.charge_at)
        next(life)
        self.assertTrue(period.charge_at)

    def test_part_won_on_appeal(self):
        for _step in self.lost_then_won(amount=4000):
            pass
        self.assertEqual((self.period.state, self.invoice.amount_residual), ("paid", 0.0))

    def test_won_on_appeal_when_it_was_paid_otherwise(self):
        """Paid twice: an advance of the customer, and staff are told once."""
        life = self.lost_then_won()
        next(life)
        self.pay(self.invoice)
        dispute = next(life)
        self.assertEqual((self.period.state, self.subscription.state), ("paid", "active"))
        self.assertEqual(dispute._payment_line().amount_residual, -100.0)
        activity = dispute.activity_ids
        self.assertEqual((len(activity), activity.user_id), (1, dispute.user_id))
        self.assertIn(self.invoice.name, activity.note)

    def test_won_on_appeal_when_it_was_written_off(self):
        """What became of the loss is the accountant's; nothing is undone behind their back."""
        self.company.dispute_lost_policy = "write_off"
        *_steps, dispute = self.lost_then_won()
        self.assertEqual((self.period.state, self.subscription.state), ("written_off", "ended"))
        self.assertEqual(self.booked(self.invoice.write_off_ids), {"411": -100.0, "654": 100.0})
        self.assertEqual(dispute._payment_line().amount_residual, -100.0)
        self.assertEqual(len(dispute.activity_ids), 1)

    def test_lost_without_having_been_open_here(self):
        """All events came at once: the same books."""
        dispute = self.contest("lost")
        moves = dispute.balance_ids.move_id + dispute.loss_move_id
        self.assertEqual(self.booked(moves), {"411": 100.0, "627": 20.0, "stripe": -120.0})
        self.assertEqual((self.period.state, self.subscription.state), ("invoiced", "past_due"))

    def test_part_of_a_payment_lost(self):
        self.contest(amount=4000)
        self.contest("lost", amount=4000)
        self.assertEqual(
            (self.invoice.payment_state, self.invoice.amount_residual), ("partial", 40.0))

    def test_lost_and_written_off_by_policy(self):
        self.company.dispute_lost_policy = "write_off"
        self.contest()
        self.contest("lost")
        entry = self.invoice.write_off_ids
        self.assertEqual(self.booked(entry), {"411": -100.0, "654": 100.0})
        self.assertEqual((self.period.state, self.subscription.state), ("written_off", "ended"))

    def test_closed_books_are_respected(self):
        """What Stripe did in a closed month is posted on the first day that is open."""
        lock = self.today() - timedelta(days=10)
        self.company.fiscalyear_lock_date = lock
        old = self.movement("txn_old", -700, kind="payout", source="po_1")
        old["created"] -= 20 * 86400
        row = self.env["stripe.balance.transaction"]._record_movements(self.provider, [old])
        row._post_payouts()
        self.assertEqual(row.move_id.date, lock + timedelta(days=1))
        self.assertLess(row.day, lock)

    def test_no_account_is_said_with_the_remedy(self):
        self.env["account.account"].search([("code", "=like", "416%")]).write(
            {"reconcile": False})
        self.env["account.account"].search([("code", "=like", "467%")]).write(
            {"reconcile": False})
        with self.assertRaisesRegex(UserError, "settings of Subscriptions"):
            self.contest()

    # The service ----------------------------------------------------------------------------------

    def test_suspended_until_won(self):
        """Other payments do not turn it on meanwhile; the customer is told nothing by default."""
        self.contest()
        self.assertEqual(self.subscription.state, "suspended")
        self.subscription.period_ids._recover_subscriptions()
        self.assertEqual(self.subscription.state, "suspended")
        self.contest("won", moves=("out", "back"))
        self.assertEqual(self.subscription.state, "active")
        self.assertEqual(self.told(self.customer), [])

    def test_customer_is_told_by_policy(self):
        self.company.dispute_tell_customer = True
        for _event in range(2):
            self.contest()
        [subject] = self.told(self.customer)
        self.assertIn("contests a payment of", subject)

    def test_hold(self):
        """« stop charging »: no renewal until the bank has decided."""
        self.company.dispute_policy = "hold"
        self.contest()
        self.assertEqual((self.subscription.state, self.subscription.is_held), ("active", True))
        self.contest("won", moves=("out", "back"))
        self.assertFalse(self.subscription.is_held)

    def test_card_is_spared_whatever_the_policy(self):
        """The next invoice is sent instead; the charge follows when the dispute is won."""
        self.company.dispute_policy = "none"
        self.contest()
        self.assertEqual((self.subscription.state, self.subscription.is_held), ("active", False))
        period = self.another_period()
        self.charge()
        self.assertFalse(period.transaction_ids)
        self.assertFalse(period.charge_at)
        self.assertTrue(period.invoice_id.sending_data)
        with self.assertRaisesRegex(UserError, "contests a payment"):
            self.subscription.with_user(self.manager).action_charge()
        with self.assertRaisesRegex(UserError, "contests a payment"):
            self.transaction("S7", token_id=self.card.id, operation="online_token") \
                ._send_payment_request()
        self.assertFalse(self.card._get_available_tokens(
            self.provider.ids, self.customer.id))
        self.contest("won", moves=("out", "back"))
        self.assertTrue(period.charge_at)

    def test_refusal_that_the_webhook_tells_first_leaves_the_queue(self):
        """The worker that asked was killed: the next one must not ask again at once."""
        period = self.another_period()
        transaction = period._create_transaction()
        transaction._stripe_apply_intent({
            "id": "pi_2", "status": "requires_payment_method", "payment_method": None,
            "last_payment_error": {"code": "card_declined",
                                   "decline_code": "insufficient_funds"}})
        self.assertEqual((transaction.state, period.charge_at), ("error", False))
        self.charge()
        self.assertEqual(period.transaction_ids, transaction)

    def test_card_of_a_lost_dispute_is_never_charged_again(self):
        self.contest()
        self.contest("lost")
        self.assertTrue(self.card._is_contested())
        self.assertTrue(self.subscription._wants_token())

    def test_inquiry_moves_nothing_but_is_answered(self):
        dispute = self.contest("warning_needs_response", moves=())
        self.assertEqual((self.subscription.state, dispute.is_answerable), ("active", True))
        self.assertTrue(self.card._is_contested())
        self.assertFalse(dispute.balance_ids)
        self.contest("needs_response")
        self.assertEqual(self.subscription.state, "suspended")
        self.assertEqual(len(self.told(dispute.user_id.partner_id)), 1)

    def test_inquiry_closed_leaves_no_trace(self):
        self.contest("warning_needs_response", moves=())
        self.contest("warning_closed", moves=())
        self.assertFalse(self.card._is_contested())
        self.assertEqual(self.subscription.state, "active")

    # Staff ----------------------------------------------------------------------------------------

    def test_staff_are_told_once_with_the_deadline(self):
        for _event in range(3):
            dispute = self.contest()
        [subject] = self.told(dispute.user_id.partner_id)
        self.assertIn("Camille", subject)
        activity = dispute.activity_ids
        self.assertEqual(activity.user_id, dispute.user_id)
        self.assertEqual(
            activity.date_deadline, self.provider._stripe_day(
                dispute.due_at - timedelta(days=3)))
        self.contest("under_review")
        self.assertFalse(dispute.activity_ids)

    def test_unknown_reason_and_status(self):
        self.assertEqual(self.contest(reason="new_kind").reason, "general")
        with self.assertRaisesRegex(UserError, "new_status"):
            self.contest("new_status")

    def test_others_see_nothing(self):
        dispute = self.contest()
        row = dispute.balance_ids
        other = self.env["res.company"].create({"name": "Other"})
        theirs = new_test_user(
            self.env, "their_accountant", "base.group_user,account.group_account_manager",
            company_id=other.id, company_ids=[(6, 0, other.ids)])
        for record in (dispute, row, dispute.evidence_ids):
            self.assertTrue(record.with_user(self.accountant).search(
                [("id", "in", record.ids)]).read())
            self.assertFalse(record.with_user(theirs).search([]))
            for user in (self.clerk, self.env.ref("base.public_user")):
                with self.assertRaises(AccessError):
                    record.with_user(user).search([])
        for action in ("action_submit", "action_accept", "action_refresh"):
            for user in (self.clerk, theirs):
                with self.assertRaises(AccessError):
                    getattr(dispute.with_user(user), action)()
        with self.assertRaises(AccessError):
            dispute.with_user(self.accountant).write({"status": "won"})
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            dispute.unlink()

    # Evidence -------------------------------------------------------------------------------------

    def piece(self, dispute, name):
        return dispute.evidence_ids.filtered(lambda line: line.name == name).with_user(
            self.accountant)

    def test_list_of_evidence_follows_the_reason(self):
        dispute = self.contest(reason="subscription_canceled")
        names = dispute.evidence_ids.mapped("name")
        self.assertIn("cancellation_rebuttal", names)
        self.assertNotIn("duplicate_charge_id", names)
        ready = dispute.evidence_ids.filtered("is_done").mapped("name")
        self.assertEqual(set(ready), {
            "customer_name", "customer_email_address", "billing_address", "product_description",
            "service_date"})
        self.assertIn("cancellation", dispute.advice)
        self.assertIn("Lyon", self.piece(dispute, "billing_address").text)
        self.assertNotIn("\n\n", self.piece(dispute, "billing_address").text)

    def test_evidence_is_checked(self):
        dispute = self.contest()
        receipt, other = (self.piece(dispute, name) for name in ("receipt", "uncategorized_text"))
        with self.assertRaisesRegex(ValidationError, "PDF, JPEG or PNG"):
            receipt.file = "aGVsbG8="  # hello
        with self.assertRaisesRegex(ValidationError, "characters at most"):
            other.text = "x" * 20_001
        receipt.file = "JVBERi0xLjQK"  # %PDF-1.4
        self.assertTrue(receipt.is_done)
        other.text = "  "
        self.assertFalse(other.is_done)
        self.contest("under_review")
        with self.assertRaisesRegex(UserError, "was sent already"):
            other.text = "too late"
        with self.assertRaisesRegex(UserError, "No answer is expected"):
            dispute.with_user(self.accountant).action_submit()

    def test_nothing_to_send(self):
        dispute = self.contest()
        dispute.evidence_ids.text = False
        with self.assertRaisesRegex(UserError, "nothing to send"):
            dispute.with_user(self.accountant).action_submit()

    def test_stripe_does_not_answer(self):
        dispute = self.contest()
        with self.assertRaisesRegex(UserError, "Click again"):
            dispute.with_user(self.accountant).action_accept()
        self.assertEqual(dispute.status, "needs_response")


@tagged("post_install", "-at_install")
class TestDisputeOfTaxedService(DisputeCommon, TransactionCase):
    """VAT of services falls due with the payment (CGI art. 269, 2, c), and not without it."""

    @classmethod
    def make_taxes(cls):
        cls.vat = cls.env["account.tax"].search([
            ("type_tax_use", "=", "sale"), ("amount", "=", 20.0),
            ("tax_exigibility", "=", "on_payment"), ("company_id", "=", cls.company.id),
            ("price_include_override", "!=", "tax_included")], limit=1)
        return cls.vat

    def waiting_vat(self):
        return round(sum(self.env["account.move.line"].search([
            ("account_id", "=", self.vat.cash_basis_transition_account_id.id),
            ("parent_state", "=", "posted"), ("partner_id", "=", self.customer.id),
        ]).mapped("balance")), 2)

    def test_vat_of_a_lost_payment_is_taken_back(self):
        self.assertEqual((self.invoice.amount_total, self.waiting_vat()), (120.0, 0.0))
        self.contest(amount=12000)
        self.assertEqual(self.waiting_vat(), 0.0)
        self.contest("lost", amount=12000)
        self.assertEqual((self.invoice.amount_residual, self.waiting_vat()), (120.0, -20.0))
        self.pay(self.invoice)
        self.assertEqual(self.waiting_vat(), 0.0)

    def test_vat_is_due_again_when_it_is_won_on_appeal(self):
        self.contest(amount=12000)
        self.contest("lost", amount=12000)
        self.contest("won", amount=12000, moves=("out", "back"))
        self.assertEqual((self.invoice.amount_residual, self.waiting_vat()), (0.0, 0.0))

    def test_what_a_payment_paid(self):
        """Income and tax in proportion, to the cent, also of a part."""
        for amount, income, vat in ((12000, 100.0, 20.0), (1001, 8.34, 1.67)):
            row = self.env["stripe.balance.transaction"]._record_movements(self.provider, [
                self.movement(f"txn_{amount}", amount, source={
                    "id": "ch_1", "object": "charge", "payment_intent": "pi_1"})])
            shares = {account.code[:2]: share for account, share in row._split_by_account()}
            self.assertEqual(shares, {"70": income, "44": vat})

    def test_vat_of_a_loss_written_off_is_never_due(self):
        self.company.dispute_lost_policy = "write_off"
        self.contest(amount=12000)
        self.contest("lost", amount=12000)
        self.assertEqual(self.booked(self.invoice.write_off_ids)["654"], 100.0)
        self.assertEqual(self.waiting_vat(), 0.0)


@tagged("post_install", "-at_install")
class TestBalance(DisputeCommon, TransactionCase):

    def take(self, *movements):
        return self.env["stripe.balance.transaction"]._record_movements(
            self.provider, list(movements))

    def entries(self):
        """Return all that is on the account of Stripe, but for the payment."""
        return self.env["account.move.line"].search([
            ("account_id", "=", self.provider._stripe_account().id),
            ("parent_state", "=", "posted")]).move_id - self.paid.payment_id.move_id

    def test_fees_of_a_day_are_one_entry_once(self):
        charge = self.movement("txn_1", 10000, 175, source={
            "id": "ch_1", "object": "charge", "payment_intent": "pi_1"})
        other = self.movement("txn_2", -50, kind="stripe_fee", source=None)
        before = self.movement("txn_3", 2000, 55)
        before["created"] -= 2 * 86400
        rows = self.take(charge, other, before)
        for _time in range(2):
            rows._post_fees()
            rows = self.take(charge, other, before)
        first, second, third = rows.sorted("ref")
        self.assertEqual(first.fee_move_id, second.fee_move_id)
        self.assertEqual(self.booked(first.fee_move_id), {"627": 2.25, "stripe": -2.25})
        self.assertEqual(self.booked(third.fee_move_id), {"627": 0.55, "stripe": -0.55})
        self.assertEqual(third.fee_move_id.date, third.day)
        self.assertEqual(len(self.env["stripe.balance.transaction"].search([])), 3)
        self.assertEqual(self.entries(), first.fee_move_id | third.fee_move_id)
        # The payment is Odoo's; a charge that is not ours is a difference.
        self.assertEqual((first.transaction_id, first.difference), (self.paid, 0.0))
        self.assertEqual((second.difference, third.difference), (0.0, 20.0))

    def test_difference_is_reported_once_and_settled(self):
        stranger = self.take(self.movement("txn_9", 700, source="ch_9"))
        differences = self.env["stripe.difference"]
        for _time in range(2):
            differences._report_movements(stranger)
        found = differences.search([("object_ref", "=", "txn_9")])
        self.assertEqual((found.kind, found.amount_there, found.amount_here), ("movement", 7, 0))
        stranger.transaction_id = self.paid  # someone found out
        stranger.amount = stranger.net = 100.0
        differences._report_movements(stranger)
        self.assertEqual(found.state, "settled")

    def test_payout_passes_by_internal_transfers(self):
        rows = self.take(self.movement("txn_p", -5000, kind="payout", source="po_1"))
        for _time in range(2):
            rows._post_payouts()
        self.assertEqual(self.entries(), rows.move_id)
        account = self.company.transfer_account_id
        self.assertEqual(
            {line.account_id: line.balance for line in rows.move_id.line_ids},
            {account: 50.0, self.provider._stripe_account(): -50.0})

    def test_accountant_reads_all_of_the_month(self):
        """Who may not see providers and their keys."""
        rows = self.take(self.movement("txn_1", 10000, 175, source={
            "id": "ch_1", "object": "charge", "payment_intent": "pi_1"}))
        statement = self.env["stripe.statement"].with_user(self.accountant).create({})
        self.assertEqual(statement.provider_id, self.provider)
        statement.sudo().row_ids = rows
        statement.sudo()._share_out()
        for records in (statement, statement.row_ids, statement.share_ids):
            records.invalidate_recordset()
            self.assertTrue(records.with_user(self.accountant).read())
        self.assertEqual((statement.payments, statement.fees, statement.closing),
                         (100.0, -1.75, 98.25))
        self.assertEqual(statement.difference, -1.75)  # the fee is not posted
        self.assertFalse(self.env["account.move.line"].search(
            [*statement.action_view_strangers()["domain"], ("move_id", "=",
             self.paid.payment_id.move_id.id)]))
        self.assertTrue(statement._build_workbook())

    def fetched(self, rows, month="2027-01-01", fetched_at="2027-02-01 08:00:00"):
        """Make a statement as it is when its movements have just been fetched."""
        statement = self.env["stripe.statement"].create({"month": month})
        account = self.provider._stripe_account()
        statement.write({
            "row_ids": rows.ids, "fetched_at": fetched_at,
            "opening": statement._balance(account, statement.month),
            "fetched_here": statement._balance(account, statement._days()[1])})
        return statement

    def test_statement_agrees_only_line_by_line(self):
        """Lines that make up for one another are no agreement, nor is what moved meanwhile."""
        rows = self.take(
            self.movement("txn_up", 2280, kind="adjustment", created=1798759800),
            self.movement("txn_down", -2280, kind="adjustment", created=1798759800))
        statement = self.fetched(rows)
        self.assertEqual((statement.difference, statement.verdict), (0.0, "lines"))
        self.assertEqual(
            self.env["stripe.balance.transaction"].search(
                statement.action_view_differences()["domain"]), rows)
        statement = self.fetched(rows.browse(), "2027-02-01", "2027-02-20 08:00:00")
        self.assertEqual(statement.verdict, "agrees")
        self.assertFalse(statement.is_month_over)
        self.company._stripe_post(
            fields.Date.to_date("2027-02-21"), "By hand", self.company.currency_id,
            [(self.company._stripe_fee_account(), 22.8, None),
             (self.provider._stripe_account(), -22.8, None)])
        statement.invalidate_recordset()
        self.assertEqual((statement.difference, statement.verdict), (22.8, "moved"))
        statement.write({"fetched_at": "2027-03-01 08:00:00", "fetched_here":
                         statement.closing_here})
        self.assertEqual(statement.verdict, "differs")
        self.assertTrue(statement.is_month_over)

    def test_two_entries_that_make_up_for_one_another(self):
        account, fees = self.provider._stripe_account(), self.company._stripe_fee_account()
        for amount in (22.8, -22.8):
            self.company._stripe_post(
                fields.Date.to_date("2027-02-21"), "By hand", self.company.currency_id,
                [(fees, amount, None), (account, -amount, None)])
        statement = self.fetched(
            self.env["stripe.balance.transaction"], "2027-02-01", "2027-03-01 08:00:00")
        self.assertEqual((statement.difference, statement.verdict), (0.0, "lines"))

    def test_workbook_for_the_accountant(self):
        """Dates are dates, of the clock where the company is; accounts show their codes."""
        rows = self.take(self.movement("txn_1", 10000, 175, created=1798759800, source={
            "id": "ch_1", "object": "charge", "payment_intent": "pi_1"}))  # 23:30 UTC
        statement = self.env["stripe.statement"].create({"month": "2027-01-01"})
        statement.row_ids = rows
        statement._share_out()
        workbook = openpyxl.load_workbook(io.BytesIO(statement._build_workbook()))
        summary, movements = workbook.worksheets
        self.assertEqual(movements["A2"].value, datetime(2027, 1, 1, 0, 30))
        codes = {row[0].split()[0] for row in summary.iter_rows(min_row=16, values_only=True)}
        self.assertEqual(codes, set(statement.share_ids.account_id.mapped("code")))
        rows.sudo().description = "=1+cmd|' /C calc'!A0"
        movements = openpyxl.load_workbook(io.BytesIO(statement._build_workbook())).worksheets[1]
        self.assertEqual(movements["E2"].value, "'=1+cmd|' /C calc'!A0")
        self.assertEqual(movements["E2"].data_type, "s")

    def test_opens_on_the_month_of_the_company(self):
        """Half an hour after midnight in Paris, on the first, UTC still has the month before."""
        self.company.partner_id.tz = "Europe/Paris"
        with freeze_time("2027-01-31 23:30:00"):
            statement = self.env["stripe.statement"].with_user(self.accountant).create({})
        self.assertEqual(statement.month, fields.Date.to_date("2027-02-01"))

    def test_month_is_one_statement(self):
        vals = {"provider_id": self.provider.id, "month": "2027-02-17"}
        statement = self.env["stripe.statement"].with_user(self.accountant).create(vals)
        self.assertEqual(statement.month, fields.Date.to_date("2027-02-01"))
        self.assertEqual(
            [fields.Datetime.to_string(fields.Datetime.from_string("1970-01-01")
             + timedelta(seconds=second)) for second in statement.sudo()._moments()],
            ["2027-01-31 23:00:00", "2027-02-28 23:00:00"])
        for user in (self.clerk, self.manager):
            with self.assertRaises(AccessError):
                statement.with_user(user).read(["month"])

    def test_night_that_fails_is_told_once(self):
        differences = self.env["stripe.difference"]
        for reason in ("first", "second"):
            differences._report_failure(self.provider, reason)
        found = differences.search([("kind", "=", "failed")])
        self.assertEqual((len(found), len(found.activity_ids), found.reference), (1, 1, "second"))
        differences._settle(self.provider, [], differences)
        self.assertEqual((found.state, len(found.activity_ids)), ("settled", 0))
        differences._report_failure(self.provider, "third")
        self.assertEqual((found.state, len(found.activity_ids)), ("open", 1))
