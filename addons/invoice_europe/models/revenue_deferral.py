from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Command
from odoo.tools import SQL, format_date

from odoo.addons.concurrency_base.tools import find_staff, tell_once, work_through

from ..tools import months

BATCH_SIZE = 1000  # shares in one journal entry


class RevenueDeferral(models.Model):
    """The share of an invoice line that a later civil month earns.

    The price of a year is posted as revenue by its invoice (VAT and turnover are due with it).
    What belongs to months after the invoice's goes at once to deferred revenue (487, PCG art.
    944-48), and each month takes its share back when it is over. A credit note has shares of the
    other sign in the months of its invoice that still wait, so that nothing stays deferred of
    what is given back. The row is the idempotency key: a line has one share a month, posted once.
    """

    _name = "revenue.deferral"
    _description = "Revenue of a Later Month"
    _engine_only = True
    _inherit = ["analytic.mixin"]
    _order = "month, id"
    _rec_name = "month"

    move_id = fields.Many2one(
        "account.move", string="Invoice", required=True, readonly=True, index=True,
        ondelete="restrict")
    line_id = fields.Many2one(
        "account.move.line", string="Invoice line", readonly=True, ondelete="set null",
        index="btree_not_null")
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    account_id = fields.Many2one(
        "account.account", string="Revenue account", required=True, readonly=True)
    deferral_account_id = fields.Many2one(
        "account.account", string="Deferred revenue", required=True, readonly=True)
    month = fields.Date(required=True, readonly=True, help="Its first day.")
    amount = fields.Monetary(
        required=True, readonly=True, help="Company currency; negative for a credit note.")
    deferred_entry_id = fields.Many2one(
        "account.move", string="Put aside by", readonly=True, ondelete="restrict",
        index="btree_not_null")
    earned_entry_id = fields.Many2one(
        "account.move", string="Earned by", readonly=True, ondelete="restrict",
        index="btree_not_null")
    is_void = fields.Boolean(
        string="Void", readonly=True, help="Its invoice was taken back to draft.")
    state = fields.Selection(
        [("waiting", "Waiting"), ("earned", "Earned"), ("void", "Void")],
        compute="_compute_state", search="_search_state")

    _once = models.UniqueIndex(
        "(line_id, month) WHERE NOT COALESCE(is_void, FALSE)",
        "The revenue of this month is already deferred.")
    _month_starts = models.Constraint(
        "CHECK(month = date_trunc('month', month))", "A month is named by its first day.")
    _to_earn = models.Index(
        "(month, id) WHERE earned_entry_id IS NULL AND NOT COALESCE(is_void, FALSE)")

    @api.depends("is_void", "earned_entry_id")
    def _compute_state(self):
        for share in self:
            share.state = (
                "void" if share.is_void else "earned" if share.earned_entry_id else "waiting")

    def _search_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        domains = {
            "void": [("is_void", "=", True)],
            "earned": [("is_void", "=", False), ("earned_entry_id", "!=", False)],
            "waiting": [("is_void", "=", False), ("earned_entry_id", "=", False)],
        }
        return fields.Domain.OR([domains[state] for state in value if state in domains])

    # Invoices ---------------------------------------------------------------------------------

    @api.model
    def _defer_lines(self, lines):
        """Put aside what these posted lines earn in later months, or take back.

        One journal entry a company and accounting date. An invoice that is posted again is
        followed by its credit notes.

        :param lines: ``account.move.line`` of invoices and credit notes
        :return: the new shares
        """
        invoiced = lines.filtered(lambda line: line.move_id.move_type != "out_refund")
        shares = self.create([
            self._prepare_share_vals(line, month, amount) for line in invoiced
            for month, amount in line._revenue_by_month()
            if month > months.first_day(line.move_id.date) and amount])
        credited = (lines - invoiced) | invoiced.correcting_line_ids.filtered(
            lambda line: line.parent_state == "posted")
        for line in credited.sorted("id"):  # each looks at what the ones before left
            shares += self.create([
                self._prepare_share_vals(line, month, amount)
                for month, amount in line._revenue_taken_back_by_month()])
        for (company, date), group in shares.grouped(
                lambda share: (share.company_id, share.move_id.date)).items():
            group.deferred_entry_id = group._post_entry(
                company, date, self.env._("Deferred revenue"), -1)
        return shares

    def _prepare_share_vals(self, line, month, amount):
        """Return the values of a line's share of a month; see :meth:`_defer_lines`."""
        deferred = line.corrected_line_id.revenue_deferral_ids[:1].deferral_account_id
        return {
            "move_id": line.move_id.id, "line_id": line.id, "company_id": line.company_id.id,
            "partner_id": line.partner_id.id, "account_id": line.account_id.id,
            "deferral_account_id": (deferred or line.company_id.deferral_account_id).id,
            "analytic_distribution": line.analytic_distribution,
            "month": month, "amount": amount,
        }

    def _reverse_posted(self):
        """Take back what these shares posted, on the same dates where they are still open.

        The invoice is a draft again: when it is posted anew, it is deferred anew.
        """
        posted = defaultdict(self.browse)
        for share in self:
            posted[share.company_id, share.deferred_entry_id.date, 1] |= share
            if share.earned_entry_id:
                posted[share.company_id, share.earned_entry_id.date, -1] |= share
        for (company, date, sign), shares in posted.items():
            shares._post_entry(
                company, date, self.env._("Deferred revenue: invoice back to draft"), sign)
        self.is_void = True
        self.flush_recordset(["is_void"])  # makes room for the shares of the next posting

    # The end of a month -------------------------------------------------------------------------

    @api.model
    def _cron_earn(self, limit=BATCH_SIZE):
        """Post the shares of the months that are over: one journal entry a company and month."""
        domain = self._over_domain()

        def find(last_id):
            shares = self.search([*domain, ("id", ">", last_id)], order="id", limit=limit)
            return shares, shares.try_lock_for_update()

        if not work_through(
                self.env, find, lambda shares: shares._post_earned(), self._tell_of_error):
            self.env["ir.cron"]._commit_progress(remaining=self.search_count(domain))

    @api.model
    def _tell_of_error(self, share, error):
        """Tell an accountant, once an invoice, that revenue of it could not be posted."""
        user = find_staff(self.env, "account.group_account_manager", share.company_id)
        tell_once(share.move_id, user, lambda env: env._("Deferred revenue not posted"), error)

    @api.model
    def _over_domain(self):
        """Return the domain of the shares that wait although their month is over."""
        tomorrow = fields.Date.context_today(self) + timedelta(days=1)
        return [("month", "<", months.first_day(tomorrow)), ("state", "=", "waiting")]

    def _post_earned(self):
        """Post these shares as revenue of their months."""
        for (company, month), shares in self.grouped(
                lambda share: (share.company_id, share.month)).items():
            shares.earned_entry_id = shares._post_entry(
                company, months.last_day(month), self.env._("Revenue of the month"), 1)

    def _earn_now(self, date):
        """Post these shares as revenue before their months, because no service is owed any more.

        :param date date: of the journal entries
        """
        waiting = self.filtered(lambda share: share.state == "waiting")
        for company, shares in waiting.grouped("company_id").items():
            shares.earned_entry_id = shares._post_entry(
                company, date, self.env._("Revenue of a service that has ended"), 1)

    # Entries ------------------------------------------------------------------------------------

    def _post_entry(self, company, date, label, sign):
        """Post shares from deferred revenue to revenue, or back.

        :param date date: wanted; locked dates give way to the first open one
        :param int sign: 1 earns, -1 defers
        :return: the posted ``account.move``
        """
        day = company._deferral_date(date)
        # sudo: the books follow from the invoices, whoever posts them
        entry = self.env["account.move"].sudo().with_company(company).create({
            "move_type": "entry", "company_id": company.id,
            "journal_id": self._journal(company).id,
            "date": day, "ref": label, "is_revenue_deferral": True,
            "line_ids": [
                Command.create(item)
                for shares in self.grouped(lambda share: (
                    share.move_id, share.line_id, share.account_id,
                    share.deferral_account_id)).values()
                for item in shares._prepare_items(sign)],
        })
        entry._post(soft=False)
        if day != date:
            books = self.with_context(lang=company.partner_id.lang or self.env.lang)
            entry.message_post(body=books.env._(
                "Due on %(wanted)s, when the books are closed: posted on %(day)s, the first open "
                "day.", wanted=format_date(books.env, date), day=format_date(books.env, day)))
        return entry

    def _prepare_items(self, sign):
        """Return the values of two journal items for the shares of one invoice line."""
        share, amount = self[0], self.currency_id.round(sign * sum(self.mapped("amount")))
        common = {"name": share.move_id.name, "partner_id": share.partner_id.id}
        return [
            {**common, "account_id": share.deferral_account_id.id, "balance": amount,
             "analytic_distribution": False},
            {**common, "account_id": share.account_id.id, "balance": -amount,
             "analytic_distribution": share.analytic_distribution or False},
        ]

    def _journal(self, company):
        """Return the miscellaneous journal of a company."""
        journals = self.env["account.journal"].sudo()
        return journals.search(
            [*journals._check_company_domain(company), ("type", "=", "general")], limit=1)

    # Check --------------------------------------------------------------------------------------

    @api.model
    def _reconcile_on(self, company, day):
        """Compare deferred revenue with its accounts at the end of a day.

        :param date day: what was posted later is left out, on both sides
        :return: list of dict: account, waiting (by invoices' months), posted, difference (company
            currency; credits are positive), strangers (items on the account that no share made)
        """
        waiting = defaultdict(float)
        shares = [("company_id", "=", company.id), ("is_void", "=", False)]
        for side, sign in (("deferred_entry_id", 1), ("earned_entry_id", -1)):
            for account, amount in self._read_group(
                    [*shares, (f"{side}.date", "<=", day)], ["deferral_account_id"],
                    ["amount:sum"]):
                waiting[account] += sign * amount
        accounts = self.env["account.account"].union(*waiting) | company.deferral_account_id
        items = self.env["account.move.line"]
        domain = [("company_id", "=", company.id), ("parent_state", "=", "posted"),
                  ("account_id", "in", accounts.ids), ("date", "<=", day)]
        posted = dict(items._read_group(domain, ["account_id"], ["balance:sum"]))
        strangers = items.search(
            [*domain, ("move_id.is_revenue_deferral", "=", False), ("balance", "!=", 0)])
        return [{
            "account": account, "waiting": company.currency_id.round(waiting[account]),
            "posted": company.currency_id.round(-posted.get(account, 0.0)),
            "difference": company.currency_id.round(
                -posted.get(account, 0.0) - waiting[account]),
            "strangers": strangers.filtered(
                lambda item, account=account: item.account_id == account),
        } for account in accounts.sorted("code")]

    @api.model
    def _violations(self):
        """List the accounts whose deferred revenue is not what their shares say.

        :return: list of texts, empty when all is well
        """
        self.env.flush_all()
        self.env.cr.execute(SQL("""
            WITH waiting AS (
                SELECT deferral_account_id AS account, SUM(amount) AS amount
                  FROM revenue_deferral
                 WHERE earned_entry_id IS NULL AND NOT COALESCE(is_void, FALSE)
              GROUP BY deferral_account_id),
            posted AS (
                SELECT line.account_id AS account, -SUM(line.balance) AS amount
                  FROM account_move_line line
                  JOIN account_move move ON move.id = line.move_id
                 WHERE move.is_revenue_deferral AND move.state = 'posted'
                   AND line.account_id IN (SELECT deferral_account_id FROM revenue_deferral)
              GROUP BY line.account_id)
            SELECT account, COALESCE(waiting.amount, 0), COALESCE(posted.amount, 0)
              FROM waiting FULL JOIN posted USING (account)
             WHERE COALESCE(waiting.amount, 0) <> COALESCE(posted.amount, 0)"""))
        return [
            f"account {account}: {waiting} waiting, {posted} posted"
            for account, waiting, posted in self.env.cr.fetchall()]
