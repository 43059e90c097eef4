from odoo import api, fields, models
from odoo.tools import format_date

from .subscription_plan import UPGRADE_POLICIES

STATES = [
    ("scheduled", "Planned"),
    ("done", "Done"),
    ("cancelled", "Given up"),
    ("taken_back", "Taken back"),  # its payment was refused
]
TIMINGS = [("now", "Now"), ("period_end", "At the end of the period")]


class SubscriptionChange(models.Model):
    """A change of plan, price, cycle or quantity: planned or done, with its exact amounts."""

    _name = "subscription.change"
    _description = "Change of a Subscription"
    _engine_only = True
    _order = "id desc"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, index=True,
        ondelete="restrict")
    company_id = fields.Many2one(related="subscription_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(
        related="subscription_id.currency_id", store=True, precompute=True)
    state = fields.Selection(STATES, required=True, readonly=True)
    timing = fields.Selection(TIMINGS, required=True, readonly=True)
    date = fields.Date(
        string="Takes effect", required=True, readonly=True, help="First day at the new price.")
    from_price_id = fields.Many2one("subscription.plan.price", readonly=True, ondelete="restrict")
    price_id = fields.Many2one(
        "subscription.plan.price", string="New price", required=True, readonly=True,
        ondelete="restrict")
    unit_price = fields.Monetary(
        readonly=True, help="Of one unit on the day it takes effect, as the customer was shown.")
    agreed_on = fields.Date(readonly=True, help="The day it was asked for.")
    from_quantity = fields.Integer(readonly=True)
    quantity = fields.Integer(required=True, readonly=True)
    lasting_terms = fields.Json(
        readonly=True, help="What comes with the new price besides its amount, as on that day.")
    upgrade_policy = fields.Selection(
        UPGRADE_POLICIES, readonly=True, help="When its payment is refused, as on that day.")
    credit_total = fields.Monetary(string="Credited", readonly=True, help="Tax included.")
    charge_total = fields.Monetary(string="Charged", readonly=True, help="Tax included.")
    credit_note_id = fields.Many2one("account.move", readonly=True, ondelete="restrict")
    invoice_id = fields.Many2one("account.move", readonly=True, ondelete="restrict")
    cut_period_id = fields.Many2one(
        "subscription.period", readonly=True, ondelete="restrict",
        help="The stretch that the change cut short.")
    from_unit_price = fields.Monetary(readonly=True)
    from_anchor_date = fields.Date(readonly=True)
    is_told = fields.Boolean(
        string="Confirmed to the customer", readonly=True,
        help="The customer was told that it takes place.")
    from_lasting_terms = fields.Json(readonly=True)
    user_id = fields.Many2one(
        "res.users", string="Author", readonly=True, default=lambda self: self.env.uid)

    _one_planned = models.UniqueIndex(
        "(subscription_id) WHERE state = 'scheduled'",
        "This subscription already has a planned change. Give it up first.")
    _quantity_positive = models.Constraint(
        "CHECK(quantity > 0)", "A subscription is for one unit at least.")

    @api.depends("price_id", "quantity", "date")
    @api.depends_context("lang")
    def _compute_display_name(self):
        """Say what the subscription becomes, and when: « Scale, 99,00 € HT par mois à partir du
        11/12/2026 ».
        """
        for change in self:
            price = change.price_id.display_name
            if change.quantity != 1:
                price = f"{change.quantity} × {price}"
            change.display_name = self.env._(
                "%(amount)s from %(date)s", amount=price, date=format_date(self.env, change.date))

    def _apply(self):
        """Put the new terms on the subscriptions, before the period that bears them is billed.

        In a trial, they are those of its end: the first day that is paid.
        """
        for change in self:
            subscription = change.subscription_id
            before = subscription._standing()
            terms = {
                **subscription._prepare_terms(
                    change.price_id, change.quantity, subscription.next_date),
                **subscription._lasting_terms(change.price_id)}
            if change.price_id != subscription.price_id:
                terms["agreed_on"] = change.date
            if subscription.state == "trial":
                terms["commitment_months"] = subscription._commitment_after_change(
                    change.price_id)
            if not change.price_id._same_interval(subscription.price_id):
                terms["anchor_date"] = subscription.next_date
            subscription.write(terms)
            subscription._log_events("change", before, change.price_id.display_name)
        self.state = "done"

    # Payment ----------------------------------------------------------------------------------

    def _follow_refusal(self, period, reason):
        """Act upon a payment of the change that was refused, or did not come in time, by the
        policy agreed.

        :param period: the unpaid stretch that the change has begun
        :param str reason: what the customer is told
        :return: whether nothing is left to chase
        """
        self.ensure_one()
        if self.upgrade_policy == "keep" or not self._can_be_taken_back(period):
            return False
        subscription, attempt = self.subscription_id, period.transaction_ids[:1]
        if attempt.decline_kind == "authentication" and not subscription.served_plan_id:
            # The customer may confirm the payment by its link; until then nothing is served.
            subscription._serve_former_plan(self)
            period._send_period_mail("subscription_billing.mail_template_payment_failed")
        elif attempt or subscription.served_plan_id:
            self._take_back(period, reason)
        else:
            return False  # nobody refused anything: the invoice waits for a transfer
        return True

    def _can_be_taken_back(self, period):
        """Tell whether nothing has been built upon the change.

        Its stretch is the present one, and the stretch it cut short would not be over.
        """
        subscription, cut = self.subscription_id, self.cut_period_id
        return (bool(cut) and period.state == "invoiced"
                and period.date_end == subscription.next_date
                and subscription.state in ("active", "past_due")
                and self._day_taken_back() < cut.full_end)

    def _day_taken_back(self):
        """Return the first day that is the former plan's again.

        It is the day of the change when its service has waited for the money; otherwise today,
        because what was served is owed.
        """
        subscription = self.subscription_id
        return self.date if subscription.served_plan_id else max(self.date, subscription._today())

    def _take_back(self, period, reason):
        """Go back to the former plan.

        The rest of the stretch is credited, and charged at the former price, to the cent as it was
        credited then.
        """
        subscription, cut, day = self.subscription_id, self.cut_period_id, self._day_taken_back()
        subscription._lock()
        before = subscription._standing()
        self.state = "taken_back"  # before its invoice is settled, which would confirm it
        credit_note = subscription._cut_short(day)
        terms = {
            "plan_id": self.from_price_id.plan_id.id, "price_id": self.from_price_id.id,
            "quantity": self.from_quantity, "unit_price": self.from_unit_price}
        subscription.write({
            **terms, "anchor_date": self.from_anchor_date, "next_date": cut.full_end,
            **subscription._terms_of_change(self.from_lasting_terms, self.from_price_id),
            "served_plan_id": False, "served_quantity": 0})
        again = subscription._create_periods([subscription._prepare_period_vals(
            "change", (cut.full_start, cut.full_end), day, terms)])
        subscription._settle_by_credit_notes(credit_note + period.invoice_id + again._invoice())
        subscription._log_events("take_back", before, note=reason)
        self._send_change_mail("subscription_billing.mail_template_change_taken_back")

    # Mails ------------------------------------------------------------------------------------

    def _send_confirmation(self):
        """Tell the customers what changes, when, and what comes next; once, queued.

        Where a card is about to be charged, and a refusal would take the change back, they are
        told when the money has come.
        """
        untold = self.filtered(lambda change: not change.is_told and not change._awaits_charge())
        untold.is_told = True
        untold.credit_note_id._subscription_queue_mail()
        untold._send_change_mail("subscription_billing.mail_template_changed")

    def _awaits_charge(self):
        self.ensure_one()
        # sudo: the engine's own rows
        periods = self.sudo().invoice_id._subscription_periods()
        return self.upgrade_policy != "keep" and any(period.charge_at for period in periods)

    def _send_change_mail(self, template):
        if not self:
            return
        # sudo: whoever changes the plan, the customer is told
        self.env.ref(template).sudo().send_mail_batch(self.ids)
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
