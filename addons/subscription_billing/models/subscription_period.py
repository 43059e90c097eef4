from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date, formatLang

from ..tools import proration

KINDS = [
    ("recurring", "Period"),
    ("change", "Rest of a period after a change"),
    ("trial", "Trial"),
    ("pause", "Pause"),
    ("usage", "Usage"),
]
STATES = [
    ("free", "Free"),
    ("to_invoice", "To invoice"),
    ("invoiced", "Invoiced"),
    ("paid", "Paid"),
    ("written_off", "Written off"),
    ("void", "Void"),
]


class SubscriptionPeriod(models.Model):
    """A stretch of days at one price. The row is the idempotency key of its invoice.

    Its other parts: ``subscription_period_invoicing`` (documents and their amounts),
    ``subscription_period_charging`` (payment) and ``subscription_period_dunning``.
    """

    _name = "subscription.period"
    _description = "Period of a Subscription"
    _engine_only = True
    _order = "date_start desc, id desc"

    subscription_id = fields.Many2one(
        "subscription.subscription", required=True, readonly=True, index=True,
        ondelete="restrict")
    partner_id = fields.Many2one(related="subscription_id.partner_id")
    company_id = fields.Many2one(related="subscription_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(
        "res.currency", required=True, readonly=True, ondelete="restrict")
    kind = fields.Selection(
        KINDS, string="Type", required=True, readonly=True, default="recurring")
    state = fields.Selection(STATES, required=True, readonly=True, default="to_invoice")
    date_start = fields.Date(string="From", required=True, readonly=True)
    date_end = fields.Date(
        string="Up to", required=True, readonly=True, help="First day after the stretch.")
    last_day = fields.Date(string="To", compute="_compute_last_day")
    full_start = fields.Date(
        required=True, readonly=True, help="The whole period its price is divided by.")
    full_end = fields.Date(required=True, readonly=True)
    plan_id = fields.Many2one(
        "subscription.plan", required=True, readonly=True, ondelete="restrict")
    price_id = fields.Many2one(
        "subscription.plan.price", required=True, readonly=True, ondelete="restrict")
    quantity = fields.Integer(required=True, readonly=True)
    unit_price = fields.Monetary(
        readonly=True, help="For the whole period, as the customer's taxes make it.")
    discount = fields.Float(
        string="Discount (%)", digits="Discount", readonly=True,
        help="Of the price, as agreed for every period.")
    setup_fee = fields.Monetary(readonly=True, help="Billed with the stretch, once.")
    agreed_amount = fields.Monetary(
        string="Agreed", compute="_compute_agreed_amount", store=True, precompute=True,
        help="What the stretch was to cost when it was billed, before the discounts that stand "
        "on lines of their own, in the terms of the price.")
    fiscal_position_id = fields.Many2one(
        "account.fiscal.position", readonly=True, ondelete="restrict",
        help="Of the customer on the day of the invoice.")
    amount = fields.Monetary(
        readonly=True, string="Invoiced", help="Less the discounts of the invoice, in the terms "
        "of the price: with the taxes that are included in it, without the others.")
    credited = fields.Monetary(readonly=True, help="Of it given back by credit notes.")
    invoice_id = fields.Many2one(
        "account.move", readonly=True, index="btree_not_null", ondelete="set null")
    amount_residual = fields.Monetary(related="invoice_id.amount_residual", string="Left to pay")
    line_ids = fields.One2many(
        "account.move.line", "subscription_period_id", string="Invoice lines")
    attempt_count = fields.Integer(string="Attempts", readonly=True)
    charge_at = fields.Datetime(
        readonly=True, help="When the customer's means of payment is charged next (UTC).")
    managers_told_at = fields.Datetime(
        string="Managers told", readonly=True, help="When the managers of the customer were told "
        "of a charge above the bound of their company (UTC); it is made a day later.")
    transaction_ids = fields.One2many("payment.transaction", "subscription_period_id")

    _once = models.UniqueIndex(
        "(subscription_id, date_start, kind) WHERE state <> 'void' AND kind <> 'usage'",
        "This period is already billed.")
    # Ranges of one number stand for equality: no extension of PostgreSQL is needed.
    _no_overlap = models.Constraint(
        "EXCLUDE USING gist (int4range(subscription_id, subscription_id, '[]') WITH &&,"
        " daterange(date_start, date_end) WITH &&) WHERE (state <> 'void')",
        "Two periods of a subscription cannot overlap.")
    _dates_in_order = models.Constraint(
        "CHECK(date_start <= date_end AND full_start < full_end"
        " AND date_start >= full_start AND date_end <= full_end)",
        "A stretch lies within its period.")
    _only_void_is_empty = models.Constraint(
        "CHECK(date_start < date_end OR state = 'void' OR kind = 'usage')",
        "A period has one day at least.")
    _credit_within_invoice = models.Constraint(
        "CHECK(credited >= 0 AND credited <= amount)",
        "No more can be credited than was invoiced for the period.")
    _to_charge = models.Index("(charge_at, id) WHERE charge_at IS NOT NULL")
    _to_dun = models.Index("(id) WHERE dunning_next_date IS NOT NULL")

    @api.depends("plan_id", "date_start", "date_end")
    def _compute_display_name(self):
        for period in self:
            period.display_name = f"{period.plan_id.name} {period._dates_label()}"

    @api.depends("date_end")
    def _compute_last_day(self):
        for period in self:
            period.last_day = period.date_end and fields.Date.subtract(period.date_end, days=1)

    @api.depends("unit_price", "quantity", "discount", "full_start", "full_end", "date_start")
    def _compute_agreed_amount(self):
        """Take the stretch as it is made: a later cut, which moves its end, changes nothing."""
        for period in self:
            period.agreed_amount = period._charge_amount() if period.full_end else 0.0

    def _dates_label(self):
        """Name the days as people do, both included: « 01/02/2027 – 28/02/2027 ».

        Usage covers no days of its own: it is named by the day of its invoice.
        """
        self.ensure_one()
        if self.date_start == self.date_end:
            return format_date(self.env, self.date_start)
        return (f"{format_date(self.env, self.date_start)} – "
                f"{format_date(self.env, self.last_day)}")

    def _price_of(self, first, last):
        """Compute what the days of the period from `first` to `last`, not included, cost.

        :return: float, in the terms of the price
        """
        self.ensure_one()
        return float(proration.price_of(
            self._full_price(), self.full_start, self.full_end, first, last,
            self.currency_id.rounding))

    def _full_price(self):
        """Return the agreed price of the whole period, not rounded, as a Decimal."""
        self.ensure_one()
        return proration.as_decimal(self.unit_price) * self.quantity * (
            100 - proration.as_decimal(self.discount)) / 100

    def _credit_if_cut(self, day):
        """Return what is given back when the stretch ends before `day`.

        It is what was paid for the days from `day` on: the agreed price of each day, less its
        share of the discounts of the invoice. A gesture by staff, a credit note made by hand,
        does not lower it: the days left are owed whatever was given besides (as in Kill Bill,
        where an adjustment of an invoice item leaves the proration as it is). But all that is
        credited together never exceeds what was paid.

        :return: float, in the terms of the price
        """
        self.ensure_one()
        if self.state not in ("invoiced", "paid") or not self.agreed_amount:
            return 0.0
        first = min(max(day, self.date_start), self.date_end)
        paid_share = self.amount / self.agreed_amount
        worth = float(proration.price_of(
            float(self._full_price()) * paid_share, self.full_start, self.full_end, first,
            self.date_end, self.currency_id.rounding))
        return self.currency_id.round(max(min(worth, self.amount - self.credited), 0.0))

    def _refresh_from_invoices(self):
        """Take amounts and state from the posted documents, whoever made or changed them."""
        # sudo: the state of a period follows from its documents
        lines = self.env["account.move.line"].sudo().search(
            [("subscription_period_id", "in", self.ids), ("parent_state", "=", "posted"),
             ("display_type", "=", "product")])
        by_period = lines.grouped("subscription_period_id")
        paid = lines._paid_values("priced")
        for period in self.sudo():
            period._take_amounts(by_period.get(period, lines.browse()), paid)

    def _take_amounts(self, lines, paid):
        """Update amounts, invoice and state of the period from its posted lines.

        :param dict paid: what was paid for each line, all discounts taken off
        """
        invoiced = lines.filtered(lambda line: line.move_id.move_type == "out_invoice")
        priced = lines.filtered(lambda line: not line.is_subscription_extra)
        self.amount = sum(paid[line] for line in priced & invoiced)
        self.credited = sum(paid[line] for line in priced - invoiced)
        self._check_credited()
        self.invoice_id = invoiced.move_id[-1:]
        if self.state not in ("free", "void"):
            self.state = self._state_of_invoice() if invoiced else "to_invoice"
        if self.state != "invoiced":  # a payment by any route stops the chase at once
            self.charge_at = self.dunning_start = self.dunning_error = False

    def _check_credited(self):
        """Check that credit notes give back no more than was paid.

        :raise ValidationError: credit notes give back more than was paid for the period
        """
        if self.currency_id.compare_amounts(self.credited, self.amount) > 0:
            credited, amount = (formatLang(self.env, each, currency_obj=self.currency_id)
                                for each in (self.credited, self.amount))
            raise ValidationError(self.env._(
                "%(period)s of %(subscription)s: no more can be credited than was paid. The "
                "credit notes give back %(credited)s of %(amount)s: lower them, or cancel them "
                "first.", period=self.display_name, subscription=self.subscription_id.name,
                credited=credited, amount=amount))

    def _state_of_invoice(self):
        if self.invoice_id.payment_state not in self.invoice_id._SETTLED_STATES:
            return "invoiced"
        return "written_off" if self.invoice_id._is_written_off() else "paid"

    def _amount_received(self):
        """Return what the customer paid for the invoice, in its currency.

        Credit notes that were netted with it, what was in the customer's favour before, and what
        was written off are no payment. What a payment brings too much is part of it.
        """
        self.ensure_one()
        due = self.invoice_id.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable")
        paid = due.matched_credit_ids.filtered(lambda partial: partial._is_payment())
        over = paid.filtered(lambda partial: partial.credit_currency_id == self.currency_id)
        return self.currency_id.round(
            sum(paid.mapped("debit_amount_currency"))
            + sum(partial._amount_over() for partial in over))

    def action_view_invoice(self):
        """Open the invoice of the period."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window", "res_model": "account.move",
            "res_id": self.invoice_id.id, "views": [(False, "form")],
        }

    def action_charge(self):
        """Charge the saved means of payment again, where that makes sense (agency case 3).

        :raise UserError: why not
        """
        self.subscription_id._by_staff()
        for period in self.sudo():  # sudo: see _by_staff
            if reason := period._why_not_to_charge():
                raise UserError(reason)
            period._charge_again()

    def action_invoice_again(self):
        """Bill the period anew after its invoice was cancelled.

        :raise UserError: the period has an invoice, or belongs to an order that is not invoiced
        """
        self.ensure_one()
        self.check_access("read")
        self.subscription_id.check_access("write")
        if self.state != "to_invoice":
            raise UserError(self.env._(
                "%(period)s of %(subscription)s already has its invoice %(invoice)s.",
                period=self.display_name, subscription=self.subscription_id.name,
                invoice=self.invoice_id.name or "–"))
        # sudo: rows are written by the engine only; the right to bill was checked above
        period = self.sudo()
        period.fiscal_position_id = self.subscription_id._fiscal_position()
        period.agreed_amount = period._charge_amount()
        return period._invoice()
