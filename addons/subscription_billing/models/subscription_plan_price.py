from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date, formatLang

from odoo.addons.concurrency_base.tools import as_engine

INTERVAL_UNITS = [("week", "Week"), ("month", "Month"), ("year", "Year")]
MONTHS = {"week": 12 / 52, "month": 1, "year": 12}  # of one unit


class SubscriptionPlanPrice(models.Model):
    """What a plan costs each interval, in one currency."""

    _name = "subscription.plan.price"
    _description = "Price of a Plan"
    _order = "plan_id, sequence, id"

    plan_id = fields.Many2one(
        "subscription.plan", required=True, index=True, ondelete="cascade")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    interval_count = fields.Integer(string="Every", required=True, default=1)
    interval_unit = fields.Selection(INTERVAL_UNITS, required=True, default="month")
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id)
    amount = fields.Monetary(
        string="Price", required=True,
        help="Of one unit for the interval, with or without tax as the taxes of the service say.")
    setup_fee = fields.Monetary(help="Added once, to the first invoice.")
    next_amount = fields.Monetary(
        string="Next price", readonly=True, engine=True,
        help="Takes the place of the price from the date beside it: for new customers, and at "
        "renewals for subscribers who were told.")
    next_date = fields.Date(string="Next price from", readonly=True, engine=True)

    _interval_positive = models.Constraint(
        "CHECK(interval_count > 0)",
        "An interval is one week, month or year at least: it cannot be zero.")
    _amounts_not_negative = models.Constraint(
        "CHECK(amount >= 0 AND setup_fee >= 0 AND (next_amount IS NULL OR next_amount >= 0))",
        "Prices and setup fees cannot be negative.")
    _interval_once = models.UniqueIndex(
        "(plan_id, interval_unit, interval_count, currency_id) WHERE active",
        "This plan already has a price for this interval and currency. Archive it first.")

    @api.depends("interval_count", "interval_unit", "amount", "next_amount", "next_date",
                 "currency_id", "plan_id.name", "plan_id.taxes_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for price in self:
            price.display_name = self.env._(
                "%(plan)s, %(amount)s %(interval)s", plan=price.plan_id.name,
                amount=price._amount_label(), interval=price._interval_label())

    def _amount_label(self):
        """Write the price with its word on tax: « 49,00 € HT ». Without one it is taken for what
        is paid.
        """
        return self._with_tax_word(self._amount_on(fields.Date.context_today(self)))

    def _announced_label(self):
        """Return « 59,00 € HT à partir du 01/03/2027 »: the price to come; or empty."""
        self.ensure_one()
        if not self.next_date or self.next_date <= fields.Date.context_today(self):
            return ""
        return self.env._(
            "%(amount)s from %(date)s", amount=self._with_tax_word(self.next_amount),
            date=format_date(self.env, self.next_date))

    def _with_tax_word(self, amount):
        """Write an amount of this price, with "excl. tax" or "incl. tax" where it is taxed."""
        self.ensure_one()
        label = formatLang(self.env, amount, currency_obj=self.currency_id)
        taxes = self._plan_taxes().filtered("amount")
        if not taxes:
            return label
        included = all(taxes.mapped("price_include"))
        return self.env._("%(amount)s incl. tax", amount=label) if included else self.env._(
            "%(amount)s excl. tax", amount=label)

    def _total_label(self):
        """Write what is paid where the price itself is without tax: « 58,80 € TTC »; else empty."""
        self.ensure_one()
        amount = self._amount_on(fields.Date.context_today(self))
        totals = self._plan_taxes().compute_all(amount, currency=self.currency_id)
        if not self.currency_id.compare_amounts(totals["total_included"], amount):
            return ""
        return self.env._("%(amount)s incl. tax", amount=formatLang(
            self.env, totals["total_included"], currency_obj=self.currency_id))

    def _plan_taxes(self):
        """Return the taxes of the plan, before the customer's fiscal position."""
        # sudo: the taxes of what is on sale are public
        plan = self.plan_id.sudo()
        return plan.taxes_id._filter_taxes_by_company(plan.company_id or self.env.company)

    def _interval_label(self):
        """Write the interval as people say it: « par mois », « tous les 3 mois »."""
        self.ensure_one()
        count, unit = self.interval_count, self.interval_unit
        if count == 1:
            return {"week": self.env._("per week"), "month": self.env._("per month"),
                    "year": self.env._("per year")}.get(unit, "")
        return {"week": self.env._("every %(count)s weeks", count=count),
                "month": self.env._("every %(count)s months", count=count),
                "year": self.env._("every %(count)s years", count=count)}.get(unit, "")

    def _per_month(self, amount):
        """Bring an amount of one interval to a month, for recurring revenue."""
        self.ensure_one()
        return amount / (MONTHS[self.interval_unit] * self.interval_count)

    def _same_interval(self, other):
        return (self.interval_unit, self.interval_count) == (
            other.interval_unit, other.interval_count)

    @api.constrains("interval_unit", "interval_count", "currency_id", "plan_id")
    def _check_not_in_use(self):
        """Refuse to change the interval of a price that was sold: a new interval is a new price."""
        if self._origin and self.env["subscription.subscription"].sudo().search_count(
                [("price_id", "in", self.ids), ("state", "!=", "draft")], limit=1):
            # sudo: subscriptions of every company hold the price
            raise ValidationError(self.env._(
                "%(price)s is in use: its interval and currency stay. Add another price and "
                "archive this one.", price=self[:1].display_name))

    def write(self, vals):
        """Put an announced price whose day has come in force before another one is typed."""
        if "amount" in vals:
            self._settle_announced(fields.Date.context_today(self))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sold(self):
        """Refuse to delete a price that was sold or offered.

        Archived, it is offered no more, and those who have it keep it.

        :raise UserError: names who has it
        """
        if not self:
            return
        self.env["subscription.subscription"]._refuse_while(
            self._sold_domain(),
            self.env._("“%(price)s” was sold and cannot be deleted. Archive it instead: those who "
                       "have it keep it.", price=self[:1].display_name))
        if lines := self._order_lines(limit=20):
            raise UserError(self.env._(
                "“%(price)s” is on orders and cannot be deleted. Archive it instead.\n%(orders)s",
                price=self[:1].display_name, orders="\n".join(lines.order_id.mapped("name"))))

    def _sold_domain(self):
        """Return the domain of the subscriptions that have or had one of these prices."""
        return ["|", "|", ("price_id", "in", self.ids),
                ("period_ids", "any", [("price_id", "in", self.ids)]),
                ("change_ids", "any", ["|", ("price_id", "in", self.ids),
                                       ("from_price_id", "in", self.ids)])]

    def _order_lines(self, limit=None):
        # sudo: orders that the user does not see offer the price, too
        return self.env["sale.order.line"].sudo().search(
            [("subscription_price_id", "in", self.ids)], limit=limit)

    def _is_sold(self):
        """Tell whether one of these prices was sold or offered."""
        # sudo: in whatever company
        return bool(self.env["subscription.subscription"].sudo().search_count(
            self._sold_domain(), limit=1) or self._order_lines(limit=1))

    def _announce(self, amount, from_date, notice_days=30):
        """Change the price from a date on: for new customers, and at renewals for subscribers,
        each of whom is told by mail, once.

        An announcement whose day is yet to come is withdrawn by the new one, and those who were
        told of it are told anew.

        :param float amount: new price of one unit
        :param date from_date: periods that start on it or later bear the new price
        :param int notice_days: least number of days between the mail and that date
        :raise UserError: the date leaves the subscribers less notice
        """
        self.ensure_one()
        today = fields.Date.context_today(self)
        soonest = today + relativedelta(days=notice_days)
        if from_date < soonest:
            raise UserError(self.env._(
                "%(price)s can change on %(date)s at the soonest: subscribers are told "
                "%(days)s days ahead.", price=self.display_name, days=notice_days,
                date=format_date(self.env, soonest)))
        self._settle_announced(today)
        # sudo: whoever sets prices, what was told of this one no longer stands
        self.env["subscription.notice"].sudo().search(
            [("price_id", "=", self.id), ("kind", "=", "price"),
             ("day", "=", self.next_date)]).is_withdrawn = True
        as_engine(self).write({"next_amount": amount, "next_date": from_date})
        self.env.ref("subscription_billing.ir_cron_notices").sudo()._trigger()
        # sudo: whoever sets prices may have the notices sent

    def _settle_announced(self, day=None):
        """Let announced prices whose day has come take the place of the present ones.

        :param date day: today, for these prices; by default all prices, and yesterday, when the
            day has come in every timezone
        """
        day = day or fields.Date.subtract(fields.Date.today(), days=1)
        prices = self or self.with_context(active_test=False).search([("next_date", "<=", day)])
        for price in prices.filtered("next_date"):
            if price.next_date <= day:
                amount = price.next_amount
                as_engine(price).write({"next_amount": False, "next_date": False})
                price.amount = amount

    def _amount_on(self, day):
        """Return the price of one unit on offer on a civil day, from today on.

        The one method that decides it: page, cart, order, a draft in the back office, the
        preview of a change and a new subscription ask it. What a subscriber pays follows from
        their agreement: ``subscription.subscription._unit_price_on``.
        """
        self.ensure_one()
        return self.next_amount if self.next_date and day >= self.next_date else self.amount
