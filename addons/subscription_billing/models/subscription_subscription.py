from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_date

from odoo.addons.concurrency_base.tools import as_engine, is_engine

from ..exceptions import WrongState
from ..tools import civil
from .subscription_plan import CANCEL_POLICIES

STATES = [
    ("draft", "Draft"),
    ("upcoming", "Upcoming"),
    ("trial", "Trial"),
    ("active", "Active"),
    ("past_due", "Past due"),
    ("suspended", "Suspended"),
    ("paused", "Paused"),
    ("ended", "Ended"),
]


class Standing(NamedTuple):
    """What the history compares before and after a change of a subscription."""

    state: str
    mrr: float


class SubscriptionSubscription(models.Model):
    """A customer's contract for a plan: what to bill next, and what was billed.

    Its other parts stand in files of their own: ``…_lifecycle`` (states), ``…_renewal`` (the next
    period), ``…_change`` (plan, cycle, quantity), ``…_outstanding_credit`` (money in favour).
    """

    _name = "subscription.subscription"
    _description = "Subscription"
    _inherit = ["portal.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    _LIVE_STATES = ("upcoming", "trial", "active", "past_due", "suspended", "paused")
    _BILLED_STATES = ("upcoming", "trial", "active", "past_due")  # a next period is ahead
    _SERVED_STATES = ("trial", "active", "past_due")  # the service is on
    # What staff write by hand: all other fields are the engine's. What is agreed is written
    # until the start, and changed by the engine's methods afterwards.
    _BY_HAND = frozenset((
        "user_id", "partner_invoice_id", "unit_price", "discount", "end_date", "commitment_end",
        "resume_date", "token_id", "backlog_confirmed", "cancel_policy", "trial_needs_card",
        "payment_term_id"))
    _TERMS = frozenset((
        "partner_id", "company_id", "plan_id", "price_id", "quantity", "anchor_date", "tz",
        "trial_days", "commitment_months", "setup_fee"))
    _BY_MANAGER = frozenset((
        "unit_price", "discount", "trial_days", "commitment_months", "commitment_end",
        "setup_fee", "cancel_policy", "trial_needs_card", "payment_term_id"))

    name = fields.Char(string="Number", readonly=True, copy=False, index="trigram")
    state = fields.Selection(
        STATES, required=True, readonly=True, default="draft", index=True, copy=False)
    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, index=True, ondelete="restrict")
    commercial_partner_id = fields.Many2one(
        related="partner_id.commercial_partner_id", store=True, precompute=True, index=True)
    partner_invoice_id = fields.Many2one(
        "res.partner", string="Invoice address", ondelete="restrict", required=True,
        compute="_compute_partner_invoice_id", store=True, readonly=False, precompute=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company)
    user_id = fields.Many2one(
        "res.users", string="Responsible", default=lambda self: self.env.user,
        domain="[('share', '=', False)]", help="Is told when something needs a person.")
    plan_id = fields.Many2one(
        "subscription.plan", required=True, index=True, ondelete="restrict")
    family_id = fields.Many2one(related="plan_id.family_id")
    price_id = fields.Many2one(
        "subscription.plan.price", required=True, ondelete="restrict",
        domain="[('plan_id', '=', plan_id)]", index=True)
    currency_id = fields.Many2one(related="price_id.currency_id", store=True, precompute=True)
    quantity = fields.Integer(required=True, default=1, help="Seats, or units of the plan.")
    served_plan_id = fields.Many2one(
        "subscription.plan", string="Served as", readonly=True, copy=False, ondelete="restrict",
        help="The plan whose service the customer has while an upgrade waits for its money; "
        "empty: the plan itself.")
    served_quantity = fields.Integer(readonly=True, copy=False)
    unit_price = fields.Monetary(
        compute="_compute_unit_price", store=True, readonly=False, precompute=True,
        help="Of one unit for the interval, as agreed with this customer.")
    discount = fields.Float(
        string="Discount (%)", digits="Discount",
        help="Of the price, on every invoice, until the plan or the cycle changes.")
    agreed_on = fields.Date(
        string="Price agreed on", readonly=True, copy=False,
        help="Prices announced for later days take the place of the agreed one.")
    trial_days = fields.Integer(
        string="Trial (days)", compute="_compute_terms_at_start", store=True, readonly=False,
        precompute=True, help="Free days at the start, when this customer may still have them.")
    commitment_months = fields.Integer(
        string="Commitment (months)", compute="_compute_terms_at_start", store=True,
        readonly=False, precompute=True,
        help="From the first paid day: months before the customer can leave.")
    setup_fee = fields.Monetary(
        compute="_compute_terms_at_start", store=True, readonly=False, precompute=True,
        help="On the first invoice of the subscription; 0 when an order has charged it.")
    cancel_policy = fields.Selection(
        CANCEL_POLICIES, string="When cancelled at once", required=True, tracking=True,
        compute="_compute_terms_at_start", store=True, readonly=False, precompute=True,
        help="What is given back then, as agreed with this customer.")
    trial_needs_card = fields.Boolean(
        string="Trial ends without card", compute="_compute_terms_at_start", store=True,
        readonly=False, precompute=True, tracking=True,
        help="Without a saved means of payment the trial ends; otherwise it is followed by a "
        "first invoice.")
    payment_term_id = fields.Many2one(
        "account.payment.term", string="Payment term", ondelete="restrict", tracking=True,
        compute="_compute_terms_at_start", store=True, readonly=False, precompute=True,
        help="Of invoices that no saved card pays, when the customer has no term of their own.")
    mrr = fields.Monetary(
        string="MRR", compute="_compute_mrr", store=True,
        help="Monthly recurring revenue, in the subscription's currency.")
    tz = fields.Selection(
        "_tz_get", string="Timezone", required=True, compute="_compute_tz", store=True,
        readonly=False, precompute=True, help="Days are counted where the customer lives.")
    anchor_date = fields.Date(
        string="Start", copy=False,
        help="First day of the first period: every period starts a whole number of intervals "
        "after it: 31 January, 28 February, 31 March. Empty: the day the subscription is started. "
        "The plans of one order start on one day, each after its trial. A pause, a suspension or "
        "another cycle starts the periods anew, on the day the service is back or the cycle "
        "changes.")
    next_date = fields.Date(
        string="Next period", readonly=True, copy=False,
        help="First civil day that is not yet billed.")
    next_run_at = fields.Datetime(
        compute="_compute_next_run_at", store=True, readonly=True,
        help="When the scheduled action has something to do next: bill, resume or end (UTC).")
    trial_end = fields.Date(readonly=True, copy=False, help="First day after the trial.")
    trial_family_id = fields.Many2one(
        "subscription.family", readonly=True, copy=False, ondelete="restrict")
    # A number and no link: two customers who each had their trial may be merged, or become
    # contacts of one company, and both rows stand.
    trial_customer = fields.Integer(
        readonly=True, copy=False, help="Id of the customer at the moment the trial was given.")
    end_date = fields.Date(
        string="Ends on", copy=False, help="First day without the service.")
    commitment_end = fields.Date(
        string="Committed until", copy=False, help="First day the customer is free to leave.")
    resume_date = fields.Date(string="Resumes on", copy=False)
    is_held = fields.Boolean(
        string="Held", readonly=True, copy=False,
        help="Left out of the renewals until staff have mended what is missing.")
    hold_reason = fields.Char(
        readonly=True, copy=False, groups="base.group_user")  # for those who mend it
    token_id = fields.Many2one(
        "payment.token", string="Means of payment", copy=False, ondelete="restrict",
        help="Charged at each renewal; empty: the customer pays each invoice.")
    sale_line_id = fields.Many2one(
        "sale.order.line", readonly=True, copy=False, ondelete="restrict")
    sale_order_id = fields.Many2one(related="sale_line_id.order_id")
    backlog_count = fields.Integer(
        compute="_compute_backlog_count",
        help="Invoices made at once when the subscription starts in the past.")
    backlog_confirmed = fields.Boolean(string="Bill the past periods", copy=False)
    period_ids = fields.One2many("subscription.period", "subscription_id", string="Periods")
    event_ids = fields.One2many("subscription.event", "subscription_id", string="History")
    notice_ids = fields.One2many("subscription.notice", "subscription_id", string="Notices")
    change_ids = fields.One2many("subscription.change", "subscription_id", string="Changes")
    planned_change_id = fields.Many2one(
        "subscription.change", compute="_compute_ahead", string="Planned change")
    next_total = fields.Monetary(
        compute="_compute_ahead", string="Next invoice", help="Tax included.")
    next_overage = fields.Monetary(
        compute="_compute_ahead", string="Beyond the limits so far",
        help="Tax included; billed on top of the next invoice.")
    invoice_count = fields.Integer(compute="_compute_invoice_count")
    dunning_next_date = fields.Date(compute="_compute_dunning_next_date", string="Next step")

    _quantity_positive = models.Constraint(
        "CHECK(quantity > 0)", "A subscription is for one unit at least.")
    _price_not_negative = models.Constraint(
        "CHECK(unit_price >= 0 AND setup_fee >= 0)",
        "The price and the setup fee of a subscription cannot be negative.")
    _discount_is_a_share = models.Constraint(
        "CHECK(discount IS NULL OR discount <= 100)", "A discount is 100 % at most.")
    _terms_not_negative = models.Constraint(
        "CHECK(trial_days >= 0 AND commitment_months >= 0)",
        "Days of trial and months of commitment are whole numbers, 0 for none.")
    _has_next_period = models.Constraint(
        "CHECK(state IN ('draft', 'ended') OR (anchor_date IS NOT NULL"
        " AND next_date IS NOT NULL))",
        "A running subscription knows its start and its next period.")
    _sale_line_once = models.UniqueIndex(
        "(sale_line_id) WHERE sale_line_id IS NOT NULL",
        "This order line already has its subscription.")
    _trial_once = models.UniqueIndex(
        "(trial_customer, trial_family_id) WHERE trial_family_id IS NOT NULL",
        "This customer has already tried a plan of this family.")
    _by_number = models.UniqueIndex(  # as programs name it
        "(name, company_id)", "Another subscription has this number.")
    _due = models.Index("(next_run_at, id) WHERE next_run_at IS NOT NULL AND NOT is_held")

    @api.model
    def _tz_get(self):
        return self.env["res.partner"]._fields["tz"]._description_selection(self.env)

    @api.depends("partner_id")
    def _compute_partner_invoice_id(self):
        for subscription in self:
            subscription.partner_invoice_id = (
                subscription.partner_id.address_get(["invoice"])["invoice"]
                if subscription.partner_id else False)

    @api.depends("price_id")
    def _compute_unit_price(self):
        """Propose the price on offer on the first day, or today when that day is past."""
        for subscription in self:
            day = fields.Date.context_today(subscription)
            day = max(subscription.anchor_date or day, day)
            subscription.unit_price = subscription.price_id and (
                subscription.price_id._amount_on(day))

    @api.depends("price_id")
    def _compute_terms_at_start(self):
        """Propose the terms of the plan. What was agreed by the start is never read from it
        again: see ``subscription.plan`` for which terms are agreed."""
        for subscription in self:
            price = subscription.price_id
            terms = {**subscription._prepare_start_terms(price),
                     **subscription._prepare_lasting_terms(price)}
            if subscription.state != "draft":
                terms = {name: subscription[name] for name in terms}
            subscription.update(terms)

    @api.depends("partner_id", "company_id")
    def _compute_tz(self):
        for subscription in self:
            subscription.tz = (
                subscription.tz or subscription.partner_id.tz
                or subscription.company_id.partner_id.tz or "Europe/Paris")

    @api.depends("state", "unit_price", "discount", "quantity", "price_id", "end_date")
    def _compute_mrr(self):
        for subscription in self:
            counts = (subscription.state in ("active", "past_due") and subscription.price_id
                      and not subscription._is_gift())
            subscription.mrr = counts and subscription.price_id._per_month(
                subscription._per_interval(subscription._prepare_terms()))

    @api.depends("state", "next_date", "end_date", "resume_date", "tz")
    def _compute_next_run_at(self):
        for subscription in self:
            subscription.next_run_at = subscription._next_moment()

    def _next_moment(self):
        """Return when the next day begins where the customer lives (UTC); see :meth:`_next_day`."""
        day = self._next_day()
        return day and civil.utc_midnight(day, self.tz)

    def _next_day(self):
        """Return the civil day on which something happens by itself next; False: nothing is ahead.

        A period is billed, a pause ends, or the contract does, whatever its state.
        """
        self.ensure_one()
        if self.state not in self._LIVE_STATES:
            return False
        days = [self.end_date]
        if self.state in self._BILLED_STATES:
            days.append(self.next_date)
        elif self.state == "paused":
            days.append(self.resume_date)
        return min(filter(None, days), default=False)

    @api.depends("anchor_date", "price_id", "state", "tz")
    def _compute_backlog_count(self):
        for subscription in self:
            subscription.backlog_count = (
                subscription.state == "draft" and subscription.anchor_date
                and subscription.price_id and subscription._count_backlog())

    @api.depends("change_ids.state", "state", "next_date", "unit_price", "quantity")
    def _compute_ahead(self):
        for subscription in self:
            subscription.planned_change_id = subscription._planned_change()
            ahead = subscription._preview_next_invoice()
            beyond = ahead and subscription._preview_usage()
            subscription.next_total = ahead["total"] if ahead else 0.0
            subscription.next_overage = beyond["total"] if beyond else 0.0

    @api.depends("period_ids.invoice_id")
    def _compute_invoice_count(self):
        for subscription in self:
            subscription.invoice_count = len(subscription._documents())

    @api.depends("period_ids.dunning_next_date")
    def _compute_dunning_next_date(self):
        for subscription in self:
            ahead = subscription.period_ids.filtered("dunning_next_date")
            subscription.dunning_next_date = min(
                ahead.mapped("dunning_next_date"), default=False)

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for subscription in self:
            subscription.access_url = f"/my/subscriptions/{subscription.id}"
        return result

    @api.constrains("price_id", "plan_id")
    def _check_price_of_plan(self):
        for subscription in self:
            if subscription.price_id.plan_id != subscription.plan_id:
                raise ValidationError(self.env._(
                    "“%(price)s” is not a price of “%(plan)s”. Choose one of its own prices.",
                    price=subscription.price_id.display_name, plan=subscription.plan_id.name))

    @api.constrains("token_id", "partner_id", "company_id")
    def _check_token_of_customer(self):
        for subscription in self.sudo():  # sudo: tokens are readable by their owner only
            owner = subscription.token_id.partner_id.commercial_partner_id
            if subscription.token_id and owner != subscription.commercial_partner_id:
                raise ValidationError(self.env._(
                    "The means of payment of %(subscription)s belongs to another customer.",
                    subscription=subscription.name or subscription.partner_id.name))
            if subscription.token_id.company_id not in (
                    subscription.company_id, self.env["res.company"]):
                raise ValidationError(self.env._(
                    "The means of payment of %(subscription)s was saved for %(other)s. Choose "
                    "one of %(company)s.", subscription=subscription.name,
                    other=subscription.token_id.company_id.name,
                    company=subscription.company_id.name))

    @api.onchange("plan_id")
    def _onchange_plan_id(self):
        if self.price_id.plan_id != self.plan_id:
            self.price_id = self.plan_id.price_ids[:1]

    @api.model_create_multi
    def create(self, vals_list):
        """Give new subscriptions a number; only the engine sets the engine's fields."""
        sequence = self.env["ir.sequence"].sudo()  # sudo: the system gives it, whoever subscribes
        for vals in vals_list:
            self._check_by_engine(vals)
            self._check_by_manager(vals.keys())
            vals.setdefault("name", sequence.next_by_code("subscription.subscription"))
        numbered = super(SubscriptionSubscription, as_engine(self)).create(vals_list)
        return numbered.with_env(self.env)

    def write(self, vals):
        """Refuse to write by hand what decides what is billed."""
        self._check_by_manager(vals.keys())
        if vals.get("token_id") or vals.get("state") in ("paused", "ended"):
            self._close_next_invoice()
        if vals.keys() & self._TERMS and not is_engine(self.env) and any(
                subscription.state != "draft" for subscription in self):
            raise AccessError(self._engine_refusal(self._engine_labels(vals.keys() & self._TERMS)))
        if self.env.su or not vals.keys() & {"unit_price", "discount"}:
            return super().write(vals)
        before = self._standing()
        result = super().write(vals)
        self._note_agreed_by_hand(before)
        return result

    def _note_agreed_by_hand(self, before):
        """Let a price that staff agreed with the customer stand until another one is announced.

        What was announced before is given up.

        :param dict before: the :meth:`_standing` before the price was written
        """
        running = self.filtered(lambda subscription: subscription.state != "draft")
        for subscription in running.sudo():  # sudo: the right to write the price was checked
            days = subscription.notice_ids.filtered(lambda notice: notice.kind == "price").mapped(
                "day")
            subscription.agreed_on = max([subscription._today(), *days])
        running._log_events("price", before)

    @api.model
    def _by_hand(self):
        """Return the names of the fields that people write, in some state at least.

        Extension point: all other fields are the engine's.
        """
        return self._BY_HAND | self._TERMS | (
            self.env["mail.thread"]._fields.keys() | self.env["mail.activity.mixin"]._fields.keys())

    @api.model
    def _by_manager(self):
        """Return the names of those that managers alone write. Extension point."""
        return self._BY_MANAGER

    @api.model
    def _is_engine_field(self, name):
        return name in self._fields and name not in self._by_hand()

    @api.model
    def _engine_refusal(self, labels):
        return self.env._(
            "%(fields)s cannot be written by hand. Use the buttons of the subscription: "
            "Start, Change, Pause, Cancel.", fields=labels)

    def _check_by_manager(self, names):
        """Refuse prices and terms that somebody else than a manager gives.

        :raise AccessError: naming them
        """
        names = names & self._by_manager()
        if names and not is_engine(self.env) and not self.env.user.has_group(
                "subscription_billing.group_subscription_manager"):
            raise AccessError(self.env._(
                "%(fields)s: only subscription managers change them. Ask one of them.",
                fields=self._engine_labels(names)))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_started(self):
        if started := self.filtered(lambda subscription: subscription.state != "draft"):
            raise UserError(self.env._(
                "%(subscription)s has a history and cannot be deleted. Cancel it instead.",
                subscription=started[0].name))

    @api.model
    def _refuse_while(self, domain, sentence):
        """Refuse to take away what subscriptions stand on.

        :param domain: of the subscriptions that stand on it, in whatever company
        :param str sentence: why it is refused, and what to do first
        :raise UserError: there are some; the sentence, then their numbers and customers
        """
        # sudo: those of companies the user does not see stand on it, too
        found = self.sudo().search(domain, limit=21)
        if found:
            names = [f"{each.name} ({each.partner_id.name})" for each in found[:20]]
            raise UserError("\n".join([sentence, *names, *(["…"] if len(found) > 20 else [])]))

    # Actions of staff ---------------------------------------------------------------------

    def _by_staff(self):
        """Return the subscriptions as the engine sees them, for a user who may write them.

        :raise AccessError: the user may not
        """
        self.check_access("write")
        return self.sudo()  # sudo: the right was just checked; the engine writes more than it

    def action_pause(self):
        """Pause the service from today; the days from tomorrow are credited."""
        for subscription in self._by_staff():
            subscription._pause()

    def action_resume(self):
        """Resume the service: a new period starts today."""
        for subscription in self._by_staff():
            subscription._resume()

    def action_keep(self):
        """Withdraw a cancellation that has not taken effect."""
        for subscription in self._by_staff():
            subscription._withdraw_cancellation()

    def action_drop_change(self):
        """Give up the planned change."""
        self._by_staff()._drop_planned_change()

    def action_charge(self):
        """Charge the saved means of payment again for what is unpaid (agency case 3).

        :raise UserError: why not
        """
        self.period_ids.filtered(lambda period: period.state == "invoiced").action_charge()

    def action_view_invoices(self):
        """Open the invoices and credit notes of the subscription."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.action_move_out_invoice_type")
        documents = self._documents().sudo(False)._filtered_access("read")
        return {**action, "domain": [("id", "in", documents.ids)], "context": {}}

    def action_view_unpaid(self):
        """Open the unpaid periods that are chased."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.dunning_period_action")
        return {**action, "domain": [
            ("subscription_id", "=", self.id), ("dunning_start", "!=", False)]}

    def action_view_order(self):
        """Open the order that started the subscription."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window", "res_model": "sale.order",
            "res_id": self.sale_line_id.order_id.id, "views": [(False, "form")],
        }

    # Days --------------------------------------------------------------------------------

    def _today(self):
        """Return the civil day where the customer lives."""
        self.ensure_one()
        return civil.local_day(fields.Datetime.now(), self.tz)

    def _is_past_end(self):
        """Tell whether the contract is over by now, even if the scheduled action has not come."""
        self.ensure_one()
        return bool(self.end_date) and self.end_date <= self._today()

    def _interval(self):
        """Return anchor, unit and count: what the civil calendar needs to name periods."""
        self.ensure_one()
        return self.anchor_date, self.price_id.interval_unit, self.price_id.interval_count

    def _is_gift(self):
        """Tell whether a promotion gave it away, for a period that ends by itself."""
        self.ensure_one()
        line = self.sudo().sale_line_id  # sudo: the subscription's own order
        return bool(self.end_date and line) and line._is_given_by_promotion()

    def _end_of_first_period(self):
        """Return the first day after the period that would start today."""
        self.ensure_one()
        day = self._today()
        return civil.period_of(
            day, self.price_id.interval_unit, self.price_id.interval_count, day)[1]

    def _count_backlog(self):
        self.ensure_one()
        return civil.count_periods(*self._interval(), self._today())

    def _preview_usage(self):
        """Extension point: preview what was used by now and the next invoice will bill on top.

        :return: dict of untaxed, tax and total in the subscription's currency; None for nothing
        """
        self.ensure_one()

    # Events ------------------------------------------------------------------------------

    def _check_state(self, *allowed):
        """Check that the subscriptions are in one of these states.

        :raise WrongState: some of them are in another one
        """
        states = dict(self._fields["state"]._description_selection(self.env))
        for subscription in self:
            if subscription.state not in allowed:
                raise WrongState(self.env._(
                    "%(subscription)s is in the state “%(state)s”; this needs one of: "
                    "%(allowed)s.", subscription=subscription.name,
                    state=states[subscription.state],
                    allowed=", ".join(states[state] for state in allowed)))

    def _transition(self, kind, state, allowed, note=False, **vals):
        """Move the subscriptions to a state, and write it in their history.

        :param tuple allowed: states they may come from
        :param vals: what else changes with it
        :raise WrongState: one of them comes from elsewhere; nothing was written
        """
        self._check_state(*allowed)
        before = self._standing()
        self.write({"state": state, **vals})
        self._log_events(kind, before, note)

    def _standing(self):
        """Return state and MRR of each, for :meth:`_log_events` to compare with after a change.

        :return: dict of subscription to :class:`Standing`
        """
        return {each: Standing(each.state, each.mrr) for each in self}

    def _log_events(self, kind, before=None, note=False):
        """Append to the history.

        :param dict before: the :meth:`_standing` before the change; without it, nothing changed
        """
        before = {**self._standing(), **(before or {})}
        # sudo: the history follows from what was done, nobody writes it by hand
        return self.env["subscription.event"].sudo().create([{
            "subscription_id": subscription.id,
            "company_id": subscription.company_id.id,
            "currency_id": subscription.currency_id.id,
            "kind": kind,
            "note": note,
            "from_state": before[subscription].state,
            "to_state": subscription.state,
            "mrr_change": subscription.mrr - before[subscription].mrr,
        } for subscription in self])

    def _state_sentence(self):
        """Say what the state means for the customer, in a line."""
        self.ensure_one()
        if self.state == "ended" or self._is_past_end():
            return self.env._("This subscription is over.")
        if self.end_date and self.state not in ("draft", "upcoming"):
            return self._ending_sentence()
        day = format_date(self.env, self.next_date) if self.next_date else ""
        unpaid = self.period_ids.filtered(lambda period: period.state == "invoiced")
        waiting = self._open_invoices()
        moving = unpaid.filtered(lambda each: each.charge_at or each._payment_under_way())
        if moving and not waiting and self.state in ("active", "past_due", "suspended"):
            return self._under_way_sentence(moving)
        if self.state == "active" and waiting:
            return self._waiting_sentence(len(waiting), day)
        return {
            "draft": self.env._("Not started yet."),
            "upcoming": self._upcoming_sentence(),
            "trial": self.env._("Free until %(date)s.", date=day),
            "active": self.env._("All is well. Next invoice on %(date)s.", date=day),
            "past_due": self.env._("An invoice is unpaid. Pay it to keep the service."),
            "suspended": self.env._("The service is off until the invoices are paid."),
            "paused": self._paused_sentence(),
        }[self.state]

    def _ending_sentence(self):
        """Say what becomes of a contract with an end date ahead."""
        end = format_date(self.env, self.end_date)
        if self.state == "past_due":
            return self.env._(
                "An invoice is unpaid. Cancelled: the service ends on %(date)s.", date=end)
        if self.state == "suspended":
            return self.env._(
                "The service is off until the invoices are paid. Cancelled: it ends on "
                "%(date)s.", date=end)
        if self.state == "paused" and not self._resumes_before_end():
            return self.env._(
                "The service is off, and nothing is billed. The subscription ends on %(date)s.",
                date=end)
        if self.state == "paused":
            return self.env._(
                "The service is off until it resumes on %(date)s. Cancelled: it ends on "
                "%(end)s.", date=format_date(self.env, self.resume_date), end=end)
        return self.env._("Cancelled: the service stays on until %(date)s.", date=end)

    def _leaving_sentences(self, end):
        """Say what a cancellation leaves of the service and of its bills until it takes effect.

        The customer reads it before they confirm, and in the mail after.

        :param date end: first day without the contract; none: it goes on
        :return: list of str
        """
        self.ensure_one()
        if not end:
            return []
        date = format_date(self.env, end)
        if self.state == "paused" and not self._resumes_before(end):
            return [self.env._(
                "The service is off, and nothing is billed. The subscription ends on %(date)s.",
                date=date)]
        if self.state == "suspended":
            return [self.env._(
                "The service is off until the invoices are paid. The subscription ends on "
                "%(date)s.", date=date)]
        if self.state == "paused":
            service = self.env._(
                "The service is off until it resumes on %(date)s, and stays on until %(end)s.",
                date=format_date(self.env, self.resume_date), end=date)
        else:
            service = self.env._("The service stays on until %(date)s.", date=date)
        return [service, self._billing_until(end)]

    def _billing_until(self, end):
        """Say what is billed before the contract ends on `end`."""
        day = self.resume_date if self.state == "paused" else self._next_billed_day()
        if day >= end:
            return self.env._("Nothing more is billed.")
        return self.env._(
            "Until then it is billed as agreed: %(quantity)s × %(price)s, next on %(date)s.",
            quantity=self.quantity, price=self._price_label(day=day),
            date=format_date(self.env, day))

    def _resumes_before(self, end):
        return bool(self.resume_date) and (not end or self.resume_date < end)

    def _resumes_before_end(self):
        return self._resumes_before(self.end_date)

    def _upcoming_sentence(self):
        day = self.next_date and format_date(self.env, self.next_date)
        if self.trial_end:
            return self.env._(
                "Starts on %(date)s, and is free until %(end)s.", date=day,
                end=format_date(self.env, self.trial_end))
        return self.env._("Starts on %(date)s. Nothing is due before.", date=day)

    def _paused_sentence(self):
        if not self.resume_date:
            return self.env._("The service is off, and nothing is billed until you resume.")
        return self.env._(
            "The service is off, and nothing is billed until it resumes on %(date)s.",
            date=format_date(self.env, self.resume_date))

    def _waiting_sentence(self, count, day):
        if count == 1:
            return self.env._(
                "An invoice waits for your payment. The next one comes on %(date)s.", date=day)
        return self.env._(
            "%(count)s invoices wait for your payment. The next one comes on %(date)s.",
            count=count, date=day)

    def _under_way_sentence(self, unpaid):
        """Say that a payment is under way.

        :param unpaid: periods that are being charged or paid, all of them
        """
        amount = self.currency_id.format(sum(unpaid.invoice_id.mapped("amount_residual")))
        if not any(period._payment_under_way() for period in unpaid):
            return self.env._(
                "%(amount)s is about to be charged to your means of payment.", amount=amount)
        if self.state == "suspended":
            return self.env._(
                "Your payment of %(amount)s is under way. The service is on again as soon as it "
                "arrives.", amount=amount)
        return self.env._(
            "Your payment of %(amount)s is under way. There is nothing to do: a bank may take "
            "up to 14 business days.", amount=amount)

    # What the portal offers ---------------------------------------------------------------

    def _prices_to_change_to(self):
        """Return the prices on sale that may take the place of the present one."""
        self.ensure_one()
        # sudo: prices of the family are public to its subscribers
        plans = self.sudo().family_id.plan_ids.filtered(
            lambda plan: plan.active and (plan.is_published or plan == self.plan_id))
        return plans.price_ids.filtered(lambda price: price.currency_id == self.currency_id)

    def _invoices_to_pay(self, lock=False):
        """Return what the customer may pay by a new card now.

        That is all that is due, except what is about to be charged or being paid.

        :param bool lock: wait for whoever is charging or writing off, see ``_lock_rows``
        """
        self.ensure_one()
        if lock:
            # sudo: the customer's own; the portal checks its own access
            periods = self.sudo().period_ids.filtered(lambda period: period.state == "invoiced")
            periods._lock_rows()
            periods.invalidate_recordset()
        due = self._open_invoices().filtered(lambda invoice: invoice._has_to_be_paid())
        if due:  # with it, what was too little to be asked for
            due |= self._carried_invoices()
        return due.sorted("id")

    def _open_invoices(self):
        """Return the unpaid invoices that wait for the customer.

        They are neither about to be charged nor being paid, and not too small to be asked for.
        """
        self.ensure_one()
        # sudo: the customer's own; the portal checks its own access
        periods = self.sudo().period_ids.filtered(
            lambda period: period.state == "invoiced" and not period.charge_at
            and not period._payment_under_way())
        return (periods - periods._carried()).invoice_id.sorted("id")

    def _wants_token(self):
        """Tell whether a card just used or saved should pay the renewals.

        That is so when there is none, or it was refused or is about to expire.
        """
        self.ensure_one()
        last = self.env["payment.transaction"].search(
            [("subscription_period_id.subscription_id", "=", self.id),
             ("token_id", "=", self.token_id.id)], order="id desc", limit=1)
        return (not self.token_id.active or last.state in ("error", "cancel")
                or self.token_id._expires_soon())

    def _usable_tokens(self):
        """Return the saved means of payment that the user may have charged at renewals.

        They are the user's own and those of their company.
        """
        self.ensure_one()
        owners = self.env.user.partner_id + self.partner_id + self.commercial_partner_id
        # sudo: those of the customer's own company only are read
        return self.env["payment.token"].sudo().search([
            ("partner_id", "in", owners.ids),
            ("partner_id.commercial_partner_id", "=", self.commercial_partner_id.id),
            ("company_id", "in", [False, self.company_id.id])])
