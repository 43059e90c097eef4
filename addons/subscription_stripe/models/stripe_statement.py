from collections import defaultdict
from datetime import datetime, time

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from .stripe_balance_transaction import LINES, to_major_units

TRIES = 3  # a payment may come in while the list is fetched
VERDICTS = [
    ("agrees", "Agrees"),
    ("moved", "Changed since it was fetched"),
    ("lines", "Lines differ"),
    ("differs", "Differs"),
]


class StripeStatement(models.Model):
    """« Rapprochement Stripe »: what Stripe's balance did in a month, beside the account here.

    Of one currency: Stripe keeps a balance for each. The workbook is in ``stripe_statement_xlsx``.
    """

    _name = "stripe.statement"
    _description = "Reconciliation with Stripe"
    _order = "month desc, id desc"
    _check_company_auto = True

    provider_id = fields.Many2one(
        "payment.provider", required=True, ondelete="restrict",
        domain="[('code', '=', 'stripe'), ('state', '!=', 'disabled')]",
        default=lambda self: self._default_provider())
    company_id = fields.Many2one(
        "res.company", compute="_compute_company_id", store=True, engine=True, precompute=True,
        index=True)
    month = fields.Date(
        required=True, default=lambda self: self._default_month(), help="Any day of it.")
    currency_id = fields.Many2one(
        "res.currency", required=True, compute="_compute_company_id", store=True,
        precompute=True, readonly=False)
    fetched_at = fields.Datetime(string="Fetched", readonly=True, engine=True)
    row_ids = fields.Many2many(
        "stripe.balance.transaction", string="Movements", readonly=True, engine=True)
    share_ids = fields.One2many(
        "stripe.statement.account", "statement_id", string="What was paid", readonly=True)
    opening = fields.Monetary(
        string="Balance at Stripe before", readonly=True, engine=True)
    is_shared = fields.Boolean(
        readonly=True, engine=True,
        help="Other companies or databases have the same account at Stripe.")
    foreign_net = fields.Monetary(
        string="Of other companies or databases", readonly=True, engine=True,
        help="What their movements of the month did to the balance.")
    fetched_here = fields.Monetary(
        string="Balance here when it was fetched", readonly=True, engine=True)
    is_month_over = fields.Boolean(
        compute="_compute_is_month_over",
        help="The month was over, where the company is, when its movements were fetched.")
    verdict = fields.Selection(
        VERDICTS, compute="_compute_books",
        help="“Agrees” only where both balances and each line agree, and nothing was posted since "
        "the movements were fetched.")
    payments = fields.Monetary(compute="_compute_totals")
    refunds = fields.Monetary(compute="_compute_totals")
    disputes = fields.Monetary(compute="_compute_totals")
    fees = fields.Monetary(compute="_compute_totals")
    payouts = fields.Monetary(compute="_compute_totals")
    others = fields.Monetary(compute="_compute_totals", string="Other movements")
    closing = fields.Monetary(compute="_compute_totals", string="Balance at Stripe after")
    account_id = fields.Many2one(
        "account.account", compute="_compute_books",
        help="That of the provider's payment method.")
    opening_here = fields.Monetary(compute="_compute_books", string="Balance here before")
    closing_here = fields.Monetary(compute="_compute_books", string="Balance here after")
    difference = fields.Monetary(compute="_compute_books")
    stranger_count = fields.Integer(
        compute="_compute_books", string="Items Stripe does not know")

    _once = models.Constraint(
        "UNIQUE(provider_id, currency_id, month)",
        "There is a reconciliation of this month already.")
    _first_day = models.Constraint(
        "CHECK(extract(day from month) = 1)", "A month is named by its first day.")

    @api.model
    def _default_provider(self):
        # sudo: which one there is; accountants may not see its keys
        return self.env["payment.provider"].sudo().search([
            ("code", "=", "stripe"), ("state", "!=", "disabled"),
            ("company_id", "in", self.env.companies.ids)], limit=1)

    @api.model
    def _default_month(self):
        """Return the first day of the present month where the company is."""
        company = self._default_provider().company_id or self.env.company
        return company._civil_today().replace(day=1)

    @api.depends("provider_id")
    def _compute_company_id(self):
        for statement in self:
            statement.company_id = statement.provider_id.company_id or self.env.company
            statement.currency_id = statement.currency_id or statement.company_id.currency_id

    @api.depends("month", "provider_id")
    def _compute_display_name(self):
        for statement in self:
            month = statement.month and format_date(
                self.env, statement.month, date_format="MMMM yyyy")
            name = statement.provider_id.sudo().name  # sudo: as in _default_provider
            statement.display_name = " ".join(filter(None, [name, month]))

    @api.depends("row_ids.amount", "opening", "foreign_net")
    def _compute_totals(self):
        for statement in self:
            totals = statement._totals()
            statement.update({**totals, "closing": statement.currency_id.round(
                statement.opening + sum(totals.values()) + statement.foreign_net)})

    def _totals(self):
        """Sum movements by what they are; all sums together are what the balance moved by."""
        self.ensure_one()
        totals = dict.fromkeys(dict(LINES), 0.0)
        for row in self.row_ids:
            totals["fees"] -= row._total_fee()
            if row.line != "fees":
                totals[row.line] += row.amount
        return {name: self.currency_id.round(total) for name, total in totals.items()}

    @api.depends("row_ids.difference", "month", "closing", "fetched_at", "fetched_here",
                 "provider_id")
    def _compute_books(self):
        for statement in self:
            # sudo: the totals of one account, for an accountant who may see the statement
            books = statement.sudo()
            if not (books.provider_id and books.month):
                statement.update({
                    "account_id": False, "opening_here": 0.0, "closing_here": 0.0,
                    "difference": 0.0, "stranger_count": 0, "verdict": False})
                continue
            account = books.account_id = books.provider_id._stripe_account()
            first, after = statement._days()
            statement.account_id = account
            statement.opening_here = books._balance(account, first)
            statement.closing_here = books._balance(account, after)
            statement.difference = statement._difference()
            statement.stranger_count = self.env["account.move.line"].sudo().search_count(
                books._strangers())
            statement.verdict = books._verdict()

    def _verdict(self):
        """Judge whether Stripe and the books agree, both seen at the moment of the fetch.

        Two sums that are equal prove nothing while lines differ that make up for one another, nor
        when the books have moved since Stripe was asked.

        :return: key of ``VERDICTS``; False before anything was fetched
        """
        self.ensure_one()
        if not self.fetched_at:
            return False
        if not self.currency_id.is_zero(self.closing_here - self.fetched_here):
            return "moved"
        if not self.currency_id.is_zero(self.difference):
            return "differs"
        return "lines" if self.stranger_count or any(
            self.row_ids.mapped("difference")) else "agrees"

    @api.depends("fetched_at", "month", "provider_id")
    def _compute_is_month_over(self):
        for statement in self:
            statement.is_month_over = bool(statement.fetched_at) and (
                pytz.utc.localize(statement.fetched_at).timestamp()
                >= statement.sudo()._moments()[1])  # sudo: as in _default_provider

    def _difference(self):
        """Return what Stripe's balance and the account here differ by.

        When several companies share the Stripe account, only this company's movements of the month
        are compared, for its part of the balance is recorded nowhere.
        """
        self.ensure_one()
        there, here = self.closing, self.closing_here
        if self.is_shared:
            there -= self.opening + self.foreign_net
            here -= self.opening_here
        return self.currency_id.round(there - here)

    def _days(self):
        """Return the first day of the month, and of the next one."""
        return self.month, self.month + relativedelta(months=1)

    def _moments(self):
        """Return the bounds of the month as moments (UTC, seconds), where the company is."""
        return [int(self.provider_id._stripe_tz().localize(
            datetime.combine(day, time.min)).astimezone(pytz.utc).timestamp())
            for day in self._days()]

    def _posted_items_domain(self, account):
        return [("account_id", "=", account.id), ("company_id", "=", self.company_id.id),
                ("parent_state", "=", "posted"), ("currency_id", "=", self.currency_id.id)]

    def _balance(self, account, day):
        """Sum the posted items of the account before a day."""
        [[total]] = self.env["account.move.line"]._read_group(
            [*self._posted_items_domain(account), ("date", "<", day)], [], ["amount_currency:sum"])
        return self.currency_id.round(total or 0.0)

    def _strangers(self):
        """Return the domain of the account's items of the month that no movement at Stripe
        explains.
        """
        first, after = self._days()
        rows = self.env["stripe.balance.transaction"].search([
            ("provider_id", "=", self.provider_id.id),
            ("id", "in", self.row_ids.ids)])
        known = rows.move_id | rows.fee_move_id | rows.transaction_id.payment_id.move_id
        return [*self._posted_items_domain(self.account_id), ("date", ">=", first),
                ("date", "<", after), ("move_id", "not in", known.ids)]

    # Both sides ---------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Keep the first day of the month, whatever day of it was given."""
        return super().create([self._on_first_day(vals) for vals in vals_list])

    def write(self, vals):
        """Keep the first day of the month, whatever day of it was given."""
        return super().write(self._on_first_day(vals))

    def _on_first_day(self, vals):
        if vals.get("month"):
            vals = {**vals, "month": fields.Date.to_date(vals["month"]).replace(day=1)}
        return vals

    def action_fetch(self):
        """Fetch the month's movements, post what is not on the books yet, and compare.

        Fees, payouts and disputes are posted once, whoever clicks how often.

        :raise UserError: Stripe does not answer, or an account is missing
        """
        for statement in self:
            statement.check_access("write")
            # sudo: rows and entries are the engine's; the right to this was just checked
            statement.sudo()._fetch()

    def _fetch(self):
        objects, opening = self._movements()
        balance = self.env["stripe.balance.transaction"]
        foreign = balance._foreign(self.provider_id, objects)
        rows = balance._record_movements(self.provider_id, objects)
        self.write({
            "row_ids": [fields.Command.set(rows.ids)], "opening": opening,
            "fetched_at": fields.Datetime.now(), "is_shared": bool(foreign),
            "foreign_net": to_major_units(sum(
                each["net"] for each in objects if each["id"] in foreign), self.currency_id)})
        rows._post_disputes()
        rows._post_payouts()
        rows._post_fees()
        self._share_out()
        self.fetched_here = self._balance(self.provider_id._stripe_account(), self._days()[1])
        self.env["stripe.difference"]._report_movements(rows)

    def _movements(self):
        """Fetch Stripe's movements of the month, and its balance before.

        Stripe tells the present balance only: what came since is taken off it.

        :return: (list of balance transactions, balance)
        """
        start, end = self._moments()
        for _try in range(TRIES):
            before = self._present_balance()
            objects = list(self.provider_id._stripe_list("balance_transactions", **{
                "created[gte]": start, "currency": self.currency_id.name.lower(),
                "expand[]": "data.source"}))
            if before == self._present_balance():
                opening = before - sum(each["net"] for each in objects)
                return ([each for each in objects if each["created"] < end],
                        to_major_units(opening, self.currency_id))
        raise UserError(self.env._("Payments are coming in right now. Try again in a minute."))

    def _present_balance(self):
        balance = self.provider_id._send_api_request("GET", "balance")
        currency = self.currency_id.name.lower()
        return sum(each["amount"] for part in ("available", "pending")
                   for each in balance[part] if each["currency"] == currency)

    def _share_out(self):
        """Split what the month's payments paid into income, deferred income and VAT."""
        self.share_ids.unlink()
        totals = defaultdict(float)
        for row in self.row_ids.filtered(lambda row: row.line == "payments"):
            for account, amount in row._split_by_account():
                totals[account] += amount
        self.env["stripe.statement.account"].create([
            {"statement_id": self.id, "account_id": account.id,
             "amount": self.currency_id.round(total)} for account, total in totals.items()])

    def action_view_rows(self):
        """Open the movements of the month."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_stripe.stripe_balance_transaction_action")
        return {**action, "domain": [("id", "in", self.row_ids.ids)], "context": {}}

    def action_view_differences(self):
        """Open the movements of the month that the books do not show, or show otherwise."""
        self.ensure_one()
        rows = self.row_ids.filtered("difference")
        return {**self.action_view_rows(), "domain": [("id", "in", rows.ids)]}

    def action_view_strangers(self):
        """Open the journal items of the account that Stripe knows nothing of."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window", "res_model": "account.move.line",
            "name": self.env._("Items Stripe does not know"), "views": [(False, "list")],
            "domain": self._strangers(),
        }

    def action_export_xlsx(self):
        """Download the statement as a workbook."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "target": "download",
                "url": f"/stripe/statement/{self.id}.xlsx"}
