from odoo import fields, models


class PaymentDispute(models.Model):
    """What a dispute does to the customer's subscriptions, by the policy of the company."""

    _inherit = "payment.dispute"

    def _freeze(self):
        """Stop the service, or its bills, until the bank decides; the card is not charged in any
        case.
        """
        self.ensure_one()
        self.frozen_at = fields.Datetime.now()
        self.transaction_id._withdraw(self.amount, self.reference)
        company = self.company_id
        if company.dispute_policy == "suspend":
            self._suspend_services()
        elif company.dispute_policy == "hold":
            self._hold_bills()
        if company.dispute_tell_customer:
            self.env.ref("subscription_stripe.mail_template_dispute_customer").send_mail_batch(
                self.ids)

    def _suspend_services(self):
        """Suspend what runs, without the mail that would ask for a payment already made."""
        running = self.subscription_ids.filtered(
            lambda subscription: subscription.state in ("active", "past_due"))
        # The mail of a suspension asks for a payment that was made.
        running.with_context(subscription_silent=True)._suspend(note=self.reference)
        self.frozen_subscription_ids = running

    def _hold_bills(self):
        """Keep what runs out of the renewals."""
        running = self.subscription_ids.filtered(
            lambda subscription: subscription.state in subscription._BILLED_STATES
            and not subscription.is_held)
        self.frozen_subscription_ids = running
        running._hold(self.env._(
            "The payment %(reference)s is contested at the bank.",
            reference=self.transaction_id.reference))

    def _unfreeze(self):
        """Follow the bank's decision: when the dispute is lost, the invoice is chased or written
        off; else all goes on."""
        self.ensure_one()
        held = self.frozen_subscription_ids.filtered("is_held")
        held.write({"is_held": False, "hold_reason": False})
        held._log_events("release", note=self.reference)
        if self.status == "lost":
            self.transaction_id._withdraw(self.amount, self.reference)
            self._follow_lost_dispute()
        else:
            self._resume_services()

    def _follow_won_appeal(self):
        """Stop the chase when the dispute is won on appeal after its loss was booked."""
        self.invoice_ids._subscription_periods()._refresh_from_invoices()
        self._resume_services()

    def _resume_services(self):
        """Turn the services on again, and charge what has waited."""
        self.transaction_id._restore(self.reference)
        suspended = self.frozen_subscription_ids.filtered(
            lambda subscription: subscription.state == "suspended")
        suspended.with_context(
            subscription_silent=not self.company_id.dispute_tell_customer
        ).period_ids._recover_subscriptions()
        waiting = self._waiting_periods()
        waiting.filtered(lambda period: not period._why_not_to_charge())._charge_again()

    def _waiting_periods(self):
        """Find what was invoiced while the card was not charged, and is not chased yet."""
        subscriptions = self.subscription_ids | self.token_id.subscription_ids
        return subscriptions.period_ids.filtered(
            lambda period: period.state == "invoiced" and not period.charge_at
            and not period.dunning_start)

    def _follow_lost_dispute(self):
        """Chase, or write off, what the payment had paid: it is due again."""
        periods = self.invoice_ids._subscription_periods()
        periods._refresh_from_invoices()
        due = periods.filtered(lambda period: period.state == "invoiced")
        if self.company_id.dispute_lost_policy == "write_off":
            self._write_off()
        elif due:
            due._start_dunning()
            due.subscription_id._mark_past_due(note=self.reference)
            due.subscription_id._log_events("payment_failed", note=self.reference)

    def _write_off(self):
        """Write off what is due of the invoices, with the accounts of every write-off."""
        account = self.company_id._subscription_loss_account()
        day = self.provider_id._stripe_day(fields.Datetime.now())
        for invoice in self.invoice_ids.filtered(
                lambda invoice: invoice.payment_state not in invoice._SETTLED_STATES):
            if period := invoice._subscription_periods()[:1]:
                period._write_off(account, day, end=True)
            else:
                invoice._write_off(account, day)
