from datetime import UTC, datetime, timedelta

from markupsafe import escape

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_datetime

from .. import const
from ..exceptions import EventRefused
from .stripe_balance_transaction import to_major_units

REASONS = [
    ("fraudulent", "Fraudulent"),
    ("unrecognized", "Not recognized"),
    ("subscription_canceled", "Subscription cancelled"),
    ("product_not_received", "Not received"),
    ("product_unacceptable", "Not as described"),
    ("credit_not_processed", "Credit not processed"),
    ("duplicate", "Charged twice"),
    ("general", "General"),
    ("bank_cannot_process", "The bank cannot process it"),
    ("check_returned", "Check returned"),
    ("customer_initiated", "Started by the customer"),
    ("debit_not_authorized", "Debit not authorized"),
    ("incorrect_account_details", "Wrong account details"),
    ("insufficient_funds", "Insufficient funds"),
    ("noncompliant", "Against the rules of the card scheme"),
]
STATUSES = [
    ("warning_needs_response", "Inquiry to answer"),
    ("warning_under_review", "Inquiry under review"),
    ("warning_closed", "Inquiry closed"),
    ("needs_response", "To answer"),
    ("under_review", "Under review"),
    ("appeal_needs_response", "Appeal to answer"),
    ("appeal_under_review", "Appeal under review"),
    ("won", "Won"),
    ("lost", "Lost"),
    ("prevented", "Prevented"),
]
AHEAD = timedelta(days=3)  # staff are to answer that long before it is too late


