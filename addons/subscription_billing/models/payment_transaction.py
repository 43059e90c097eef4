from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import format_date

from odoo.addons.concurrency_base.tools import reason_of, work_isolated

DECLINE_KINDS = [
    ("soft", "May work later"),
    ("hard", "Refused for good"),
    ("authentication", "The customer has to authenticate"),
]
# A direct debit takes up to 14 business days; later its bank, or the provider, has forgotten it.
SLOW = timedelta(days=21)
NO_MONEY = ("none", "demo")  # providers that move none: nothing can arrive late


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    subscription_period_id = fields.Many2one(
        "subscription.period", readonly=True, engine=True, index="btree_not_null",
        ondelete="restrict", help="The period of a subscription that this attempt is to pay.")
    card_subscription_id = fields.Many2one(
        "subscription.subscription", readonly=True, engine=True, index="btree_not_null",
        ondelete="restrict",
        help="The customer wants the card of this payment to pay the renewals of it.")
    decline_kind = fields.Selection(
        DECLINE_KINDS, readonly=True, engine=True,
        help="Whether trying the same card again makes sense.")
    is_told_to_be_slow = fields.Boolean(readonly=True, engine=True)
    is_given_up = fields.Boolean(
        readonly=True, engine=True,
        help="Cancelled here in favour of another attempt; nobody refused it.")

    @api.model
    def _under_way_domain(self):
        """Return the domain of payments whose end the provider has yet to tell, or Odoo to post.

        A promised bank transfer does not count; a direct debit does, for the days its bank takes:
        up to 14 business days for SEPA (https://docs.stripe.com/payments/sepa-debit).
        """
        return [
            ("provider_id.code", "not in", ("none", "custom")), "|",
            ("state", "in", ("pending", "authorized")),
            "&", ("state", "=", "done"), ("is_post_processed", "=", False)]

    @api.model
    def _refund_on_its_way_domain(self):
        """Return the domain of refunds that the provider has yet to answer, or Odoo to post."""
        return [
            ("operation", "=", "refund"), "|", ("state", "in", ("draft", "pending")),
            "&", ("state", "=", "done"), ("is_post_processed", "=", False)]

    @api.model
    def _tell_of_slow_payments(self):
        """Tell staff, once each, of payments of subscriptions that should have ended by now.

        They are neither chased nor charged again, so only a person can find out what became of
        them.
        """
        slow = self.search([
            ("state", "=", "pending"), ("is_told_to_be_slow", "=", False),
            ("provider_id.code", "not in", ("none", "custom")),
            ("last_state_change", "<", fields.Datetime.now() - SLOW)])
        for transaction in slow:
            work_isolated(transaction, lambda payment: payment._tell_to_be_slow())

    def _tell_to_be_slow(self):
        self.ensure_one()
        for subscription in self.invoice_ids._subscription_periods().subscription_id:
            staff = subscription._for_staff()
            staff._notify_staff(
                staff.env._("Payment still undecided: %(reference)s", reference=self.reference),
                staff.env._(
                    "It has been under way since %(date)s. Look it up at the provider; "
                    "until it is decided, nothing is charged or chased.",
                    date=format_date(staff.env, self.last_state_change)))
        self.is_told_to_be_slow = True

    def _under_way(self):
        """Return the first of these payments of which nobody knows yet how it ends, or none."""
        return self.filtered_domain(self._under_way_domain())[:1]

    def _give_up_attempt(self):
        """Cancel open attempts in favour of another one, so that only one can take the money.

        Extension point: a provider that may have received an attempt asks what became of it
        first, and records that instead; one that may still be on its way stays open. Money that
        arrives for an attempt that was given up is recorded nevertheless, see :meth:`_set_done`.
        """
        for transaction in self:
            transaction.is_given_up = True
            transaction._set_canceled(state_message=self.env._(
                "Given up: another attempt took its place."))

    def _set_done(self, *, state_message=None, extra_allowed_states=()):
        """Record money that arrives for an attempt that was given up, too: it is in the
        customer's favour."""
        late = self.filtered(
            lambda each: each.is_given_up and each.provider_code not in NO_MONEY)
        changed = super(PaymentTransaction, late)._set_done(
            state_message=state_message, extra_allowed_states=(*extra_allowed_states, "cancel"))
        return changed | super(PaymentTransaction, self - late)._set_done(
            state_message=state_message, extra_allowed_states=extra_allowed_states)

    def _update_state(self, allowed_states, target_state, state_message):
        """Make the subscription of a refused charge past due, once a transaction."""
        changed = super()._update_state(allowed_states, target_state, state_message)
        if target_state in ("error", "cancel"):
            refused = changed.filtered(lambda each: not each.is_given_up)
            for transaction in refused.filtered("subscription_period_id"):
                transaction.decline_kind = transaction._decline_kind()
                transaction.subscription_period_id._charge_failed(
                    transaction.state_message or transaction.provider_id.name)
        return changed

    def _decline_kind(self):
        """Extension point: classify why the charge was refused.

        :return: one of DECLINE_KINDS; without a reason the card may work later
        """
        return "soft"

    def _refusal_for_staff(self):
        """Say why the bank refused, for staff.

        Extension point: the customer reads ``state_message``, which may be more discreet.
        """
        self.ensure_one()
        return self.state_message or self.env._("The bank gave no reason.")

    def _refund_on_record(self, amount):
        """Refund a part of the payment, and keep a record of it whatever becomes of the request.

        An error that is raised would undo the records of the refunds that were sent before it.

        :return: the refund's transaction, in state ``error`` when the request failed
        :raise psycopg2.OperationalError: a conflict: Odoo begins the whole request again
        """
        reasons = []
        sent, _failed = work_isolated(
            self, lambda payment: payment._refund(amount),
            lambda _payment, error: reasons.append(reason_of(self.env, error)))
        if sent:
            return sent[0]
        refund = self._create_child_transaction(amount, is_refund=True)
        refund._set_error(reasons[0])
        return refund

    def _post_process(self):
        """Let the card saved while subscribing pay the renewals, and match refunds with their
        payments.
        """
        result = super()._post_process()
        for refund in self.filtered(
                lambda each: each.operation == "refund" and each.state == "done"):
            refund._match_refund()
        for transaction in self.filtered(
                lambda transaction: transaction.state == "done" and transaction.token_id):
            transaction._subscription_keep_token()
        return result

    def _match_refund(self):
        """Settle what was left of a payment with its refund, so that it pays nothing else."""
        moves = self.payment_id.move_id | self.source_transaction_id.payment_id.move_id
        lines = moves.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled)
        for account_lines in lines.grouped("account_id").values():
            if len(set(account_lines.mapped(lambda line: line.amount_residual > 0))) == 2:
                account_lines.reconcile()

    def _subscription_keep_token(self):
        """Let the card pay the renewals, when its owner pays the company's bills or is the one who
        subscribed."""
        owner = self.token_id.partner_id.commercial_partner_id
        lines = self.sale_order_ids.order_line
        periods = self.invoice_ids.invoice_line_ids.subscription_period_id
        subscriptions = lines.subscription_ids | periods.subscription_id
        if self.operation == "validation":  # a card saved on the page of means of payment
            subscriptions |= subscriptions.search(
                [("commercial_partner_id", "=", owner.id), ("token_id", "!=", False),
                 ("state", "in", subscriptions._LIVE_STATES)])
        chosen = subscriptions.filtered(lambda subscription: subscription._wants_token())
        (chosen | self.card_subscription_id).filtered(
            lambda subscription: subscription.commercial_partner_id == owner
            and subscription.company_id == self.company_id
            and self.token_id.partner_id._may_keep_card(subscription)
        ).token_id = self.token_id
