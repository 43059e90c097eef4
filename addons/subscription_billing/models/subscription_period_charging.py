import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.concurrency_base.tools import lock_in_order

_logger = logging.getLogger(__name__)

CHARGE_BATCH = 50
PAYING = timedelta(minutes=30)  # how long a customer may take on the provider's page


class SubscriptionPeriod(models.Model):
    """Payment of periods: the saved means of payment is charged after the invoice's commit."""

    _inherit = "subscription.period"

    @api.model
    def _cron_charge(self, limit=CHARGE_BATCH):
        """Charge the means of payment of invoiced periods, one commit each."""
        domain = [("charge_at", "<=", fields.Datetime.now()), ("state", "=", "invoiced")]
        for period in self.search(domain, order="charge_at, id", limit=limit):
            try:
                locked = period.try_lock_for_update(allow_referencing=True)
                # The list is as old as the charges before: another worker may have been here.
                if due := locked.filtered_domain(domain):
                    due._charge_unless_paid()
                    self.env.flush_all()  # a conflict shows here, not when the next is committed
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()  # another transaction settles it; the next run looks again
            except Exception as error:
                self.env.cr.rollback()
                _logger.exception("Charge of %s failed", period.invoice_id.name)
                period._give_up_charge(str(error))
            if not self.env["ir.cron"]._commit_progress(1):
                break
        self.env["ir.cron"]._commit_progress(remaining=self.search_count(domain))

    def _charge_unless_paid(self):
        """Charge the saved means of payment, unless the customer is paying right now: should
        they give up, it is charged a little later."""
        self.ensure_one()
        if self._payment_under_way():
            self.charge_at = fields.Datetime.now() + PAYING
            # sudo: the queue belongs to the system
            self.env.ref("subscription_billing.ir_cron_charge").sudo()._trigger(self.charge_at)
        else:
            self._charge_token()

    def _charge_token(self):
        """Charge the period's invoice under a reference that names the attempt.

        The transaction is committed before the provider is called: after a crash in between, the
        same transaction is sent again, and its reference tells the provider that it is the same.
        """
        self.ensure_one()
        transaction = self._open_transaction() or self._create_transaction()
        if not transaction:
            return self._charge_nothing()
        self.env["ir.cron"]._commit_progress()
        transaction._charge_with_token()
        self.charge_at = False
        self.env["ir.cron"]._commit_progress()
        if transaction.state == "done" and not transaction.is_post_processed:
            transaction._post_process()
        return transaction

    def _charge_nothing(self):
        """No attempt was made: nothing is left to pay, or the card was taken away."""
        self.charge_at = False
        if not self.currency_id.is_zero(self.invoice_id.amount_residual):
            self._charge_failed(self.env._("The saved means of payment is no longer valid."))
        return self.env["payment.transaction"]

    def _give_up_charge(self, error):
        """The charge could not be asked for: the others go on, staff are told.

        A charge that the provider has answered stands: Odoo's own job posts its payment.
        """
        self.ensure_one()
        self.charge_at = False
        if self.transaction_ids.filtered(
                lambda transaction: transaction.state in ("pending", "authorized", "done")):
            return
        self.subscription_id._notify_payment_failed(error)

    def _open_transaction(self):
        """The attempt whose answer was lost, to be sent again."""
        return self.transaction_ids.filtered(
            lambda transaction: transaction.state == "draft"
            and transaction.operation == "offline")[:1]

    def _charge_reference(self, attempt):
        """``SUB00012/2027-01-31/1``: one attempt of one period, never another."""
        self.ensure_one()
        return f"{self.subscription_id.name}/{self.date_start}/{attempt}"

    def _create_transaction(self):
        """The next attempt, or none when nothing is left to charge."""
        self.ensure_one()
        token = self.subscription_id.token_id
        if not token.active or self.currency_id.is_zero(self.invoice_id.amount_residual):
            return self.env["payment.transaction"]
        self.attempt_count += 1
        return self.env["payment.transaction"].create({
            "provider_id": token.provider_id.id,
            "payment_method_id": token.payment_method_id.id,
            "token_id": token.id,
            "reference": self._charge_reference(self.attempt_count),
            "amount": self.invoice_id.amount_residual,
            "currency_id": self.currency_id.id,
            "partner_id": self.invoice_id.partner_id.id,
            "operation": "offline",
            "invoice_ids": [Command.set(self.invoice_id.ids)],
            "subscription_period_id": self.id,
        })

    def _payment_under_way(self):
        """Payments whose end the provider is yet to tell, or Odoo yet to post. A transfer that
        the customer promised is none."""
        return self.invoice_id.transaction_ids.filtered(
            lambda transaction: transaction.provider_code not in ("none", "custom")
            and (transaction.state in ("pending", "authorized")
                 or (transaction.state == "done" and not transaction.is_post_processed)))[:1]

    def _lock_rows(self):
        """Wait for whoever is charging, chasing or writing off these periods; if they did, the
        request starts again and sees what became of them."""
        lock_in_order(self)

    def _charge_again(self):
        """Queue another attempt: staff asked for it, or the customer changed their card."""
        for period in self.filtered(lambda period: period.state == "invoiced"):
            period.charge_at = self.env.cr.now()
        # sudo: the queue belongs to the system
        self.env.ref("subscription_billing.ir_cron_charge").sudo()._trigger()

    def _charge_failed(self, reason):
        """The provider refused: the invoice stays open, customer and staff are told, and the
        days of the dunning policy are counted from the first refusal. A refusal that is told of
        after another payment went through changes nothing."""
        unpaid = self.filtered(lambda period: not period._is_paid_meanwhile())
        unpaid._start_dunning()
        for period in unpaid:
            subscription = period.subscription_id
            subscription._mark_past_due(note=reason)
            subscription._log_events("payment_failed", note=reason)
            subscription._notify_payment_failed(reason)
        unpaid._send_period_mail("subscription_billing.mail_template_payment_failed")
        unpaid._dunning_outcome()

    def _is_paid_meanwhile(self):
        """Whether nothing is left to pay, or a payment went through that Odoo is yet to post."""
        self.ensure_one()
        return self.state != "invoiced" or bool(self.invoice_id.transaction_ids.filtered(
            lambda each: each.state == "done" and not each.is_post_processed))

    def _settle(self):
        """The invoice is paid, by whatever route: say so, once, and let the service go on."""
        settled = self._take_settled()
        if settled:
            settled.subscription_id._log_events("payment")
            settled._recover_subscriptions()
            settled._tell_of_payment()

    def _settle_unpaid(self):
        """Nothing is left to pay, though no payment came in: the service goes on, and nobody is
        thanked."""
        self._take_settled()._recover_subscriptions()

    def _take_settled(self):
        """:return: those whose invoice was not settled, and is by now"""
        before = {period: period.state for period in self}
        self.filtered(lambda period: period.state in (
            "invoiced", "to_invoice", "written_off"))._refresh_from_invoices()
        return self.filtered(lambda period: period.state in ("paid", "written_off")
                             and period.state != before[period])

    def _recover_subscriptions(self):
        """Turn the services on again of which nothing else is unpaid."""
        unpaid = self.search(
            [("subscription_id", "in", self.subscription_id.ids), ("state", "=", "invoiced"), "|",
             ("dunning_start", "!=", False),
             ("invoice_id.invoice_date_due", "<", fields.Date.today())]).subscription_id
        settled = self.subscription_id - unpaid
        settled.filtered(
            lambda subscription: subscription.state in ("past_due", "suspended"))._recover()
        settled._close_unpaid()

    def _tell_of_payment(self):
        """A confirmation for the customer; for staff, the next invoice to watch when paid by
        hand (case 2 of the spec)."""
        self._send_period_mail("subscription_billing.mail_template_payment_received")
        self.filtered(lambda period: period.subscription_id.token_id).invoice_id\
            ._subscription_queue_mail()
        for subscription in self.subscription_id.filtered(
                lambda subscription: not subscription.token_id
                and subscription.state == "active" and not subscription.end_date):
            subscription._notify_next_invoice()

    def _send_period_mail(self, template):
        """Tell the customers of these periods; queued, sent after the commit."""
        if self:
            # sudo: whoever registers the payment, the customer is told
            self.env.ref(template).sudo().send_mail_batch(self.ids)
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    @api.model
    def _cron_past_due(self, limit=500):
        """Daily: invoices not paid by their due date make their subscription past due, and
        start the days of its dunning policy."""
        late = self.search(
            [("state", "=", "invoiced"), ("charge_at", "=", False),
             ("dunning_start", "=", False),
             ("subscription_id.state", "in", ("active", "past_due", "suspended", "ended")),
             ("invoice_id.invoice_date_due", "<", fields.Date.today())], limit=limit)
        locked = late.subscription_id.try_lock_for_update(allow_referencing=True)
        late = late.filtered(lambda period: period.subscription_id in locked)
        late._start_dunning()
        locked._mark_past_due()
        locked._notify_unpaid()
        late._send_period_mail("subscription_billing.mail_template_past_due")
        self.env["ir.cron"]._commit_progress(len(locked))