class PaymentDispute(models.Model):
    """A payment that the holder of the card contests at the bank (chargeback).

    Written from what Stripe has, each time it is fetched anew: whatever the order in which its
    events arrive, entries, mails and the freeze of the service come once.

    Its parts: the answer to the bank in ``payment_dispute_answer``, what it does to subscriptions
    in ``payment_dispute_service``. "Lost" means one thing in this addon: the bank decided for the
    holder of the card.
    """

    _name = "payment.dispute"
    _description = "Payment Dispute"
    _engine_only = True
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "due_at, id desc"
    _rec_name = "reference"
    _mail_post_access = "read"  # only the engine writes

    provider_id = fields.Many2one(
        "payment.provider", required=True, readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    reference = fields.Char(
        string="Dispute", required=True, readonly=True, help="Its number at Stripe.")
    transaction_id = fields.Many2one(
        "payment.transaction", string="Payment", required=True, readonly=True,
        ondelete="restrict", index=True)
    token_id = fields.Many2one(
        "payment.token", string="Card", readonly=True, ondelete="restrict",
        index="btree_not_null")
    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, readonly=True, index=True,
        ondelete="restrict")
    invoice_ids = fields.Many2many("account.move", string="Invoices", readonly=True)
    subscription_ids = fields.Many2many(
        "subscription.subscription", string="Subscriptions", readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(string="Contested", required=True, readonly=True)
    fee = fields.Monetary(string="Fee of Stripe", compute="_compute_fee", store=True)
    reason = fields.Selection(REASONS, required=True, readonly=True)
    network_code = fields.Char(
        string="Code of the network", readonly=True, help="The reason as the card scheme says it.")
    advice = fields.Text(compute="_compute_advice", string="What to do")
    status = fields.Selection(STATUSES, required=True, readonly=True, tracking=True, index=True)
    is_answerable = fields.Boolean(compute="_compute_is_answerable")
    due_at = fields.Datetime(
        string="Answer before", readonly=True, help="The bank takes no evidence after this "
                                                    "moment (UTC).")
    submissions = fields.Integer(string="Answers given", readonly=True)
    user_id = fields.Many2one(
        "res.users", string="Responsible", readonly=True, help="The accountant who is told.")
    account_id = fields.Many2one(
        "account.account", string="Contested on", required=True, readonly=True,
        ondelete="restrict", help="Where the money waits until the bank decides.")
    evidence_ids = fields.One2many("payment.dispute.evidence", "dispute_id")
    balance_ids = fields.One2many(
        "stripe.balance.transaction", "dispute_id", string="Movements of the balance")
    loss_move_id = fields.Many2one(
        "account.move", string="Entry of the loss", readonly=True, ondelete="restrict")
    regain_move_id = fields.Many2one(
        "account.move", string="Loss taken back", readonly=True, ondelete="restrict",
        help="The entry that takes back the loss of a dispute won on appeal.")
    opened_at = fields.Datetime(readonly=True, help="When its effects here began.")
    closed_at = fields.Datetime(readonly=True, help="When its effects here ended.")
    frozen_at = fields.Datetime(readonly=True, help="When the service was frozen.")
    frozen_subscription_ids = fields.Many2many(
        "subscription.subscription", "payment_dispute_frozen_rel", readonly=True,
        string="Frozen subscriptions", help="What the dispute has stopped, by the policy.")

    _once = models.Constraint(
        "UNIQUE(provider_id, reference)", "This dispute is already known.")
    _amount_not_negative = models.Constraint(
        "CHECK(amount >= 0)", "A contested amount cannot be negative.")

    @api.depends("balance_ids.fee")
    def _compute_fee(self):
        for dispute in self:
            dispute.fee = sum(dispute.balance_ids.mapped("fee"))

    @api.depends("status")
    def _compute_is_answerable(self):
        for dispute in self:
            dispute.is_answerable = dispute.status in const.ANSWERABLE

    @api.depends("reason")
    def _compute_advice(self):
        for dispute in self:
            dispute.advice = dispute._evidence_advice()

    def _evidence_advice(self):
        """Return what usually convinces the bank (https://docs.stripe.com/disputes/categories)."""
        if self.reason in ("fraudulent", "unrecognized", "debit_not_authorized",
                           "customer_initiated"):
            return self.env._(
                "Show that the holder of the card made or used the purchase: address, IP, dates "
                "of use, exchanges of mail. When the card was really stolen, accept.")
        return {
            "subscription_canceled": self.env._(
                "Show the terms of cancellation the customer accepted, and that the service was "
                "not cancelled before this charge, or was used after it."),
            "product_not_received": self.env._(
                "Show that the service was delivered: date, access given, use."),
            "product_unacceptable": self.env._(
                "Show how the service was described, that it was as described, and what was "
                "offered to the customer."),
            "credit_not_processed": self.env._(
                "Show your terms of refund and why none was due, or the refund already made."),
            "duplicate": self.env._(
                "Show both charges and what each one paid. When it is one charge too many, "
                "accept."),
        }.get(self.reason, self.env._(
            "Look up the payment, call the customer, and send what proves that it is due."))

    # Taken from Stripe --------------------------------------------------------------------------

    @api.model
    def _record_state(self, transaction, theirs):
        """Record the present state of a dispute of Stripe, with all that follows from it.

        :param transaction: the payment that is contested; its row is locked
        :param dict theirs: the dispute as it is now
        :return: the dispute
        :raise EventRefused: a status or reason that is not known here
        """
        dispute = self.search([
            ("provider_id", "=", transaction.provider_id.id), ("reference", "=", theirs["id"])])
        vals = self._prepare_current_vals(transaction, theirs)
        if dispute:
            dispute._lock()
            dispute.write({name: value for name, value in vals.items()
                           if dispute._fields[name].convert_to_write(dispute[name], dispute)
                           != value})
        else:
            dispute = self.create({**self._prepare_fixed_vals(transaction, theirs), **vals})
            dispute._list_evidence()
        rows = self.env["stripe.balance.transaction"]._record_movements(
            transaction.provider_id, theirs.get("balance_transactions") or [])
        rows._post_disputes()
        dispute._apply_status()
        return dispute

    def _lock(self):
        """Make whoever else works on the dispute wait, and then look again; see
        ``payment.transaction._stripe_lock``."""
        self.flush_recordset()
        self.env.cr.execute(SQL(
            "UPDATE payment_dispute SET id = id WHERE id = ANY(%s)", self.ids))
        self.invalidate_recordset()

    def _prepare_fixed_vals(self, transaction, theirs):
        """Prepare the values of a new dispute that never change."""
        company = transaction.company_id
        return {
            "provider_id": transaction.provider_id.id, "company_id": company.id,
            "reference": theirs["id"], "transaction_id": transaction.id,
            "token_id": transaction.token_id.id, "partner_id": transaction.partner_id.id,
            "currency_id": transaction.currency_id.id,
            "invoice_ids": [fields.Command.set(transaction.invoice_ids.ids)],
            "subscription_ids": [fields.Command.set(
                transaction._dispute_subscriptions().ids)],
            "account_id": company._stripe_dispute_account().id,
            "user_id": self.env["stripe.health"]._find_accountant(company).id,
        }

    def _prepare_current_vals(self, transaction, theirs):
        """Prepare the values that each event may change.

        :raise EventRefused: the status is not known here
        """
        if theirs["status"] not in dict(STATUSES):
            raise EventRefused(self.env._(
                "The status “%(status)s” of %(dispute)s is not known here.",
                status=theirs["status"], dispute=theirs["id"]))
        details = theirs.get("evidence_details") or {}
        card = (theirs.get("payment_method_details") or {}).get("card") or {}
        reason = theirs["reason"]
        return {
            "amount": to_major_units(theirs["amount"], transaction.currency_id),
            "reason": reason if reason in dict(REASONS) else "general",
            "network_code": card.get("network_reason_code") or False,
            "status": theirs["status"],
            "due_at": details.get("due_by") and datetime.fromtimestamp(
                details["due_by"], UTC).replace(tzinfo=None),
            "submissions": details.get("submission_count") or 0,
        }

    # What follows -------------------------------------------------------------------------------

    def _apply_status(self):
        """Do what comes with a dispute that is open, and with its end, once each."""
        self.ensure_one()
        if self.status in const.OPEN_DISPUTES:
            if not self.opened_at:
                self.opened_at = fields.Datetime.now()
                self._tell_staff()
            if not self.frozen_at and self.status not in const.INQUIRIES:
                self._freeze()
        else:
            self._settle_claim()
            if not self.closed_at:
                self.closed_at = fields.Datetime.now()
                self._unfreeze()
        if not self.is_answerable and not self.regain_move_id:  # then it is of an advance
            self.activity_ids.action_done()

    def _tell_staff(self):
        """Send staff a mail, and plan an activity some days before it is too late to answer."""
        # The mail tells of the activity, too: Odoo need not.
        staff = self.with_context(lang=self.user_id.lang, mail_activity_quick_update=True)
        day = self.due_at and max(
            self.provider_id._stripe_day(self.due_at - AHEAD), self.company_id._civil_today())
        staff.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.user_id.id, date_deadline=day or None,
            summary=staff.env._("Answer the dispute of %(customer)s",
                                customer=staff.partner_id.name),
            note=self.due_at and escape(staff.env._(
                "The bank takes evidence until %(moment)s.", moment=format_datetime(
                    staff.env, self.due_at, tz=self.user_id.tz, dt_format="short"))))
        self.env.ref("subscription_stripe.mail_template_dispute_staff").send_mail_batch(self.ids)
        # The mail queue belongs to the system, as does this method.
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _tell_of_advance(self):
        """Tell the accountant that the payment which came back has nothing left to pay: only a
        person can say what becomes of it, so it is kept from paying the next invoice."""
        staff = self.with_context(lang=self.user_id.lang)
        staff.activity_schedule(
            "mail.mail_activity_data_todo", user_id=self.user_id.id,
            summary=staff.env._("Won on appeal: give %(customer)s the money back?",
                                customer=staff.partner_id.name),
            note=escape(staff.env._(
                "%(invoices)s was settled otherwise, or written off, after the dispute was lost. "
                "The payment that came back is now an advance of the customer: refund it, match "
                "it with another invoice, or book it as income when the claim was written off.",
                invoices=", ".join(staff.invoice_ids.mapped("name")))))

    def _settle_claim(self):
        """Match what was taken with what was given back; book what is missing as a loss."""
        lines = self._waiting_lines()
        if len(lines) > 1:
            lines.reconcile()
        if self.status == "lost":
            self._book_loss()
        elif self.loss_move_id and not self.regain_move_id:
            self._take_back_loss()

    def _waiting_lines(self):
        return self.balance_ids.move_id.line_ids.filtered(
            lambda line: line.account_id == self.account_id and not line.reconciled)

    def _book_loss(self):
        """Book the loss: the bank keeps the money, so the invoice is unpaid and due again.

        What was contested becomes an ordinary claim on the customer (416 → 411), which takes the
        place of the payment: VAT that fell due with the payment (services, CGI art. 269, 2, c) is
        taken back with it, as Odoo does whenever a payment is undone.
        """
        waiting = self._waiting_lines()
        payment = self.transaction_id.payment_id
        if not waiting or not payment or self.loss_move_id:
            return
        taken = sum(waiting.mapped("amount_residual_currency"))
        self.loss_move_id = self.company_id._stripe_post(
            self.provider_id._stripe_day(fields.Datetime.now()),
            self.env._("Dispute %(reference)s of %(customer)s lost",
                       reference=self.reference, customer=self.partner_id.name),
            waiting.currency_id, [
                (payment.destination_account_id, taken, payment.partner_id),
                (self.account_id, -taken, self.partner_id)])
        self._match_loss(waiting, payment)

    def _match_loss(self, waiting, payment):
        """Match the claim with the payment: as much of it leaves its invoices as the bank took
        back.
        """
        claim = self.loss_move_id.line_ids.filtered(
            lambda line: line.account_id == payment.destination_account_id)
        (waiting + (self.loss_move_id.line_ids - claim)).reconcile()
        paid = self._payment_line()
        invoices = paid.matched_debit_ids.debit_move_id
        paid.remove_move_reconcile()
        (paid + claim).reconcile()
        if not paid.reconciled:  # a part of it stays paid
            (paid + invoices.filtered(lambda line: not line.reconciled)).reconcile()

    def _take_back_loss(self):
        """Undo the booked loss of a dispute won on appeal, once the money is back.

        The claim that took the payment's place is undone (411 → 416) by an entry of that day, for
        the books of the loss may be closed. What the payment had paid is paid by it again, and its
        VAT due; what has been settled otherwise meanwhile stays settled, and the payment is an
        advance of the customer, which only an accountant can give back.
        """
        waiting = self._waiting_lines()
        regained = -sum(waiting.mapped("amount_residual_currency"))
        claim = self.loss_move_id.line_ids.filtered(
            lambda line: line.account_id != self.account_id)
        if not waiting or self.currency_id.compare_amounts(regained, claim.amount_currency):
            return  # not all of it is back: the next event tells
        self.regain_move_id = self.company_id._stripe_post(
            self.provider_id._stripe_day(fields.Datetime.now()),
            self.env._("Dispute %(reference)s of %(customer)s won on appeal",
                       reference=self.reference, customer=self.partner_id.name),
            self.currency_id, [
                (self.account_id, regained, self.partner_id),
                (claim.account_id, -regained, claim.partner_id)])
        self._match_regained(waiting, claim)
        self._follow_won_appeal()

    def _match_regained(self, waiting, claim):
        """Close the claim; the payment pays what is open of its invoices again."""
        back = self.regain_move_id.line_ids.filtered(
            lambda line: line.account_id == claim.account_id)
        (waiting + (self.regain_move_id.line_ids - back)).reconcile()
        claim.remove_move_reconcile()
        (claim + back).reconcile()
        if due := self.invoice_ids.line_ids.filtered(
                lambda line: line.account_id == claim.account_id and not line.reconciled):
            (self._payment_line() + due).with_context(
                subscription_silent=not self.company_id.dispute_tell_customer).reconcile()
        if self._payment_line().amount_residual:
            self._payment_line().move_id.outstanding_credit_use = "kept"
            self._tell_of_advance()

    def _payment_line(self):
        """Return the payment's item on the customer's account."""
        payment = self.transaction_id.payment_id
        return payment.move_id.line_ids.filtered(
            lambda line: line.account_id == payment.destination_account_id)

    # Staff --------------------------------------------------------------------------------------

    @api.ondelete(at_uninstall=False)
    def _unlink_except_booked(self):
        for dispute in self:
            raise UserError(self.env._(
                "The dispute %(reference)s is Stripe's: it cannot be deleted here.",
                reference=dispute.reference))

    def action_view_invoices(self):
        """Open the invoices that the contested payment paid."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.action_move_out_invoice_type")
        return {**action, "domain": [("id", "in", self.invoice_ids.ids)], "context": {}}

    def action_view_subscriptions(self):
        """Open the subscriptions that the contested payment was for."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.subscription_action")
        return {**action, "domain": [("id", "in", self.subscription_ids.ids)], "context": {}}

    def action_refresh(self):
        """Fetch the dispute from Stripe now, as one of its events would."""
        self.check_access("read")
        # sudo: whoever may see the dispute may have it looked up; the engine writes it
        for dispute in self.sudo():
            dispute.transaction_id._stripe_lock()
            dispute._record_state(dispute.transaction_id, dispute.provider_id._send_api_request(
                "GET", f"disputes/{dispute.reference}"))
