from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date, formatLang

from odoo.addons.concurrency_base.tools import claim_in_order, work_isolated

CREDIT_USES = [
    ("subscriptions", "Pays the next invoice of a subscription"),
    ("kept", "Kept for something else"),
]


class AccountMove(models.Model):
    _inherit = "account.move"

    _SETTLED_STATES = ("paid", "in_payment", "reversed")  # nothing is left to pay

    written_off_invoice_id = fields.Many2one(
        "account.move", string="Writes off", readonly=True, engine=True, copy=False,
        ondelete="restrict",
        index="btree_not_null", help="The unpaid invoice that this entry gives up.")
    status_in_payment = fields.Selection(selection_add=[("written_off", "Written off")])
    write_off_ids = fields.One2many(
        "account.move", "written_off_invoice_id", string="Written off by")

    card_refund_transaction_id = fields.Many2one(
        "payment.transaction", compute="_compute_card_refund_transaction_id",
        help="The online payment that what is left of the document can be given back to.")
    outstanding_credit_use = fields.Selection(
        CREDIT_USES, string="What is left of it", compute="_compute_outstanding_credit_use",
        store=True, readonly=False, copy=False,
        help="Of a credit note or a payment, while it is not used up. Credit notes of "
        "subscriptions, and what was paid too much on their invoices, pay the next invoice "
        "unless they are kept for something else.")

    _write_off_once = models.UniqueIndex(
        "(written_off_invoice_id) WHERE written_off_invoice_id IS NOT NULL"
        " AND state <> 'cancel'",
        "This invoice is already written off.")

    @api.depends(
        "move_type", "invoice_line_ids.subscription_period_id", "origin_payment_id.invoice_ids",
        "invoice_line_ids.sale_line_ids",
        "line_ids.matched_debit_ids")
    def _compute_outstanding_credit_use(self):
        """Propose a use for what is left of the document; a choice made by a person stays."""
        for move in self:
            move.outstanding_credit_use = move.outstanding_credit_use or (
                "subscriptions" if move._is_credit_of_subscriptions() else False)

    def _is_credit_of_subscriptions(self):
        """Tell whether what is left of the document is in favour of a customer because of
        subscriptions.

        It credits a period or a down payment on one, or is a payment of an invoice that bills one.
        """
        self.ensure_one()
        if self.move_type == "out_refund":
            return bool(self._subscription_periods() or self._subscription_down_payment())
        if self.move_type != "entry":
            return False
        # sudo: what a payment was for, whoever registered it
        move = self.sudo()
        paid = (move.origin_payment_id.invoice_ids
                | move.line_ids.matched_debit_ids.debit_move_id.move_id)
        return bool(paid._subscription_periods())

    def _subscription_down_payment(self):
        """Tell whether the document is about a down payment on subscriptions alone."""
        # sudo: accountants need no right on orders
        ahead = self.sudo().invoice_line_ids.sale_line_ids
        return all(ahead.mapped("is_downpayment")) and ahead.order_id._sells_subscriptions_only()

    def _subscription_periods(self):
        # sudo: accountants need no right on subscriptions to post their invoices
        return self.invoice_line_ids.sudo().subscription_period_id

    def _subscription_line_taxes(self):
        """Return what each tax amounts to on each line, at the rounding of the document.

        Lines are rounded one by one, a document may be rounded as a whole: the difference, a few
        cents, is borne by the largest line, so that the lines add up to the journal items.

        :return: dict of ``account.move.line`` to dict of ``account.tax`` to float
        """
        self.ensure_one()
        lines = self.invoice_line_ids.filtered(lambda line: line.display_type == "product")
        amounts = {line: line._subscription_own_taxes() for line in lines}
        for tax, items in self.line_ids.grouped("tax_line_id").items():
            bearers = [line for line in lines if tax in amounts[line]] if tax else []
            if bearers:
                total = sum(items.mapped("amount_currency")) * self.direction_sign
                largest = max(bearers, key=lambda line: abs(line.price_subtotal))
                rest = total - sum(amounts[line][tax] for line in bearers)
                amounts[largest][tax] = self.currency_id.round(amounts[largest][tax] + rest)
        return amounts

    def _post(self, soft=True):
        """Let periods take their amounts from the documents posted, whoever made them."""
        posted = super()._post(soft=soft)
        posted._subscription_periods()._refresh_from_invoices()
        posted._use_outstanding_credits()
        return posted

    def _get_next_sequence_format(self):
        """Look up the form of the numbers once for the invoices of a batch with one journal and
        date.

        Odoo looks for the last number before each invoice, in a table that grows with them, and
        uses only its form: the number itself is counted in its own cache, under its lock.
        """
        formats = self.env.context.get("subscription_number_formats")
        if formats is None or self.journal_id.is_self_billing:
            return super()._get_next_sequence_format()
        kind = (self.journal_id, self.move_type, self.date)
        if kind not in formats:
            formats[kind] = super()._get_next_sequence_format()
        form, values = formats[kind]
        return form, dict(values)  # the caller takes the number out of it

    def button_draft(self):
        """Release the period of a document that is reset to draft or cancelled."""
        periods = self._subscription_periods()
        result = super().button_draft()
        periods._refresh_from_invoices()
        return result

    def button_cancel(self):
        """Make due again what a cancelled write-off had given up."""
        periods = (self + self.written_off_invoice_id)._subscription_periods()
        result = super().button_cancel()
        periods._refresh_from_invoices()
        return result

    def _invoice_paid_hook(self):
        """Settle the period, whatever the route of the payment."""
        result = super()._invoice_paid_hook()
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        if self.env.context.get("subscription_uses_credit"):  # no payment comes in now
            invoices._subscription_periods()._settle_unpaid()
        else:
            invoices._subscription_periods()._settle()
        return result

    def _invoice_netted_hook(self):
        """Extension point: act upon invoices that credit notes alone settled, as after a
        downgrade.

        Nothing is left to pay, so nobody is chased for it. No payment came in, so none is
        confirmed.
        """
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        invoices._subscription_periods()._settle_unpaid()

    # Money in the customer's favour -----------------------------------------------------------

    def _use_outstanding_credits(self):
        """Pay these invoices of subscriptions with what is open in the customers' favour, oldest
        first.

        This happens before a card is charged or anybody is reminded. See
        ``account.move.line._subscription_credits`` for which credits count.
        """
        due = self.filtered(
            lambda move: move.move_type == "out_invoice" and move.state == "posted"
            and not move.currency_id.is_zero(move.amount_residual)
            and not move._is_being_paid() and move._subscription_periods())
        # sudo: matching follows from the invoices, whoever posts or pays them
        lines = due.sudo().line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled)
        credits = lines._subscription_credits(
            lines.partner_id, lines.company_id, lines.currency_id)
        if not credits:
            return
        by_key = credits._lock_credits().grouped(_key_of_matching)
        for key, due_lines in lines.grouped(_key_of_matching).items():
            if key in by_key:
                (due_lines + by_key[key]).with_context(subscription_uses_credit=True).reconcile()

    def _is_being_paid(self):
        """Tell whether an online payment is under way, or has come in and is about to be posted."""
        self.ensure_one()
        payments = self.transaction_ids
        return bool(payments._under_way() or payments.filtered(
            lambda each: each.state == "done" and not each.payment_id
            and each.operation not in ("refund", "validation")))

    # Given back to customers ------------------------------------------------------------------

    @api.depends(
        "move_type", "state", "amount_residual", "transaction_ids.state",
        "reversed_entry_id.transaction_ids.state", "origin_payment_id.payment_transaction_id.state")
    def _compute_card_refund_transaction_id(self):
        for move in self:
            move.card_refund_transaction_id = move._find_card_payment()

    def _find_card_payment(self):
        """Find the online payment to which what is left of a credit note or payment can be given
        back; perhaps none.
        """
        return self._card_payments()[:1]

    def _card_payments(self):
        """Return the online payments of which something can be given back for the document.

        They paid the invoice that is credited, or are the payment itself.
        """
        credits = self._credit_lines()
        # sudo: whether a card paid is for whoever may see the document
        payment = self.sudo().origin_payment_id.payment_transaction_id
        refunds = self.sudo().transaction_ids | payment.child_transaction_ids
        if not credits or refunds.filtered_domain(refunds._refund_on_its_way_domain()):
            return self.env["payment.transaction"]  # used up, or on its way
        return (payment | self.reversed_entry_id.sudo().transaction_ids).filtered(
            lambda each: each.state == "done" and each.operation != "refund"
            and each.payment_id.amount_available_for_refund > 0)

    def _credit_lines(self):
        """Return the journal items that are left of a customer's credit note or payment."""
        self.ensure_one()
        if self.state != "posted" or self.move_type not in ("out_refund", "entry"):
            return self.env["account.move.line"]
        return self.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled
            and line.outstanding_credit)

    def action_refund_to_card(self):
        """Give what is left of the document back to the card that paid, and settle it with that.

        :return: the notification that says whether the provider refused it
        :raise UserError: nothing is left to give back, or less than the document says
        """
        self.ensure_one()
        return self._refund_to_card()._build_action_feedback_notification()

    def _refund_to_card(self):
        """Give what is left of the documents back to the cards that paid.

        Asked for twice at the same moment, it is done once: their journal items are locked first.
        All is checked before anything is sent: an error after that would undo the records of the
        refunds that the provider has made already, and the money would go out twice.

        :return: the transactions of the refunds, one a document, whatever became of them
        :raise UserError: nothing is left to give back, or less than the documents say
        """
        self.check_access("write")
        self.env["account.move.line"].concat(
            *(move._credit_lines() for move in self))._lock_credits()
        # sudo: the right to the documents was checked
        refunds = self.env["payment.transaction"].sudo()
        for move, payment, amount in self._plan_card_refunds():
            refunds |= move._send_card_refund(payment, amount)
        return refunds

    def _plan_card_refunds(self):
        """Choose for each document the payment that all that is left of it goes back to.

        Several documents may share a payment: what one takes of it is not there for the next.

        :return: list of (``account.move``, ``payment.transaction``, float amount)
        :raise UserError: a payment does not cover its documents, or its provider is switched off
        """
        left, plan = {}, []
        for move in self:
            amount = sum(move._credit_lines().mapped("outstanding_credit"))
            payments = move._card_payments().sudo()  # sudo: see _refund_to_card
            for payment in payments:
                left.setdefault(payment, payment.payment_id.amount_available_for_refund)
            payment = next((
                each for each in payments
                if move.currency_id.compare_amounts(left[each], amount) >= 0), payments[:0])
            move._check_card_refund(payment, amount, left.get(payments[:1], 0.0))
            left[payment] -= amount
            plan.append((move, payment, amount))
        claim_in_order(self.env["payment.transaction"].concat(*left))
        return plan

    def _check_card_refund(self, payment, amount, available):
        """Check that the payment can give so much back for the document.

        :param payment: the ``payment.transaction`` that covers it, or none
        :param float available: what is left of the payment that does not
        :raise UserError: says what to do instead
        """
        if not payment:
            raise UserError(self.env._(
                "%(amount)s of %(name)s cannot be given back to a card: %(available)s are left of "
                "its payment. Refund the rest by bank transfer.", name=self.name,
                amount=self.currency_id.format(amount),
                available=self.currency_id.format(available)))
        # Odoo takes a refund of nothing for one of all of the payment.
        if not payment.provider_id._round_to_step(amount, self.currency_id):
            raise UserError(self.env._(
                "%(amount)s of %(name)s are too little to be given back to a card. Refund them by "
                "bank transfer.", name=self.name, amount=self.currency_id.format(amount)))
        payment._ensure_provider_is_not_disabled()

    def _send_card_refund(self, payment, amount):
        """Send one refund, and settle the document with it.

        What cannot be posted now is left to Odoo's scheduled action: the money is on its way.

        :return: the refund's transaction
        """
        refund = payment._refund_on_record(
            payment.provider_id._round_to_step(amount, self.currency_id))
        refund.invoice_ids = self.filtered(lambda move: move.move_type == "out_refund")
        work_isolated(refund.filtered(lambda each: each.state == "done"),
                      lambda each: each._post_process())
        return refund

    def _make_room_for_payment(self):
        """Prepare another attempt to pay these invoices: one that is open in another tab is given
        up, so that the money is taken once.

        :raise UserError: a payment is under way, or nothing is due any more
        """
        periods = self._subscription_periods()
        if not periods:
            return
        periods._lock_rows()
        periods.invalidate_recordset()
        for invoice in periods.invoice_id & self:
            if payment := invoice.transaction_ids._under_way():
                raise UserError(self.env._(
                    "The payment %(reference)s of %(invoice)s is under way. Wait for the "
                    "provider’s answer.", reference=payment.reference, invoice=invoice.name))
            if invoice.payment_state in self._SETTLED_STATES:
                raise UserError(self.env._(
                    "%(invoice)s is paid already. Reload this page.", invoice=invoice.name))
            before = invoice.amount_residual
            invoice._use_outstanding_credits()
            if invoice.currency_id.compare_amounts(before, invoice.amount_residual):
                raise UserError(self.env._(
                    "What is due has changed since this page was shown. Reload it."))
        self.transaction_ids.filtered(lambda each: each.state == "draft")._give_up_attempt()

    def _subscription_queue_mail(self):
        """Send these invoices by mail in the background, once, with Odoo's own queue."""
        # sudo: sending belongs to the system; the customer who subscribes has no right on it
        moves = self.sudo().filtered(
            lambda move: move.state == "posted" and not move.is_move_sent)
        if moves:
            moves.sending_data = {
                "author_user_id": self.env.ref("base.user_root").id,
                "author_partner_id": self.env.ref("base.partner_root").id,
                "sending_methods": ["email"],
            }
            self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()

    def _get_mail_template(self):
        """Let invoices of subscriptions say what is left to pay, which Odoo's own does not when
        credit notes have paid a part or all of it."""
        template = self.env.ref(
            "subscription_billing.mail_template_invoice", raise_if_not_found=False)
        if template and self and all(
                move.move_type == "out_invoice" and move._subscription_periods() for move in self):
            return template
        return super()._get_mail_template()

    def _notify_by_email_prepare_rendering_context(self, message, *args, **kwargs):
        """Put what is left to pay on top of the mail, not what the invoice amounts to."""
        context = super()._notify_by_email_prepare_rendering_context(message, *args, **kwargs)
        if self.move_type == "out_invoice" and self._subscription_periods():
            left = formatLang(self.env, self.amount_residual, currency_obj=self.currency_id)
            context["subtitles"] = [context["subtitles"][0], (
                self.env._("%(amount)s due on %(date)s", amount=left,
                           date=format_date(self.env, self.invoice_date_due))
                if self.amount_residual else self.env._("Nothing is left to pay"))]
        return context

    def _credited_amount(self):
        """Return what credit notes have paid of the invoice, in its currency."""
        self.ensure_one()
        due = self.line_ids.filtered(lambda line: line.account_type == "asset_receivable")
        return self.currency_id.round(sum(
            partial.debit_amount_currency for partial in due.matched_credit_ids
            if partial.credit_move_id.move_id.move_type == "out_refund"))

    # Write-off --------------------------------------------------------------------------------

    def _is_written_off(self):
        self.ensure_one()
        return bool(self.write_off_ids and self.write_off_ids
                    & self.line_ids.matched_credit_ids.credit_move_id.move_id)

    @api.depends("write_off_ids", "line_ids.matched_credit_ids")
    def _compute_status_in_payment(self):
        """Say of invoices that were given up that they were, and not that they are paid."""
        result = super()._compute_status_in_payment()
        # sudo: the badge is shown to whoever may read the invoice
        for move in self.filtered(lambda move: move.payment_state in move._SETTLED_STATES
                                  and move.sudo()._is_written_off()):
            move.status_in_payment = "written_off"
        return result

    def _field_to_sql(self, alias, fname, query=None):
        """Group and count the invoices that were given up apart from those paid, too."""
        sql = super()._field_to_sql(alias, fname, query=query)
        if fname != "status_in_payment":
            return sql
        return SQL(
            "CASE WHEN %(invoice)s.payment_state IN %(settled)s AND EXISTS ("
            "SELECT 1 FROM account_move loss WHERE loss.written_off_invoice_id = %(invoice)s.id "
            "AND loss.state = 'posted') THEN 'written_off' ELSE %(status)s END",
            invoice=SQL.identifier(alias), settled=self._SETTLED_STATES, status=sql)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_write_off(self):
        for entry in self:
            if entry.written_off_invoice_id and entry.state != "cancel":
                raise UserError(self.env._(
                    "%(entry)s writes off %(invoice)s. Cancel it instead: the invoice is due "
                    "again then.", entry=entry.display_name,
                    invoice=entry.written_off_invoice_id.name))

    def _invoice_written_off_hook(self):
        """Extension point: act upon invoices whose rest was given up.

        Nobody is chased for it, and nothing that waits for a payment comes.
        """
        self._subscription_periods()._settle_unpaid()

    def _write_off(self, account, date):
        """Give up what is due of a customer's invoice, by a miscellaneous entry.

        The loss goes to an expense account (PCG 654, « pertes sur créances irrécouvrables »).
        VAT that falls due with the payment (CGI art. 269, 2, c: services) never will: it is
        taken off the account it waits on, and is no loss. VAT that was due with the invoice
        stays in the loss: it can be recovered only under the conditions of CGI art. 272, 1.

        :param account: the ``account.account`` of the loss
        :param date date: of the entry
        :return: the posted entry
        """
        self.ensure_one()
        due = self.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled)
        waiting = self._vat_waiting_for_payment()
        entry = self.create(self._prepare_write_off_vals(account, date, due, waiting))
        entry._post(soft=False)
        # Nothing was paid, so no VAT falls due.
        for account, lines in (due + waiting).grouped("account_id").items():
            lines += entry.line_ids.filtered(
                lambda line, account=account: line.account_id == account)
            if account.reconcile:
                lines.filtered(lambda line: not line.reconciled).with_context(
                    no_cash_basis=True).reconcile()
        return entry

    def _vat_waiting_for_payment(self):
        """Return the journal items of the VAT that the invoice's payments make due, and made due
        so far.
        """
        accounts = self.line_ids.tax_line_id.filtered(
            lambda tax: tax.tax_exigibility == "on_payment").cash_basis_transition_account_id
        moves = self + self.tax_cash_basis_created_move_ids
        return moves.line_ids.filtered(lambda line: line.account_id in accounts)

    def _prepare_write_off_vals(self, account, date, due, waiting):
        """Prepare the entry that gives up the items `due`, net of the VAT `waiting`."""
        label = self.env._("Written off: %(invoice)s", invoice=self.name)
        items = [
            *self._write_off_items(due, "amount_residual_currency", "amount_residual"),
            *self._write_off_items(waiting, "amount_currency", "balance")]
        items.append({
            "account_id": account.id,
            "amount_currency": -sum(item["amount_currency"] for item in items),
            "balance": -sum(item["balance"] for item in items)})
        return {
            "move_type": "entry",
            "company_id": self.company_id.id,
            "journal_id": self.company_id._subscription_miscellaneous_journal().id,
            "date": date,
            "ref": label,
            "written_off_invoice_id": self.id,
            "line_ids": [fields.Command.create({
                **item, "name": label, "currency_id": self.currency_id.id,
                "partner_id": self.commercial_partner_id.id}) for item in items],
        }

    def _write_off_items(self, lines, amount_currency, balance):
        """Prepare the items that take lines off their accounts, by their fields of amounts."""
        return [
            {"account_id": account.id, "amount_currency": -sum(items.mapped(amount_currency)),
             "balance": -sum(items.mapped(balance))}
            for account, items in lines.grouped("account_id").items()
            if not self.company_currency_id.is_zero(sum(items.mapped(balance)))]


def _key_of_matching(line):
    """Return what two journal items must have in common for one to pay the other."""
    return line.account_id, line.partner_id, line.company_id, line.currency_id
