from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date, format_datetime

from ..tools.feedback import say

STAFF = "base.group_user"  # the customer, who reads their periods, is told less of a refusal


class SubscriptionPeriod(models.Model):
    """The part of an unpaid period that a person works on: why, what comes next, what to do."""

    _inherit = "subscription.period"

    unpaid_reason = fields.Text(
        string="Why it is unpaid", compute="_compute_unpaid", groups=STAFF,
        help="What the bank said of the last charge, in words; or that nobody has paid.")
    dunning_next_step = fields.Text(
        string="What comes next", compute="_compute_unpaid", groups=STAFF,
        help="The next step of the dunning policy: its day and what is done on it.")
    card_asked_at = fields.Datetime(related="subscription_id.card_asked_at", groups=STAFF)
    partner_email = fields.Char(related="partner_id.email", string="E-mail", groups=STAFF)
    partner_phone = fields.Char(related="partner_id.phone", string="Phone", groups=STAFF)
    token_id = fields.Many2one(
        related="subscription_id.token_id", string="Saved card", groups=STAFF)
    attempts_sentence = fields.Text(
        string="Attempts to pay", compute="_compute_attempts_sentence", groups=STAFF,
        help="Each charge and each payment that the customer tried, the newest first.")

    @api.depends("state", "charge_at", "dunning_start", "dunning_next_date",
                 "transaction_ids.state", "invoice_id.transaction_ids.state")
    @api.depends_context("lang", "tz")
    def _compute_unpaid(self):
        for period in self:
            unpaid = period.state == "invoiced"
            # sudo: what became of the charges of a period is for whoever may see the period
            period.unpaid_reason = unpaid and period.sudo()._why_unpaid()
            period.dunning_next_step = unpaid and period.sudo()._next_step_sentence()

    def _compute_attempts_sentence(self):
        states = dict(self.env["payment.transaction"]._fields["state"]._description_selection(
            self.env))
        for period in self:
            period.attempts_sentence = "\n".join(
                " – ".join([
                    format_date(period.env, each.last_state_change or each.create_date),
                    each.currency_id.format(each.amount),
                    each.token_id.display_name or each.provider_id.name,
                    each._refusal_for_staff() if each.state in ("error", "cancel")
                    else states[each.state]])
                for each in period.sudo()._attempts().sorted("id", reverse=True))
            # sudo: as in _compute_unpaid

    def _attempts(self):
        """Return the payments of the invoice that were begun, but for those nobody refused and
        that another one took the place of."""
        self.ensure_one()
        return (self.transaction_ids | self.invoice_id.transaction_ids).filtered(
            lambda each: not each.is_given_up and each.operation != "refund")

    def _last_refusal(self):
        """Return the last payment of the invoice that the bank refused, or none."""
        self.ensure_one()
        return self._attempts().filtered(
            lambda each: each.state in ("error", "cancel")).sorted("id")[-1:]

    def _why_unpaid(self):
        """Say why the invoice is unpaid, for staff; None while nobody was to pay it yet."""
        self.ensure_one()
        if refused := self._last_refusal():
            day = format_date(self.env, refused.last_state_change)
            card = refused.token_id.display_name or refused.provider_id.name
            reason = self.env._("%(reason)s (%(card)s, %(date)s)", card=card, date=day,
                                reason=refused._refusal_for_staff())
        elif self.dunning_start:
            reason = self.env._(
                "Nobody has paid it: it was due on %(date)s, and no saved card is charged.",
                date=format_date(self.env, self.invoice_id.invoice_date_due))
        else:
            return None
        return "\n".join(filter(None, [reason, self.dunning_error]))

    def _next_step_sentence(self):
        """Say what happens next, by itself, and when; None: nothing is chased."""
        self.ensure_one()
        if payment := self._payment_under_way():
            return self.env._(
                "Nothing until the provider has answered: the payment %(reference)s is under "
                "way.", reference=payment.reference)
        if self.charge_at:
            if self.charge_at <= fields.Datetime.now():
                return self.env._("The card is charged within minutes.")
            return self.env._("The card is charged on %(date)s.", date=format_datetime(
                self.env, self.charge_at, dt_format="short"))
        if not self.dunning_start:
            return None
        step = self._dunning_ahead()[:1]
        if not step:
            return self.env._("No step is left: it is up to you.")
        return self.env._("%(date)s: %(actions)s", date=format_date(
            self.env, self.dunning_next_date), actions=self._step_label(
                step, step.retry and not self._why_not_to_charge(), ahead=True) or "–")

    # What staff do ------------------------------------------------------------------------------

    def action_charge_now(self):
        """Charge the saved cards again, and say what came of it.

        One is charged while its user waits. Several are queued, as banks take seconds each, and
        those that must not be charged are named with the reason.

        :raise UserError: why none of them is charged
        """
        self.subscription_id._by_staff()
        reasons = {period: period._why_not_to_charge() for period in self.sudo()}
        # sudo: see _by_staff
        chargeable = self.sudo().filtered(lambda period: not reasons[period])
        left = [f"{period.partner_id.name} – {reasons[period]}" for period in self.sudo()
                if reasons[period]]
        if not chargeable:
            raise UserError("\n".join(left))
        chargeable._charge_again()
        if len(self) == 1:
            return self.sudo()._say_charged(self.sudo()._charge_at_once())
        done = self.env._(
            "Charges asked for: %(count)s. Their result is here within minutes.",
            count=len(chargeable))
        return say("\n".join([done, *left]), "warning" if left else "success")

    def _say_charged(self, refusal):
        """Say what came of a charge that was made while its user waited."""
        if self.state == "paid":
            return say(self.env._(
                "%(customer)s has paid %(invoice)s.", customer=self.partner_id.name,
                invoice=self.invoice_id.name))
        if refusal and self._last_refusal():
            return say(self._why_unpaid(), "warning", self.env._("Refused again"))
        return say(refusal or self._next_step_sentence() or "", "info")

    def action_ask_for_card(self):
        """Ask the customers for a new card by mail; see ``subscription.subscription``."""
        return self.subscription_id.action_ask_for_card()

    def action_open_subscription(self):
        """Open the subscription of the period."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window", "res_model": "subscription.subscription",
            "res_id": self.subscription_id.id, "views": [(False, "form")],
        }

    @api.model
    def _chased_domain(self):
        """Return the domain of the periods that somebody should pay and is chased for."""
        return [("state", "=", "invoiced"), ("dunning_start", "!=", False)]

    def _chased_sentences(self):
        """Say of each of these periods what is due, why, and what comes next.

        :return: str of a line or two each
        """
        lines = []
        for period in self.sudo():  # sudo: as in _compute_unpaid
            due = period.currency_id.format(period.invoice_id.amount_residual)
            lines.append(" – ".join(filter(None, [
                self.env._("%(invoice)s, %(amount)s left to pay", amount=due,
                           invoice=period.invoice_id.name), period.unpaid_reason])))
            if period.dunning_next_step:
                lines.append(self.env._(
                    "Next step: %(step)s", step=period.dunning_next_step))
        return "\n".join(lines)

