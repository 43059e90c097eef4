from collections import Counter
from datetime import timedelta
from itertools import groupby

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date, split_every

from odoo.addons.concurrency_base.tools import find_staff, tell_once, work_through

from ..exceptions import IdempotencyConflict, InsufficientCredits

MAX_CREDITS = 10_000_000  # of one operation; balances are 32-bit integers
BATCH_SIZE = 1000


class CreditWallet(models.Model):
    """The credits a customer may spend. Every change of the balance is one ``credit.entry``.

    Its other parts have files of their own: the wallets of companies and their employees
    (``credit_wallet_team``), and the wallets of merged contacts (``credit_wallet_merge``).
    """

    _name = "credit.wallet"
    _description = "Credit Wallet"
    _inherit = ["mail.thread", "mail.activity.mixin", "credit.download.mixin"]
    _rec_name = "partner_id"
    _order = "id desc"
    _export_fields = (
        "id", "partner_id", "balance", "value", "next_expiry_date", "next_expiry_credits",
        "company_id")

    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, readonly=True, engine=True, index=True,
        ondelete="restrict")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, engine=True,
        default=lambda self: self.env.company)
    active = fields.Boolean(default=True, readonly=True, engine=True, copy=False)
    merged_into_id = fields.Many2one(
        "credit.wallet", string="Merged into", readonly=True, engine=True, copy=False,
        index="btree_not_null",
        ondelete="restrict", help="The wallet that took over what this one held, when their "
        "owners were merged. This one keeps its history.")
    currency_id = fields.Many2one(related="company_id.currency_id")
    balance = fields.Integer(
        default=0, required=True, readonly=True, engine=True, copy=False,
        help="Credits in the wallet.")
    spendable = fields.Integer(
        compute="_compute_spendable", string="Credits that can be spent",
        help="The balance, less the credits that expired and wait for the nightly run.")
    value = fields.Monetary(
        compute="_compute_lot_totals", string="Value owed",
        help="Untaxed value of the credits not yet used, in the company's currency.")
    next_expiry_date = fields.Date(compute="_compute_lot_totals", string="Next expiry")
    next_expiry_credits = fields.Integer(compute="_compute_lot_totals")
    lot_ids = fields.One2many("credit.lot", "wallet_id", string="Lots")
    entry_ids = fields.One2many("credit.entry", "wallet_id", string="Ledger")
    debt_ids = fields.One2many("credit.debt", "wallet_id", string="Debts")
    spender_ids = fields.Many2many(
        "res.partner", string="Who may spend",
        domain="[('id', 'child_of', partner_id)]",
        help="Contacts of the company who may see and spend these credits.")
    reader_ids = fields.Many2many(
        "res.partner", compute="_compute_reader_ids", search="_search_reader_ids",
        string="Who may see it", help="The owner, the managers and who may spend: all of them "
        "may spend.")

    _one_per_customer = models.UniqueIndex(
        "(partner_id, company_id) WHERE active",
        "This customer already has a wallet in this company.")
    _archived_when_merged = models.Constraint(
        "CHECK(active = (merged_into_id IS NULL))",
        "A wallet cannot be archived: remove its credits instead, if it is not to be used.")
    _balance_not_negative = models.Constraint(
        "CHECK(balance >= 0)", "A wallet cannot hold fewer than zero credits.")

    @api.depends("balance", "lot_ids.remaining", "lot_ids.expiry_date")
    def _compute_spendable(self):
        spendable = self._spendable()
        for wallet in self:
            wallet.spendable = spendable.get(wallet.id, 0)

    @api.depends("lot_ids.remaining", "lot_ids.value_remaining")
    def _compute_lot_totals(self):
        totals = {
            wallet.id: value for wallet, value in self.env["credit.lot"]._read_group(
                [("wallet_id", "in", self.ids)], ["wallet_id"], ["value_remaining:sum"])}
        expiring = self.env["credit.lot"]._read_group(
            [("wallet_id", "in", self.ids), ("remaining", ">", 0), ("expiry_date", "!=", False)],
            ["wallet_id", "expiry_date:day"], ["remaining:sum"], order="expiry_date:day desc")
        soonest = {wallet.id: (day, credits) for wallet, day, credits in expiring}
        for wallet in self:
            wallet.value = totals.get(wallet.id, 0.0)
            wallet.next_expiry_date, wallet.next_expiry_credits = soonest.get(
                wallet.id, (False, 0))

    @api.depends(
        "partner_id", "manager_ids", "spender_ids.active", "spender_ids.commercial_partner_id")
    def _compute_reader_ids(self):
        for wallet in self:
            wallet.reader_ids = (
                wallet.partner_id | wallet._named_spenders() | wallet.manager_ids)

    def _search_reader_ids(self, operator, value):
        """Search each table by its index: an OR over them would read every wallet."""
        if operator != "in":
            return NotImplemented
        partner_ids = [partner_id for partner_id in value if partner_id]
        field = self._fields["spender_ids"]
        return fields.Domain("id", "any!", SQL(
            """SELECT id FROM credit_wallet WHERE partner_id IN (
                      SELECT customer_id FROM (%(managers)s) AS acting
                       WHERE person_id = ANY(%(people)s))
                UNION ALL
               SELECT named.%(wallet)s
                 FROM %(relation)s AS named
                 JOIN credit_wallet AS wallet ON wallet.id = named.%(wallet)s
                 JOIN res_partner AS person ON person.id = named.%(person)s AND person.active
                      AND person.commercial_partner_id = wallet.partner_id
                WHERE named.%(person)s = ANY(%(people)s)""",
            managers=self.env["res.partner"]._may_sql("manage"), people=partner_ids,
            wallet=SQL.identifier(field.column1), person=SQL.identifier(field.column2),
            relation=SQL.identifier(field.relation)))

    @api.model
    def _of(self, partner, company):
        """Return the wallet of the partner's company or of the person, created when missing.

        :raise UserError: no partner
        """
        if not partner:
            raise UserError(self.env._("Sign in or name a customer: a wallet needs an owner."))
        return self._of_all(partner, company)[partner]

    @api.model
    def _of_all(self, partners, company):
        """Return the wallets of many partners; those missing are created at once.

        sudo: customers have no right to create wallets; the caller names the owners.

        :return: dict of ``res.partner`` to ``credit.wallet``
        """
        owners = partners.commercial_partner_id
        wallets = self.sudo().with_company(company)
        domain = [("partner_id", "in", owners.ids), ("company_id", "=", company.id)]
        found = wallets.search(domain)
        if missing := owners - found.partner_id:
            wallets._open_for(missing, company)
            found = wallets.search(domain)
        by_owner = found.grouped("partner_id")
        return {partner: by_owner[partner.commercial_partner_id] for partner in partners}

    @api.model
    def _open_for(self, owners, company):
        """Create the wallets of these customers.

        When another transaction creates the same wallet meanwhile, PostgreSQL answers with a
        serialization error, which Odoo retries. The ORM's INSERT would break the unique key and
        show the customer an error.
        """
        self.env.cr.execute(SQL(
            "INSERT INTO credit_wallet (partner_id, company_id, active, balance,"
            " create_uid, create_date, write_uid, write_date)"
            " SELECT owner, %(company)s, true, 0, %(user)s, %(now)s, %(user)s, %(now)s"
            " FROM unnest(%(owners)s::int[]) AS owner"
            " ON CONFLICT (partner_id, company_id) WHERE active DO NOTHING RETURNING id",
            company=company.id, user=self.env.uid, now=self.env.cr.now(), owners=owners.ids))
        made = self.browse(wallet_id for wallet_id, in self.env.cr.fetchall())
        made.modified(["partner_id", "company_id", "active", "balance"])

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for wallet in self:
            if wallet.sudo().entry_ids:  # sudo: whether there are any
                raise UserError(self.env._(
                    "The wallet of %(name)s has a history, which the books refer to: it cannot "
                    "be deleted. Remove its credits instead, if it is not to be used.",
                    name=wallet.partner_id.display_name))

    def _responsible(self):
        """Return the user who is told what staff must look at: an administrator of credits."""
        self.ensure_one()
        # sudo: who is told does not depend on who is signed in
        managers = self.env.ref("credit_wallet.group_credit_manager").sudo().all_user_ids
        return managers.filtered(
            lambda user: user.active and self.company_id in user.company_ids
        ).sorted(lambda user: (user == self.env.ref("base.user_admin", False), user.id))[:1]

    def _may_spend(self, partner):
        """Tell whether the person may spend: the owner, a manager, or a contact they named."""
        self.ensure_one()
        return (partner == self.partner_id or self._may_manage(partner)
                or partner in self._named_spenders())

    @api.model
    def _companies(self):
        """Return the companies that have wallets."""
        groups = self.env["credit.wallet"]._read_group([], ["company_id"])
        return self.env["res.company"].concat(*(company for (company,) in groups))

    @api.model
    def _credits_label(self, credits):
        """Return a number of credits as people say it: « 1 crédit », « 2 crédits »."""
        if not credits:
            return self.env._("0 credits")
        if credits == 1:
            return self.env._("1 credit")
        return self.env._("%(count)s credits", count=credits)

    # Movements --------------------------------------------------------------------------

    def _grant(self, credits, value, key, kind="purchase", expiry_date=False, voucher_kind=None,
               **entry_vals):
        """Add a lot of credits.

        :param int credits: how many, more than zero
        :param float value: untaxed value of the lot, company currency; zero for a gift
        :param str key: idempotency key: the second call with it returns the first entry
        :param date expiry_date: last local day the credits can be spent, or False
        :param str voucher_kind: "single" or "multi"; by default what the company now sells
        :return: the ``credit.entry``
        :raise UserError: not a positive whole number, or an expiry already past
        :raise IdempotencyConflict: the key is known with other content
        """
        self.ensure_one()
        return self._grant_all(kind, [{
            "wallet": self, "credits": credits, "value": value, "key": key,
            "expiry_date": expiry_date, "voucher_kind": voucher_kind, "entry_vals": entry_vals}])

    @api.model
    def _grant_all(self, kind, grants, account=None):
        """Add many lots at once, in as many queries as for one; see :meth:`_grant`.

        :param list grants: for each lot a dict of ``wallet``, ``credits``, ``value``, ``key``,
            ``expiry_date``, ``entry_vals`` and perhaps ``voucher_kind``
        :param account: what the value of manual changes is posted against
        :return: the ``credit.entry`` records, in the order of the grants
        """
        for grant in grants:
            self._check_whole_credits(grant["credits"])
        known = self._known_entries(kind, grants)
        new = [grant for grant in grants if grant["key"] not in known]
        if new:
            self._check_grant_expiries(new)
            balances = self._add_to_balances(new)
            # sudo: lots and ledger rows are made by the ledger's methods only
            lots = self.env["credit.lot"].sudo().create(
                [self._prepare_lot_vals(grant) for grant in new])
            entries = self.env["credit.entry"].sudo().create([
                self._prepare_entry_vals(
                    grant["wallet"], kind, grant["key"], balance,
                    [(lot, lot.granted, grant["value"])], **grant["entry_vals"])
                for grant, lot, balance in zip(new, lots, balances, strict=True)])
            entries._post_to_accounts(account)
            known.update((entry.idempotency_key, entry) for entry in entries)
        return self.env["credit.entry"].concat(*(known[grant["key"]] for grant in grants))

    def _check_grant_expiries(self, grants):
        today = {company: company._credit_today() for company in {
            grant["wallet"].company_id for grant in grants}}
        for grant in grants:
            expiry = grant["expiry_date"]
            if expiry and expiry < today[grant["wallet"].company_id]:
                raise UserError(self.env._(
                    "Credits cannot be granted with an expiry in the past (%(date)s).",
                    date=format_date(self.env, expiry)))

    def _add_to_balances(self, grants):
        """Add the granted credits to the wallets.

        :return: the balance after each of the grants, in their order
        """
        totals = Counter()
        for grant in grants:
            totals[grant["wallet"].id] += grant["credits"]
        running = self._update_balances(totals)
        for wallet_id, total in totals.items():
            running[wallet_id] -= total
        balances = []
        for grant in grants:
            running[grant["wallet"].id] += grant["credits"]
            balances.append(running[grant["wallet"].id])
        return balances

    def _prepare_lot_vals(self, grant):
        """Prepare the values of a lot to grant."""
        return {
            "wallet_id": grant["wallet"].id,
            "granted": grant["credits"], "remaining": grant["credits"],
            "value_granted": grant["value"], "value_remaining": grant["value"],
            "granted_date": grant["wallet"].company_id._credit_today(),
            "expiry_date": grant["expiry_date"],
            "voucher_kind": (
                grant.get("voucher_kind") or grant["wallet"].company_id.credit_voucher_kind),
        }

    def _spend(self, credits, key, kind="booking", **entry_vals):
        """Take credits from the lots that expire first, then from the oldest.

        A booking is posted to the accounts by its invoice, which the caller makes in the same
        transaction (``_create_consumption_invoice``); other kinds are posted here.

        :param int credits: how many, more than zero
        :return: the ``credit.entry``, its credits and value negative
        :raise InsufficientCredits: the wallet holds fewer; nothing was written
        :raise IdempotencyConflict: the key is known with other content
        """
        self.ensure_one()
        self._check_whole_credits(credits)
        if known := self._known_entry(key, kind, -credits):
            return known
        self._expire_lots()
        balance = self._move_balance(-credits)
        moves = self._open_lots()._take_credits(credits)
        entry = self._write_entry(kind, key, balance, moves, **entry_vals)
        if kind != "booking":
            entry._post_to_accounts()
        self._warn_low_balance(balance + credits, balance)
        return entry

    def _warn_low_balance(self, before, after):
        """Tell the customer once, when the balance falls below the company's threshold."""
        if before >= self.company_id.credit_low_balance > after:
            self.env.ref("credit_wallet.mail_template_credits_low").send_mail(self.id)

    def _claw_back(self, lots, credits, key, kind="clawback", **entry_vals):
        """Take back what is left of lots of this wallet whose price was given back.

        :param lots: the ``credit.lot`` records, in the order to take from
        :param int credits: how many, not above what is left of the lots
        :return: the ``credit.entry``
        """
        self.ensure_one()
        balance = self._move_balance(-credits)
        entry = self._write_entry(kind, key, balance, lots._take_credits(credits), **entry_vals)
        entry._post_to_accounts()
        return entry

    def _open_lots(self):
        """Return the lots with credits left, in the order in which they are spent."""
        return self.env["credit.lot"].sudo().search_fetch(  # sudo: spending moves any lot
            [("wallet_id", "=", self.id), ("remaining", ">", 0)],
            ["remaining", "value_remaining", "company_id"])

    @api.model
    def _adjust_all(self, changes, account=None):
        """Add or remove credits by hand, in the order given, and post their value.

        :param list changes: dicts as for :meth:`_grant_all`, with credits below zero for those
            to remove; their ``entry_vals`` have a ``reason``
        :param account: clearing account of what is added at a price; by default the company's
        :return: the ``credit.entry`` records, in the same order
        :raise InsufficientCredits: a wallet holds fewer than is removed
        """
        known = self.env["credit.entry"].search(
            [("idempotency_key", "in", [change["key"] for change in changes])])
        entries = []
        # Runs of the given order: what is removed may be what was just added.
        for added, run in groupby(changes, key=lambda change: change["credits"] > 0):  # pylint: disable=bad-builtin-groupby
            if added:
                for batch in split_every(BATCH_SIZE, run):
                    entries.append(self._grant_all("adjustment", batch, account))
            else:
                entries.extend(
                    change["wallet"]._spend(
                        -change["credits"], change["key"], kind="adjustment",
                        **change["entry_vals"]) for change in run)
        entries = self.env["credit.entry"].concat(*entries)
        (entries - known)._send_mail("credit_wallet.mail_template_credits_changed")
        return entries

    def _spendable(self):
        """Compute the credits that can be spent today: the balance, less expired lots.

        Expired lots count in the balance until the scheduled action takes them out.

        :return: dict of credits by wallet id
        """
        spendable = {wallet.id: wallet.balance for wallet in self}
        for company, wallets in self.grouped("company_id").items():
            expired = self.env["credit.lot"]._read_group(
                [("wallet_id", "in", wallets.ids), ("remaining", ">", 0),
                 ("expiry_date", "<", company._credit_today())],
                ["wallet_id"], ["remaining:sum"])
            for wallet, credits in expired:
                spendable[wallet.id] -= credits
        return spendable

    def _check_whole_credits(self, credits):
        if not isinstance(credits, int) or isinstance(credits, bool) or credits <= 0:
            raise UserError(self.env._(
                "A number of credits is a whole number above zero, not %(credits)s.",
                credits=credits))
        if credits > MAX_CREDITS:
            raise UserError(self.env._(
                "%(credits)s credits are too many for one operation: at most %(maximum)s.",
                credits=credits, maximum=MAX_CREDITS))

    def _known_entry(self, key, kind, credits):
        """Return the entry already posted under this key, after comparing its content."""
        known = self._known_entries(kind, [{"wallet": self, "credits": credits, "key": key}])
        return known.get(key)

    def _known_entries(self, kind, operations):
        """Return the entries already posted under the keys of these operations.

        The expiry is not compared: repeated on another day, a purchase would expire later.

        :param list operations: dicts with ``wallet``, signed ``credits``, ``key``, and for a
            grant ``value`` (company currency)
        :return: dict of key to ``credit.entry``
        :raise IdempotencyConflict: a key is known with another wallet, kind or amount
        """
        found = self.env["credit.entry"].sudo().search([
            ("idempotency_key", "in", [operation["key"] for operation in operations])])
        known = {entry.idempotency_key: entry for entry in found}
        for operation in operations if known else ():
            entry = known.get(operation["key"])
            if entry and not entry._is_of(kind, operation):
                raise IdempotencyConflict(self.env._(
                    "The operation “%(key)s” was already recorded with another content "
                    "(%(credits)s credits). Use a new key for a new operation.",
                    key=operation["key"], credits=entry.credits))
        return known

    def _move_balance(self, credits):
        """Change the balance by the credits; refuse to go below zero."""
        balance = self._update_balances({self.id: credits}).get(self.id)
        if balance is None:
            raise self._insufficient_error(-credits)
        return balance

    def _update_balances(self, changes):
        """Change the balances of the wallets that hold enough, in the one statement that decides.

        It locks the rows, and skips the wallets that hold too little.

        :param dict changes: signed credits by wallet id
        :return: dict of the new balance by wallet id, of the wallets that had enough
        """
        self.env.cr.execute(SQL(
            "UPDATE credit_wallet AS wallet SET balance = wallet.balance + change.credits "
            "FROM unnest(%(ids)s::int[], %(credits)s::int[]) AS change(id, credits) "
            "WHERE wallet.id = change.id AND wallet.balance + change.credits >= 0 "
            "RETURNING wallet.id, wallet.balance",
            ids=list(changes), credits=list(changes.values())))
        self.browse(changes).invalidate_recordset(["balance", "spendable"])
        return dict(self.env.cr.fetchall())

    def _insufficient_error(self, credits):
        return InsufficientCredits(self.env._(
            "Not enough credits: %(needed)s needed, %(balance)s in the wallet of %(name)s. "
            "Buy a pack of credits to go on.",
            needed=self._credits_label(credits), balance=self._credits_label(self.spendable),
            name=self.partner_id.display_name))

    def _write_entry(self, kind, key, balance, moves, **entry_vals):
        """Write the ledger row of movements already made on the balance and the lots.

        sudo: only the ledger's methods may create ledger rows.
        """
        return self.env["credit.entry"].sudo().create(self._prepare_entry_vals(
            self, kind, key, balance, moves, **entry_vals))

    @api.model
    def _prepare_entry_vals(self, wallet, kind, key, balance, moves, **entry_vals):
        """Prepare the values of the ledger row; ``entry_vals`` are further fields of the row."""
        return {
            **entry_vals,
            "accounting_date": wallet.company_id._credit_accounting_date(),
            "wallet_id": wallet.id, "kind": kind, "idempotency_key": key,
            "credits": sum(credits for _lot, credits, _value in moves),
            "value": sum(value for _lot, _credits, value in moves),
            "balance_after": balance,
            "lot_move_ids": [
                fields.Command.create({"lot_id": lot.id, "credits": credits, "value": value})
                for lot, credits, value in moves],
        }

    def _expire_lots(self):
        """Take expired credits out of these wallets; their value becomes income (breakage).

        A lot can be spent until the end of its expiry day in the company's timezone.
        """
        entries = self.env["credit.entry"]
        for company, wallets in self.grouped("company_id").items():
            lots = self.env["credit.lot"].sudo().search([
                ("wallet_id", "in", wallets.ids), ("remaining", ">", 0),
                ("expiry_date", "<", company._credit_today())])
            for lot in lots:
                wallet = lot.wallet_id
                balance = wallet._move_balance(-lot.remaining)
                # A refund may fill an expired lot again: the day tells the two expiries apart.
                key = f"expiry:lot:{lot.id}:{len(lot.move_ids)}"
                entries += wallet._write_entry(
                    "expiry", key, balance, lot._take_credits(lot.remaining))
        entries._post_to_accounts()
        return entries

    @api.model
    def _cron_expire(self, limit=500):
        """Expire lots nightly, a batch of wallets at a time, with a commit per batch."""
        domain = fields.Domain.OR(
            fields.Domain("company_id", "=", company.id) & fields.Domain(
                "lot_ids", "any", [("remaining", ">", 0),
                                   ("expiry_date", "<", company._credit_today())])
            for company in self._companies())

        def find(last_id):
            wallets = self.search(
                domain & fields.Domain("id", ">", last_id), order="id", limit=limit)
            return wallets, wallets.try_lock_for_update()

        if not work_through(
                self.env, find, lambda wallets: wallets._expire_lots(), self._tell_of_expiry_error):
            self.env["ir.cron"]._commit_progress(remaining=self.search_count(domain))

    @api.model
    def _tell_of_expiry_error(self, wallet, error):
        """Tell staff, once, that credits of the wallet could not expire."""
        user = find_staff(self.env, "credit_wallet.group_credit_manager", wallet.company_id)
        tell_once(wallet, user, lambda env: env._("Credits that could not expire"), error)

    @api.model
    def _check_invariants(self, company=None):
        """List the rules of the ledger and the books that do not hold, one sentence each.

        :param company: the ``res.company`` to check, by default all of them
        :return: list of str, empty when all is well
        """
        return self.env["credit.audit"]._violations(company or self._companies())

    def action_view_entries(self):
        """Open the ledger entries of the wallet."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "credit_wallet.credit_entry_action")
        return {**action, "domain": [("wallet_id", "=", self.id)], "context": {}}

    def _portal_expiring_soon(self, days=30):
        """Return the lots of the wallet that expire within the given number of days."""
        self.ensure_one()
        horizon = self.company_id._credit_today() + timedelta(days=days)
        return self.lot_ids.filtered(
            lambda lot: lot.remaining and lot.expiry_date and lot.expiry_date <= horizon)
