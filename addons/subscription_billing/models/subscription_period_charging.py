import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.concurrency_base.tools import (
    claim_in_order,
    reason_of,
    tell_once,
    work_isolated,
    work_through,
)

_logger = logging.getLogger(__name__)

CHARGE_BATCH = 50
PAST_DUE_BATCH = 500
PAYING = timedelta(minutes=30)  # how long a customer may take on the provider's page
AT_ONCE = timedelta(minutes=2)  # how long the scheduled action leaves a charge to a request
TRIES_AT_ONCE = 5  # after conflicts


class SubscriptionPeriod(models.Model):
    """The part of a period that is paid: the saved card is charged after the invoice's commit."""

    _inherit = "subscription.period"

    @api.model
    def _cron_charge(self, limit=CHARGE_BATCH):
        """Charge the means of payment of invoiced periods, one commit each."""
        domain = self._to_charge_domain()
        for period in self.search(domain, order="charge_at, id", limit=limit):
            period._charge_isolated()
            if not self.env["ir.cron"]._commit_progress(1):
                break
        self.env["ir.cron"]._commit_progress(remaining=self.search_count(domain))

    @api.model
    def _to_charge_domain(self, until=None):
        return [("charge_at", "<=", until or fields.Datetime.now()), ("state", "=", "invoiced")]

    def _charge_isolated(self, until=None):
        """Charge one period that is due; commits. Whatever goes wrong, the others go on.

        :param datetime until: UTC, when it is due at the latest; now by default
        """
        self.ensure_one()
        try:
            locked = self.try_lock_for_update(allow_referencing=True)
            # The list is as old as the charges before: another worker may have been here.
            if due := locked.filtered_domain(self._to_charge_domain(until)):
                due._charge_unless_paid()
                self.env.flush_all()  # a conflict shows here, not when the next is committed
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()  # another transaction settles it; the next run looks again
        except Exception as error:
            self.env.cr.rollback()
            _logger.exception("Charge of %s failed", self.invoice_id.name)
            reason = reason_of(self.env, error)
            work_isolated(self, lambda period: period._give_up_charge(reason))

    def _charge_at_once(self):
        """Charge what is due on saved means of payment while its customer waits, instead of
        leaving it to the scheduled action; commits.

        :return: why the last attempt was refused, or is put off, as a sentence for the customer;
            or None
        """
        due = self.filtered_domain(self._to_charge_domain())
        # The scheduled action takes over only where this request is cut off. Beside it, it would
        # send the same charge, and its refusal would be told to nobody here.
        until = fields.Datetime.now() + AT_ONCE
        due._charge_later(until)
        self.env["ir.cron"]._commit_progress()
        for attempt in range(TRIES_AT_ONCE):
            waiting = due.filtered_domain(self._to_charge_domain(until))
            if not waiting and not due._unposted_payments():
                break
            time.sleep(attempt * 0.2)  # another worker mails the invoices, say
            for period in waiting:
                period._charge_isolated(until)
                self.env["ir.cron"]._commit_progress()
            due._post_payments()
        if told := due.filtered(lambda period: period._waits_after_telling()):
            return told[0]._large_charge_sentence()
        last = due.transaction_ids.filtered(lambda each: not each.is_given_up).sorted("id")[-1:]
        if last.state not in ("error", "cancel"):
            return None
        return last.state_message or self.env._("The payment was refused.")

    def _unposted_payments(self):
        return self.transaction_ids.filtered(
            lambda each: each.state == "done" and not each.is_post_processed)

    def _post_payments(self):
        """Post what the provider has taken; commits. A conflict leaves it to another try, or to
        Odoo's own job."""
        try:
            self._unposted_payments()._post_process()
            self.env.flush_all()
            self.env["ir.cron"]._commit_progress()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()

    def _charge_unless_paid(self):
        """Charge the saved means of payment, unless a payment is under way: should it fail, the
        charge comes a little later.

        An attempt that was never finished is looked at first: what was due and which card was
        saved may have changed since.
        """
        self.ensure_one()
        self.invoice_id._use_outstanding_credits()
        if self.state != "invoiced":
            return
        if self._give_up_outdated_attempts() or self._payment_under_way():
            self._charge_later(fields.Datetime.now() + PAYING)
        elif not self._put_off_large_charge():
            self._charge_token()

    def _charge_later(self, moment):
        """Let the scheduled action charge these periods at a moment (UTC)."""
        if self:
            self.charge_at = moment
            # sudo: the queue belongs to the system
            self.env.ref("subscription_billing.ir_cron_charge").sudo()._trigger(moment)

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
        if transaction.state == "pending":  # a debit takes days: nothing is refused by now
            self._confirm_changes()
        self.env["ir.cron"]._commit_progress()
        if transaction.state == "done" and not transaction.is_post_processed:
            transaction._post_process()
        return transaction

    def _charge_nothing(self):
        """Leave out a charge: nothing is left to pay, too little for a charge, or the card is
        gone.
        """
        self.charge_at = False
        if not self.subscription_id.token_id.active \
                and not self.currency_id.is_zero(self.invoice_id.amount_residual):
            self._charge_failed(self.env._("The saved means of payment is no longer valid."))
        return self.env["payment.transaction"]

    def _give_up_charge(self, error):
        """Tell staff that a charge could not be asked for; the others go on.

        A charge that the provider has answered stands: Odoo's own job posts its payment.
        """
        self.ensure_one()
        self.charge_at = False
        if self.transaction_ids.filtered(
                lambda transaction: transaction.state in ("pending", "authorized", "done")):
            return
        self.subscription_id._notify_payment_failed(error)

    def _open_transaction(self):
        """Return the attempt whose answer never came, to be sent again."""
        return self.transaction_ids.filtered(
            lambda transaction: transaction.state == "draft"
            and transaction.operation == "offline")[:1]

    def _give_up_outdated_attempts(self):
        """Give up open attempts of another amount or card than would be charged now, and those
        that customers began on a page and left.

        :return: those that cannot be given up yet: the customer may still be on the page
        """
        self.ensure_one()
        token, amount = self.subscription_id.token_id, self._amount_to_charge()
        if token.provider_id.state == "disabled":
            return self.env["payment.transaction"]  # staff switched it off, and are told so
        outdated = (self.transaction_ids | self.invoice_id.transaction_ids).filtered(
            lambda each: each.state == "draft"
            and (each.operation != "offline" or each.token_id != token or not token.active
                 or each.currency_id.compare_amounts(each.amount, amount)))
        earlier = fields.Datetime.now() - PAYING
        outdated.filtered(lambda each: each.operation == "offline"
                          or each.create_date < earlier)._give_up_attempt()
        return outdated.filtered(lambda each: each.state == "draft")

    def _charge_reference(self, attempt):
        """Name one attempt of one stretch, never another: ``SUB00012/2027-01-31/1``, and
        ``SUB00012/2027-01-31.2/1`` when it is the second stretch that begins on that day.

        The number of the stretch also tells apart subscriptions of one name in two companies:
        references are unique in the whole database.
        """
        self.ensure_one()
        name = self.subscription_id.name
        before = self.search_count([
            ("subscription_id", "in", self.subscription_id.search([("name", "=", name)]).ids),
            ("date_start", "=", self.date_start), ("id", "<", self.id)])
        stretch = f"{self.date_start}.{before + 1}" if before else self.date_start
        return f"{name}/{stretch}/{attempt}"

    def _create_transaction(self):
        """Create the next attempt, or none when nothing is left to charge."""
        self.ensure_one()
        token, amount = self.subscription_id.token_id, self._amount_to_charge()
        if not token.active or not amount:
            return self.env["payment.transaction"]
        self.attempt_count += 1
        return self.env["payment.transaction"].create({
            "provider_id": token.provider_id.id,
            "payment_method_id": token.payment_method_id.id,
            "token_id": token.id,
            "reference": self._charge_reference(self.attempt_count),
            "amount": amount,
            "currency_id": self.currency_id.id,
            "partner_id": self.invoice_id.partner_id.id,
            "operation": "offline",
            "invoice_ids": [Command.set(self._invoices_to_charge().ids)],
            "subscription_period_id": self.id,
        })

    # Amounts too small to be charged by themselves ----------------------------------------------

    def _invoices_to_charge(self):
        """Return the invoice of the period, with those of former ones that were too small."""
        self.ensure_one()
        return self.invoice_id | self.subscription_id._carried_invoices()

    def _amount_to_charge(self):
        """Return what the saved means of payment is charged now.

        :return: float; 0.0 when it is too little, and waits for the next invoice
        """
        self.ensure_one()
        due = sum(self._invoices_to_charge().mapped("amount_residual"))
        if self.currency_id.is_zero(self.invoice_id.amount_residual):
            return 0.0
        return self.subscription_id.token_id.provider_id._chargeable_amount(due, self.currency_id) \
            if self.subscription_id.token_id else due

    def _carried(self):
        """Return those of these periods of which too little is left to be charged by itself.

        They are neither chased nor asked for, and are charged with the next invoice. How much is
        too little depends on the provider of the saved means of payment; without one, on all that
        the customer could pay online with.
        """
        unpaid = self.filtered(lambda period: period.state == "invoiced")
        carried = self.browse()
        for company, periods in unpaid.grouped("company_id").items():
            online = None
            for period in periods:
                provider = period.subscription_id.token_id.provider_id
                if not provider and online is None:
                    online = company._online_providers()
                if period._is_too_small(provider or online):
                    carried |= period
        return carried

    def _is_too_small(self, providers):
        self.ensure_one()
        due = self.invoice_id.amount_residual
        return bool(providers) and not any(
            provider._chargeable_amount(due, self.currency_id) for provider in providers)

    def _stop_chasing_small_amounts(self):
        """Stop the dunning where a payment in part has left too little to chase."""
        if carried := self._carried():
            carried.write({"charge_at": False, "dunning_start": False, "dunning_error": False})
            carried._recover_subscriptions()

    def _payment_under_way(self):
        """Return the payment of the invoice of which nobody knows yet how it ends, or none."""
        return self.invoice_id.transaction_ids._under_way()

    def _lock_rows(self):
        """Wait for whoever is charging, paying, chasing or writing off these periods; then the
        request starts again and sees what became of them."""
        claim_in_order(self)

    def _charge_again(self):
        """Queue another attempt: staff asked for it, or the customer changed their card."""
        for period in self.filtered(lambda period: period.state == "invoiced"):
            period.charge_at = fields.Datetime.now()
        # sudo: the queue belongs to the system
        self.env.ref("subscription_billing.ir_cron_charge").sudo()._trigger()

    def _charge_failed(self, reason):
        """Follow a refusal: the invoice stays open, customer and staff are told.

        The days of the dunning policy are counted from the first refusal. A refusal that is told
        of after another payment went through changes nothing.
        """
        self.invoice_id._use_outstanding_credits()
        unpaid = self.filtered(lambda period: not period._is_paid_meanwhile())
        unpaid -= unpaid._take_back_changes(reason)
        unpaid.invoice_id._use_outstanding_credits()  # what a change taken back has left
        unpaid = unpaid.filtered(lambda period: not period._is_paid_meanwhile())
        unpaid._start_dunning()
        for period in unpaid:
            subscription = period.subscription_id
            subscription._mark_past_due(note=reason)
            subscription._log_events("payment_failed", note=reason)
            subscription._notify_payment_failed(reason)
        unpaid.filtered(lambda period: period._tells_refusal())._send_period_mail(
            "subscription_billing.mail_template_payment_failed")
        unpaid._dunning_outcome()

    def _take_back_changes(self, reason):
        """Go back to the former plan where an upgrade's payment was refused and its policy says
        so; see ``subscription.change``.

        :return: the periods that are dealt with by that
        """
        changes = self.env["subscription.change"].search(
            [("invoice_id", "in", self.invoice_id.ids), ("state", "=", "done")])
        dealt_with = self.browse()
        for change in changes:
            period = self.filtered(lambda each, change=change: each.invoice_id == change.invoice_id)
            if change._follow_refusal(period, reason):
                dealt_with |= period
        return dealt_with

    def _is_paid_meanwhile(self):
        """Tell whether it is paid, or a payment went through that Odoo is yet to post."""
        self.ensure_one()
        return self.state != "invoiced" or bool(self.invoice_id.transaction_ids.filtered(
            lambda each: each.state == "done" and not each.is_post_processed))

    def _settle(self):
        """Record that the invoice is paid, by whatever route: say so, once, and let the service go
        on.
        """
        settled = self._mark_paid_if_settled()
        if settled:
            settled.subscription_id._log_events("payment")
            settled._recover_subscriptions()
            settled._tell_of_payment()

    def _settle_unpaid(self):
        """Record that nothing is left to pay, though no payment came in: nobody is thanked."""
        self._mark_paid_if_settled()._recover_subscriptions()

    def _mark_paid_if_settled(self):
        """Mark as paid those whose invoice was not settled before and is now.

        :return: these periods
        """
        before = {period: period.state for period in self}
        self.filtered(lambda period: period.state in (
            "invoiced", "to_invoice", "written_off"))._refresh_from_invoices()
        settled = self.filtered(lambda period: period.state in ("paid", "written_off")
                                and period.state != before[period])
        settled.subscription_id._serve_paid_changes()
        settled._confirm_changes()
        return settled

    def _confirm_changes(self):
        """Tell the customers of the changes whose payment they were waiting for."""
        # sudo: the engine's own rows
        self.env["subscription.change"].sudo().search([
            ("invoice_id", "in", self.invoice_id.ids), ("state", "=", "done"),
            ("is_told", "=", False)])._send_confirmation()

    def _recover_subscriptions(self):
        """Turn the services on again of which nothing else is unpaid."""
        unpaid = self.search(
            [("subscription_id", "in", self.subscription_id.ids), ("state", "=", "invoiced"), "|",
             ("dunning_start", "!=", False), *self._late_domain()])
        unpaid = (unpaid - unpaid._carried()).subscription_id
        settled = self.subscription_id - unpaid
        settled.filtered(
            lambda subscription: subscription.state in ("past_due", "suspended"))._recover()
        settled._close_unpaid()

    def _tell_of_payment(self):
        """Confirm the payment to the customer; tell staff of the next invoice to watch (agency
        case 2).
        """
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
    def _cron_past_due(self, limit=PAST_DUE_BATCH):
        """Make subscriptions past due whose invoice was not paid by its due date; runs daily.

        The days of the dunning policy start then; not while a payment is under way. What time, a
        lock or a conflict leaves for later is done in another run at once.
        """
        domain = [
            ("state", "=", "invoiced"), ("dunning_start", "=", False),
            ("subscription_id.state", "in", ("active", "past_due", "suspended", "ended")),
            *self._late_domain()]

        def find(last_id):
            late = self.search([*domain, ("id", ">", last_id)], order="id", limit=limit)
            locked = late.subscription_id.try_lock_for_update(allow_referencing=True)
            return late, late.filtered(lambda period: period.subscription_id in locked)

        if work_through(
                self.env, find, lambda late: late._become_past_due(),
                self._tell_of_past_due_error):
            self.env["payment.transaction"]._tell_of_slow_payments()
        else:
            self.env.ref("subscription_billing.ir_cron_past_due")._trigger()

    @api.model
    def _tell_of_past_due_error(self, period, error):
        """Tell staff, once, that the chase of an unpaid invoice could not start."""
        subscription = period.subscription_id
        tell_once(subscription, subscription._responsible(), lambda env: env._(
            "Unpaid, and not chased: %(subscription)s", subscription=subscription.name), error)

    @api.model
    def _late_domain(self):
        """Return the domain of periods whose invoice is past due, and neither about to be charged
        nor paid.

        It is one term, so that it may follow an operator.
        """
        return [
            "&", "&", ("charge_at", "=", False),
            ("invoice_id.invoice_date_due", "<", fields.Date.today()),
            "!", ("invoice_id.transaction_ids", "any",
                  self.env["payment.transaction"]._under_way_domain())]

    def _become_past_due(self):
        """Start the chase of invoices that nobody paid by their due date, unless what is in the
        customer's favour pays them, or too little is left."""
        self.invoice_id._use_outstanding_credits()
        late = self.filtered(lambda period: period.state == "invoiced")
        late -= late._carried()
        late -= late._take_back_changes(self.env._("It was not paid in time."))
        late.invoice_id._use_outstanding_credits()  # what a change taken back has left
        late = late.filtered(lambda period: period.state == "invoiced")
        for period in late:
            period._start_dunning(period.invoice_id.invoice_date_due)
        late.subscription_id._mark_past_due()
        late.subscription_id._notify_unpaid()
        late._send_period_mail("subscription_billing.mail_template_past_due")
