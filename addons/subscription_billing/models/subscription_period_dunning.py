import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import format_date, formatLang

from odoo.addons.concurrency_base.tools import reason_of, work_isolated

_logger = logging.getLogger(__name__)

DUNNING_BATCH = 100
# Visa and Mastercard fine a merchant who tries one card more often: 15 attempts in 30 days.
MAX_ATTEMPTS, ATTEMPTS_WITHIN = 15, timedelta(days=30)


class SubscriptionPeriod(models.Model):
    """The part of an unpaid period that is chased, by the dunning policy of its plan."""

    _inherit = "subscription.period"

    dunning_start = fields.Date(
        readonly=True, copy=False,
        help="Civil day from which the steps of the policy are counted.")
    dunning_next_date = fields.Date(
        string="Next step", compute="_compute_dunning_next_date", store=True,
        help="Civil day of the next step of the policy.")
    dunning_action_ids = fields.One2many("dunning.action", "period_id", string="Steps done")
    dunning_error = fields.Char(
        readonly=True, copy=False, help="Why the last step could not be done.")

    @api.depends(
        "dunning_start", "dunning_action_ids.days", "state",
        "subscription_id.plan_id.dunning_policy_id.step_ids.days")
    def _compute_dunning_next_date(self):
        for period in self:
            step = period._dunning_ahead()[:1]
            period.dunning_next_date = (
                step and period.dunning_start + timedelta(days=step.days))

    def _dunning_steps(self):
        self.ensure_one()
        return self.subscription_id.plan_id.dunning_policy_id.step_ids.sorted("days")

    def _dunning_ahead(self):
        """Return the steps not done yet; a step before a later one already done is too late."""
        self.ensure_one()
        if not self.dunning_start or self.state != "invoiced":
            return self.env["dunning.step"]
        done = max(self.dunning_action_ids.mapped("days"), default=-1)
        return self._dunning_steps().filtered(lambda step: step.days > done)

    def _start_dunning(self, day=None):
        """Count the days of the policy, unless they are counted already.

        :param date day: from which, by default today where the customer lives
        """
        for period in self.filtered(lambda period: not period.dunning_start):
            period.dunning_start = day or period.subscription_id._today()

    def _tells_refusal(self):
        """Tell whether the customer is told that a charge was refused.

        That is so the first time, then on the days on which the policy reminds them.
        """
        done = max(self.dunning_action_ids.mapped("days"), default=None)
        steps = self._dunning_steps().filtered(lambda step: step.days == done)
        return not steps or any(steps.mapped("remind"))

    @api.model
    def _cron_dun(self, limit=DUNNING_BATCH):
        """Do the steps that are due, each once; after an outage the last mail only.

        What time, a lock or a conflict leaves for later is done in another run at once.
        """
        tomorrow = fields.Date.add(fields.Date.today(), days=1)  # it may have begun over there
        domain = [("state", "=", "invoiced"), ("charge_at", "=", False),
                  ("dunning_next_date", "<=", tomorrow)]
        last, time_left, waiting = 0, True, False
        while time_left and (periods := self.search(
                [*domain, ("id", ">", last)], order="id", limit=limit)):
            last = periods[-1].id
            try:
                locked = periods.try_lock_for_update(allow_referencing=True)
                for period in locked:
                    period._dun_isolated()
                waiting |= locked != periods
                time_left = self.env["ir.cron"]._commit_progress(len(periods))
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
                waiting = True
        if waiting or not time_left:
            self.env.ref("subscription_billing.ir_cron_dun")._trigger()

    def _dun_isolated(self):
        """Chase one period; a failure holds nobody else up, and the next run tries again."""
        def chase(period):
            period._do_dunning_steps()
            period.dunning_error = False

        work_isolated(self, chase, lambda period, error: period._tell_of_dunning_error(
            reason_of(period.env, error)))

    def _tell_of_dunning_error(self, error):
        """Tell staff, once until a step succeeds: the scheduled action tries again and again."""
        if not self.dunning_error:
            staff = self.subscription_id._for_staff()
            staff._notify_staff(
                staff.env._("Dunning failed: %(subscription)s", subscription=staff.name), error)
        self.dunning_error = error

    def _do_dunning_steps(self):
        """Do what is due of one period, unless a payment is under way."""
        self.ensure_one()
        self.invoice_id._use_outstanding_credits()
        if self.state != "invoiced" or self._payment_under_way():
            return
        late = (self.subscription_id._today() - self.dunning_start).days
        due = self._dunning_ahead().filtered(lambda step: step.days <= late)
        if not due:
            return
        charged = any(due.mapped("retry")) and not self._why_not_to_charge()
        self._log_dunning(due, charged)
        if any(due.mapped("notify")):
            self.subscription_id._notify_unpaid()
        if charged:
            self._charge_again()  # its refusal is told by mail, then the outcome follows
        else:
            if any(due.mapped("remind")):
                self._send_period_mail("subscription_billing.mail_template_past_due")
            self._dunning_outcome()

    def _log_dunning(self, steps, charged):
        self.env["dunning.action"].create([{
            "period_id": self.id, "days": step.days, "done": self._step_label(step, charged),
        } for step in steps])

    def _step_label(self, step, charged, ahead=False):
        """Say what a step does, or has done: « Charge again, Tell the responsible ».

        :param charged: whether the saved card is charged, or its customer only reminded
        :param bool ahead: the step is to come, so nobody knows yet how the charge ends
        """
        labels = step.fields_get(["retry", "remind", "notify", "outcome"])
        outcomes = dict(labels["outcome"]["selection"])
        return ", ".join(filter(None, [
            charged and step.retry and labels["retry"]["string"],
            not charged and step.remind and labels["remind"]["string"],
            ahead and charged and step.remind and self.env._("Remind the customer if refused"),
            step.notify and labels["notify"]["string"],
            outcomes.get(step.outcome)]))

    def _dunning_outcome(self):
        """Suspend or end, when a step that says so is done and the invoice is still unpaid."""
        for period in self:
            done = max(period.dunning_action_ids.mapped("days"), default=-1)
            outcomes = period._dunning_steps().filtered(
                lambda step, done=done: step.days <= done).mapped("outcome")
            subscription = period.subscription_id
            if "end" in outcomes and subscription.state in subscription._LIVE_STATES:
                subscription._end(reason="unpaid")
            elif "suspend" in outcomes and subscription.state in ("active", "past_due"):
                subscription._suspend(note=period.invoice_id.name)

    def _why_not_to_charge(self):
        """Say why the saved means of payment must not be tried again; None when it may."""
        self.ensure_one()
        if payment := self._payment_under_way():
            return self.env._(
                "The payment %(reference)s of %(invoice)s is under way. Wait for the provider’s "
                "answer.", reference=payment.reference, invoice=self.invoice_id.name)
        token = self.subscription_id.token_id
        if not token.active:
            return self.env._("There is no saved means of payment.")
        last = self.transaction_ids.filtered(
            lambda each: each.token_id == token and not each.is_given_up)[:1]
        if last.decline_kind == "hard":
            return self.env._(
                "The bank refused this card for good. The customer has to pay with another one.")
        if last.decline_kind == "authentication":
            return self.env._(
                "The bank asks the customer to authenticate. They can pay by the link in their "
                "mail.")
        if self._count_attempts(token) >= MAX_ATTEMPTS:
            return self.env._(
                "This card was tried %(count)s times in 30 days, as often as card schemes "
                "allow.", count=MAX_ATTEMPTS)
        return None

    def _count_attempts(self, token):
        return self.env["payment.transaction"].search_count([
            ("token_id", "=", token.id), ("operation", "=", "offline"), ("state", "!=", "draft"),
            ("create_date", ">", fields.Datetime.now() - ATTEMPTS_WITHIN)])

    def _dunning_wait(self, day):
        """Leave the customer in peace until a day: the next step comes on it.

        :param date day: civil day of the next step
        :raise UserError: the day is past, or no step is ahead
        """
        for period in self:
            step = period._dunning_ahead()[:1]
            if not step:
                raise UserError(self.env._(
                    "%(period)s is not being chased, so there is nothing to put off.",
                    period=period.display_name))
            if day <= period.subscription_id._today():
                raise UserError(self.env._("Choose a day after today."))
            period.dunning_start = day - timedelta(days=step.days)
            period.subscription_id._log_events("wait", note=format_date(self.env, day))

    def _write_off(self, account, date, end):
        """Give up what is due of the period's invoice, once; see ``account.move``.

        :param account: the ``account.account`` of the loss
        :param date date: of the journal entry
        :param bool end: end the subscriptions that the invoice bills; else they go on
        :raise UserError: a payment is under way
        """
        self.ensure_one()
        self._lock_rows()
        if self.state == "written_off":
            return  # the same click twice
        if self.charge_at or self._payment_under_way():
            raise UserError(self.env._(
                "A payment of %(invoice)s is under way. Wait for its answer, then write off what "
                "is left.", invoice=self.invoice_id.name))
        if self.state != "invoiced":
            raise UserError(self.env._(
                "Nothing is due for %(period)s.", period=self.display_name))
        invoice = self.invoice_id
        subscriptions = invoice._subscription_periods().subscription_id
        subscriptions._log_events("write_off", note=formatLang(
            self.env, invoice.amount_residual, currency_obj=invoice.currency_id))
        if end:  # first, lest it be turned on again
            subscriptions.filtered(
                lambda each: each.state in each._LIVE_STATES)._end(reason="written off")
        invoice._write_off(account, date)
