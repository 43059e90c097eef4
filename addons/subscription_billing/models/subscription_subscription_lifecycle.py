from datetime import timedelta

from dateutil.relativedelta import relativedelta
from markupsafe import escape

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..exceptions import PreviewMismatch
from ..tools import civil

UNPAID = "subscription_billing.mail_activity_unpaid"
NEXT_INVOICE = "subscription_billing.mail_activity_next_invoice"


class SubscriptionSubscription(models.Model):
    """The part of a subscription that goes from draft to ended: one method a transition."""

    _inherit = "subscription.subscription"

    # Start -----------------------------------------------------------------------------------

    def action_start(self):
        """Start by hand: the first invoice is made and sent, or the trial begins.

        :raise UserError: data for invoices are missing, or past periods are not confirmed
        """
        for subscription in self._by_staff():
            if missing := subscription._missing_data():
                raise UserError(missing)
            subscription._check_backlog()
            subscription._start()
        return True

    def _check_backlog(self):
        """Ask before a start in the far past makes many invoices at once.

        :raise UserError: nobody has confirmed it
        """
        if self.backlog_count > 1 and not self.backlog_confirmed:
            raise UserError(self.env._(
                "%(subscription)s starts on %(date)s: %(count)s invoices will be made at once. "
                "Tick “Bill the past periods” to confirm, or change the start.",
                subscription=self.name, date=format_date(self.env, self.anchor_date),
                count=self.backlog_count))

    def _start(self, trial=True):
        """Start: draft → trial or active; the first period is billed, here or by the order.

        A subscription whose first day is ahead waits for it: see :meth:`_await_first_day`.

        :param bool trial: grant the plan's trial when this customer may still have one
        :raise WrongState: already started
        :raise UserError: it would end before it starts
        """
        self.ensure_one()
        self._check_state("draft")
        self.partner_id._appoint_first_manager()
        day = self.anchor_date or self._today()
        self._check_ends_after(day)
        self.agreed_on = max(day, self._today())
        if self.price_id.next_date and not self.currency_id.compare_amounts(
                self.unit_price, self.price_id._amount_on(self.agreed_on)):
            self._note_announced_price(self.price_id)
        if trial and self.trial_days and self.plan_id._trial_available(self.partner_id):
            return self._start_trial(day)
        vals = {**self._prepare_start_vals(day),
                "commitment_end": self._end_of_commitment_from(day)}
        if day > self._today():
            return self._await_first_day(vals)
        self._transition("start", "active", ("draft",), **vals)
        if self.sale_line_id:
            self._await_order_invoice()
        else:
            self._bill_next_period()
            if self.next_date <= self._today():  # sudo: the queue belongs to the system
                self.env.ref("subscription_billing.ir_cron_renew").sudo()._trigger()
        return self._send_mail("subscription_billing.mail_template_started")

    def _check_ends_after(self, day):
        if self.end_date and self.end_date <= day:
            raise UserError(self.env._(
                "%(subscription)s would end on %(end)s and start on %(start)s. Change one of "
                "the two dates.", subscription=self.name, end=format_date(self.env, self.end_date),
                start=format_date(self.env, day)))

    def _prepare_start_vals(self, day):
        """Prepare the values of a subscription that starts on a day."""
        return {"anchor_date": day, "next_date": day}

    def _end_of_commitment_from(self, day):
        """Return the first day the customer is free to leave, when the first paid day is `day`.

        A trial is free of it: who cancels in it owes nothing.
        """
        months = self.commitment_months
        return months and day + relativedelta(months=months)

    def _start_trial(self, day):
        end = day + timedelta(days=self.trial_days)
        vals = {**self._prepare_start_vals(end), "next_date": day, "trial_end": end,
                "trial_family_id": self.plan_id.family_id.id,
                "trial_customer": self.commercial_partner_id.id}
        if day > self._today():
            return self._await_first_day(vals)
        self.write(vals)
        self._begin_trial()
        return self._send_mail("subscription_billing.mail_template_started")

    def _await_first_day(self, vals):
        """Wait for the first day: draft → upcoming.

        Nothing is billed, charged or switched on before it; the renewals begin it then. The trial
        is the customer's from now on.
        """
        self._transition("plan", "upcoming", ("draft",), **vals)
        return self._send_mail("subscription_billing.mail_template_upcoming")

    def _begin_upcoming(self):
        """Begin what was waiting for its first day: upcoming → trial or active; the caller bills
        it.

        :return: the subscriptions begun
        """
        upcoming = self.filtered(lambda subscription: subscription.state == "upcoming")
        for subscription in (tried := upcoming.filtered("trial_end")):
            subscription._begin_trial()
        (upcoming - tried)._transition("start", "active", ("upcoming",))
        return upcoming

    def _begin_trial(self):
        """Begin the trial: draft or upcoming → trial."""
        first, end = self.next_date, self.trial_end
        self._transition("trial", "trial", ("draft", "upcoming"), next_date=end)
        self._create_free_period("trial", first, end)

    def _create_free_period(self, kind, first, last):
        """Create a row of days that nobody pays: rows tile time."""
        return self._create_periods([{
            **self._prepare_period_vals(kind, (first, last), first), "date_end": last,
            "state": "free"}])

    def _await_order_invoice(self):
        """Leave the first period to be billed by the order the customer confirmed, at its very
        price.

        It is free only when its price is zero or staff gave all of it away.
        """
        line = self.sale_line_id.sudo()  # sudo: the subscription's own order
        period = self._create_periods([
            {**self._prepare_period_vals(), "unit_price": line.price_unit}])
        self.next_date = period.date_end
        fees = line.linked_line_ids.filtered("is_setup_fee")
        given = not line.price_subtotal and (line.discount >= 100 or not self.unit_price)
        if given and not any(fees.mapped("price_subtotal")):
            period.state = "free"

    def _convert(self):
        """Convert: trial → active, as its first period is billed: the first paid day."""
        if self:
            self._transition("convert", "active", ("trial",))
        for subscription in self.filtered("commitment_months"):
            subscription.commitment_end = subscription._end_of_commitment_from(
                subscription.anchor_date)

    def _end_unpaid_trials(self):
        """End the trials that need a card and have none.

        :return: the subscriptions ended
        """
        ending = self.filtered(
            lambda subscription: subscription.state == "trial"
            and subscription.trial_needs_card and not subscription.token_id)
        ending._end(reason="trial")
        return ending

    # Cancel and end ------------------------------------------------------------------------------

    def _cancel(self, now=False, expected_credit=None):
        """Cancel at the end of what is paid, or at once with its order and credit note.

        Agency cases 5 and 6. The day begun is used; the policy agreed says what is given back of
        the days after it.

        :param bool now: at once; what has no paid day ahead leaves at once in any case
        :param float expected_credit: what was shown to be credited, when it was
        :raise PreviewMismatch: another amount is credited by now
        :raise UserError: cancelled at once within the commitment, or while held
        :raise WrongState: not running
        """
        self.ensure_one()
        self._check_state(*self._LIVE_STATES)
        if now:
            self._check_not_held()
        self._check_credit_shown(expected_credit, now)
        if not self.is_held:
            self._catch_up()
        self._drop_planned_change()
        if self.state == "ended":  # its last period was over
            return None
        if now or self._leaves_at_once():
            return self._cancel_now()
        if self.end_date:
            return None  # already cancelled: the same click twice
        before = self._standing()
        self.end_date = self._end_of_commitment()
        self._log_events("cancel", before, format_date(self.env, self.end_date))
        return self._send_mail("subscription_billing.mail_template_cancelled")

    def _leaves_at_once(self):
        """Tell whether a cancellation takes effect at once: no day that is paid is ahead, nor is
        one about to be billed."""
        self.ensure_one()
        if self.state == "upcoming":
            return not self._is_behind()
        return self.state in ("paused", "suspended") and not self._is_committed()

    def _is_behind(self):
        """Tell whether a period has begun that the run has yet to bill: whatever comes, this is
        done first. Held, nothing is billed."""
        self.ensure_one()
        return (not self.is_held and self.state in self._BILLED_STATES
                and self.next_date <= self._today())

    def _is_committed(self):
        """Tell whether the customer may not leave now: the commitment runs from the first paid
        day.
        """
        self.ensure_one()
        return bool(self.commitment_end) and self.commitment_end > self._today() \
            and self.state not in ("upcoming", "trial")

    def _end_of_commitment(self):
        """Return the first period boundary, from the next one, at which the customer is free to
        leave. A pause has no periods: it ends with the commitment.
        """
        tomorrow = self._today() + timedelta(days=1)  # held, its next period may be past
        free = max(self.next_date, self.anchor_date, self.commitment_end or tomorrow, tomorrow)
        if self.state == "paused":
            return free
        start, end = civil.period_of(*self._interval(), free)
        return free if start == free else end

    def _cancel_now(self):
        """Cancel at once, see :meth:`_cancel`.

        End first, so that crediting an invoice cannot reactivate the subscription.
        """
        self._check_not_committed()
        day = self._today() + timedelta(days=1)
        uninvoiced = self._void_uninvoiced()
        self.end_date = day
        # End first, so that crediting an invoice cannot reactivate it; the mail comes last, for it
        # says what is in the customer's favour.
        self._end(reason="cancel", tell=False)
        if self.cancel_policy != "none":
            self._cut_short(
                day, full_credit=self.cancel_policy == "full")._subscription_queue_mail()
        self._leave_order(uninvoiced)
        self._send_mail("subscription_billing.mail_template_ended")

    def _check_not_committed(self):
        """Refuse to end at once a contract whose customer is committed.

        :raise UserError: until when
        """
        if self._is_committed():
            raise UserError(self.env._(
                "%(subscription)s is committed until %(date)s. Cancel it at the end of the "
                "period: it will end then.", subscription=self.name,
                date=format_date(self.env, self.commitment_end)))

    def _preview_cancellation(self, now=True):
        """Compute what a cancellation at once does to the books; nothing is written.

        :param bool now: it was asked for; else it is at once because no paid day is ahead, which
            is possible while held, too
        :return: dict of ``credit`` (the credit notes, tax included), ``pays`` (what of them pays
            invoices that are unpaid), ``usage`` (what was used and is billed still) and
            ``in_favour`` (what is left of the credit notes then)
        :raise UserError: it cannot be cancelled at once; says why
        """
        self.ensure_one()
        self._check_state(*self._LIVE_STATES)
        if now:
            self._check_not_held()
        self._check_not_committed()
        day = self._today() + timedelta(days=1)
        credits = {} if self.cancel_policy == "none" else self._credits_if_cut(
            day, full_credit=self.cancel_policy == "full")
        amounts = {}
        for period, credit in credits.items():
            total = period._credit_totals(credit)["total"]
            amounts[period.invoice_id] = amounts.get(period.invoice_id, 0.0) + total
        order, others = self._order_and_others()
        whole = order.state == "sale" and not others  # the order is cancelled with it
        for invoice in order._down_payments_given_back() if whole else ():
            amounts[invoice] = amounts.get(invoice, 0.0) + invoice._left_to_credit()
        credit = self.currency_id.round(sum(amounts.values()))
        pays = self.currency_id.round(sum(
            min(invoice.amount_residual, amount) for invoice, amount in amounts.items()))
        return {"credit": credit, "pays": pays, "in_favour": self.currency_id.round(credit - pays),
                "usage": (self._preview_usage() or {}).get("total", 0.0)}

    def _check_credit_shown(self, expected, now):
        """Check that a cancellation credits what was shown: nothing, unless it is at once.

        A period that is about to be billed is billed first: what is credited of it was not to be
        shown.

        :raise PreviewMismatch: it does not
        """
        if expected is None or self._is_behind():
            return
        at_once = now or self._leaves_at_once()
        credit = self._preview_cancellation(now)["credit"] if at_once else 0.0
        if self.currency_id.compare_amounts(expected, credit):
            raise PreviewMismatch(self.env._(
                "The amount has changed since it was shown. Look at it again, then confirm."))

    def _catch_up(self):
        """Do what the run has not come to yet: bill the periods that have begun, end what is over.

        What comes after starts from days that are billed.
        """
        self.ensure_one()
        while self.state in self._BILLED_STATES and self.next_date <= self._today():
            self._renew()
        if self.state in self._LIVE_STATES and self._is_past_end():
            self._end(reason="term")

    def _check_not_past_end(self):
        """Refuse to act on a contract that the run is about to end.

        :raise UserError: the contract is over
        """
        if self._is_past_end():
            raise UserError(self.env._(
                "%(subscription)s ended on %(date)s. Subscribe anew to go on.",
                subscription=self.name, date=format_date(self.env, self.end_date)))

    def _check_not_held(self):
        """Refuse to act on a subscription that waits for staff.

        :raise UserError: staff have to mend something before anything is billed or credited
        """
        if self.is_held:
            raise UserError(self.env._(
                "%(subscription)s is on hold until our staff have completed what its next "
                "invoice needs. Try again once it is released.", subscription=self.name))

    def _void_uninvoiced(self):
        """Void the period whose order was never invoiced: nothing is due, nothing is given back."""
        # sudo: rows are written by the engine only
        waiting = self.sudo().period_ids.filtered(lambda period: period.state == "to_invoice")
        waiting.state = "void"
        return waiting

    def _leave_order(self, uninvoiced):
        """Cancel the order when all it sold is this subscription; else take the latter off it.

        :param uninvoiced: the first period, when the order was yet to bill it: a down payment on
            it is given back, unless what was paid is kept
        """
        order, others = self._order_and_others()
        if others and uninvoiced:
            own = self.sale_line_id.sudo() + self.sale_line_id.sudo().linked_line_ids
            own.product_uom_qty = 0.0
            order.message_post(body=self.env._(
                "%(subscription)s was cancelled before its invoice, and is taken off the order. "
                "Look at the discounts and draft invoices that it was part of.",
                subscription=self.name))
        elif order.state == "sale" and not others:
            order.locked = False
            order._action_cancel()  # gives down payments back

    def _order_and_others(self):
        """Return the order of the subscription, and what else it sells."""
        own = self.sudo().sale_line_id  # sudo: the subscription's own order
        order = own.order_id
        own += own.linked_line_ids
        return order, order.order_line.filtered(
            lambda line: not line.display_type and not line.is_downpayment
            and not line._lowers_other_lines()) - own

    def _down_payments(self):
        """Return the posted invoices of down payments on the subscription's own order of which
        credit notes have left something."""
        # sudo: the subscription's own order
        return self.sudo().sale_line_id.order_id._down_payments_left()

    def _down_payment_kept(self):
        """Return what was invoiced ahead and stays with the seller, for the mail that says so."""
        self.ensure_one()
        billed = self.sudo().period_ids.filtered("invoice_id")  # sudo: the customer's own
        if billed or self.cancel_policy != "none":
            return 0.0
        return sum(invoice._left_to_credit() for invoice in self._down_payments())

    def _end(self, reason="term", tell=True):
        """End what runs: → ended. What was paid for is over.

        :param bool tell: send the customer its mail; else the caller does
        """
        if not self:
            return
        self._drop_planned_change()
        for subscription in self:
            if not subscription.end_date:
                subscription.end_date = subscription.next_date
        self._transition("end", "ended", self._LIVE_STATES, note=reason, resume_date=False,
                         is_held=False, hold_reason=False)
        if reason in ("term", "cancel"):
            self._bill_remaining_usage()
        if tell:
            self._send_mail("subscription_billing.mail_template_ended")

    def _bill_remaining_usage(self):
        """Extension point: invoice what subscriptions that end used and no renewal will bill.

        :return: the posted ``account.move`` records
        """
        return self._invoice_model().browse()

    def _withdraw_cancellation(self):
        """Withdraw a cancellation that has not taken effect.

        :raise UserError: nothing was cancelled, or it has taken effect
        """
        self.ensure_one()
        self._check_state(*self._LIVE_STATES)
        if not self.end_date:
            raise UserError(self.env._(
                "%(subscription)s is not cancelled.", subscription=self.name))
        self._check_not_past_end()
        before = self._standing()
        self.end_date = False
        self._log_events("keep", before)
        self._send_mail("subscription_billing.mail_template_goes_on")

    # Pause ---------------------------------------------------------------------------------------

    def _pause(self, resume_date=False):
        """Pause: active → paused. The service stops at once; the days from tomorrow are credited.

        Today is used, as in a cancellation, and no day is billed later. A contract that ends
        within the pause ends on its day all the same.

        :param date resume_date: first day of the service again, or False until asked for
        :raise WrongState: not active: pay what is due first
        :raise UserError: held, or no day is left to pause
        """
        self.ensure_one()
        self._check_state("active")
        self._check_not_held()
        self._check_not_past_end()
        self._catch_up()
        day = self._today() + timedelta(days=1)
        if self.end_date and self.end_date <= day:
            raise UserError(self.env._(
                "%(subscription)s ends on %(date)s: there is no day left to pause.",
                subscription=self.name, date=format_date(self.env, self.end_date)))
        if resume_date and resume_date < day:
            raise UserError(self.env._("Choose a day after today."))
        self._drop_planned_change()
        self._cut_short(day)._subscription_queue_mail()
        self._transition("pause", "paused", ("active",), next_date=min(day, self.next_date),
                         resume_date=resume_date)
        self._send_mail("subscription_billing.mail_template_paused")

    def _resume(self):
        """Resume: paused → active from today. A new period starts, the pause is not billed.

        :raise UserError: held, or the contract ended within the pause
        """
        self.ensure_one()
        self._check_state("paused")
        self._check_not_held()
        self._check_not_past_end()
        self._leave_pause()
        if self.next_date <= self._today():
            self._renew()
        self._send_mail("subscription_billing.mail_template_goes_on")

    def _leave_pause(self):
        """Leave the pause: → active, or past due when an invoice is chased."""
        paused = self.filtered(lambda subscription: subscription.state == "paused")
        for subscription in paused:
            subscription._transition(
                "resume", "active", ("paused",), resume_date=False,
                **subscription._restart_day())
        paused.filtered(lambda subscription: subscription.period_ids.filtered(
            lambda period: period.state == "invoiced" and period.dunning_start)
        )._mark_past_due()

    def _restart_day(self):
        """Prepare values that start the periods anew today, the days between being free."""
        day = max(self._today(), self.next_date)
        if day > self.next_date:
            self._create_free_period("pause", self.next_date, day)
        return {"anchor_date": day, "next_date": day}

    # Payment -------------------------------------------------------------------------------------

    def _mark_past_due(self, note=False):
        """Mark: active → past_due, when an invoice was not paid in time or its charge failed."""
        active = self.filtered(lambda subscription: subscription.state == "active")
        if active:
            active._transition("past_due", "past_due", ("active",), note=note)

    def _suspend(self, note=False):
        """Suspend: past_due → suspended. The service is off until the invoices are paid."""
        self._transition("suspend", "suspended", ("past_due", "active"), note=note)
        self._send_mail("subscription_billing.mail_template_suspended")

    def _recover(self):
        """Recover: past_due or suspended → active, when nothing is unpaid any more.

        Days without the service are not billed: periods start anew on the day of the payment. A
        contract that is over by then ends instead.
        """
        over = self.filtered(lambda subscription: subscription._is_past_end())
        over._end(reason="term")
        for subscription in self - over:
            restart = {}
            was_suspended = subscription.state == "suspended"
            if was_suspended and subscription.next_date < subscription._today():
                restart = subscription._restart_day()
            subscription._transition("recover", "active", ("past_due", "suspended"), **restart)
            if was_suspended:
                subscription._send_mail("subscription_billing.mail_template_reactivated")

    # Data that invoices need ---------------------------------------------------------------------

    def _missing_data(self):
        """Say why no invoice can be made for this customer; None when it can.

        An invoice is booked at an exchange rate, which must be known; it names its customer's
        address (CGI, annex II, art. 242 nonies A) and, for a business in another member state, its
        VAT number (Directive 2006/112/EC, art. 226).
        """
        self.ensure_one()
        partner = self.partner_invoice_id
        needed = [name for name in ("street", "city", "country_id") if not partner[name]]
        if needed:
            labels = partner.fields_get(needed, ["string"])
            return self.env._(
                "%(customer)s: the invoice needs an address. Missing: %(fields)s.",
                customer=partner.display_name,
                fields=", ".join(labels[name]["string"] for name in needed))
        business = partner.commercial_partner_id
        country = self.company_id.account_fiscal_country_id
        if (business.is_company and not business.vat and business.country_id != country
                and business.country_id + country <= self.env.ref("base.europe").country_ids):
            return self.env._(
                "%(customer)s: a business in another country of the EU needs its VAT number on "
                "the invoice.", customer=business.display_name)
        return self._missing_rate()

    def _missing_rate(self):
        """Say that today's documents could not be booked for want of an exchange rate, or None."""
        return self.currency_id._missing_rate(self.company_id, self._today())

    def _check_rate(self):
        """Refuse what is billed or credited at once in a currency without a rate.

        :raise UserError: names currency, day and remedy
        """
        if missing := self._missing_rate():
            raise UserError(missing)

    def _hold(self, reason):
        """Keep out of the renewals until staff act, and tell them."""
        for subscription in self:
            subscription.write({"is_held": True, "hold_reason": reason})
            staff = subscription._for_staff()
            staff._notify_staff(
                staff.env._("Renewal held: %(subscription)s", subscription=staff.name), reason)
        self._log_events("hold", note=reason[:200])

    def action_release(self):
        """Release what was held, once staff have mended what was missing: the next run bills it."""
        held = self._by_staff().filtered("is_held")
        held.write({"is_held": False, "hold_reason": False})
        held._log_events("release")
        # sudo: the queue belongs to the system
        self.env.ref("subscription_billing.ir_cron_renew").sudo()._trigger()
        return True

    def _responsible(self):
        return self.user_id or self.env.ref("base.user_admin")

    def _for_staff(self):
        """Return the subscription in the language of whoever is responsible: a cron has its own."""
        return self.with_context(lang=self._responsible().lang)

    def _notify_staff(self, summary, note="", kind="mail.mail_activity_data_todo", day=None):
        """Schedule an activity for whoever is responsible of the subscription.

        :param str note: plain text: it may hold the name of a customer
        :param date day: by when, today by default
        """
        self.activity_schedule(
            kind, summary=summary, note=escape(note or ""), user_id=self._responsible().id,
            date_deadline=day)

    def _notify_next_invoice(self):
        self._close_next_invoice()
        for subscription in self:
            staff = subscription._for_staff()
            staff._notify_staff(staff.env._(
                "Follow up the next invoice of %(subscription)s on %(date)s",
                subscription=staff.name, date=format_date(staff.env, staff.next_date)),
                day=staff.next_date, kind=NEXT_INVOICE)

    def _close_next_invoice(self):
        """Take away the to-dos about the next invoice: another one follows, none, or a card
        pays it."""
        # sudo: whoever pays, pauses or ends, these to-dos are the engine's
        self.sudo().activity_search([NEXT_INVOICE]).unlink()

    def _notify_unpaid(self):
        for subscription in self:
            staff = subscription._for_staff()
            staff._notify_staff(
                staff.env._("Unpaid: %(subscription)s", subscription=staff.name), kind=UNPAID)

    def _notify_payment_failed(self, reason):
        staff = self._for_staff()
        staff._notify_staff(
            staff.env._("Payment failed: %(subscription)s", subscription=staff.name), reason,
            kind=UNPAID)

    def _close_unpaid(self):
        """Close the to-dos about what was unpaid."""
        for activity in self.activity_search([UNPAID]):
            speaking = activity.with_context(lang=activity.user_id.lang)
            speaking.action_feedback(feedback=speaking.env._("Nothing is unpaid any more."))

    def _send_mail(self, template):
        """Tell the customers, once each; queued, sent after the commit."""
        if self:
            # sudo: whoever acts, the customer is told
            self.env.ref(template).sudo().send_mail_batch(self.ids)
            # sudo: the mail queue belongs to the system
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
