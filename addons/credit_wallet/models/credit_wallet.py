from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..exceptions import IdempotencyConflict, InsufficientCredits


class CreditWallet(models.Model):
    """What a customer may spend. Every change of the balance is one ``credit.entry``."""

    _name = "credit.wallet"
    _description = "Credit Wallet"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _rec_name = "partner_id"
    _order = "id desc"

    partner_id = fields.Many2one(
        "res.partner", string="Customer", required=True, readonly=True, index=True,
        ondelete="restrict")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related="company_id.currency_id")
    balance = fields.Integer(
        default=0, required=True, readonly=True, copy=False, help="Credits in the wallet.")
    value = fields.Monetary(
        compute="_compute_lot_totals", string="Value owed",
        help="Untaxed value of the credits not yet used, in the company's currency.")
    next_expiry_date = fields.Date(compute="_compute_lot_totals", string="Next expiry")
    next_expiry_credits = fields.Integer(compute="_compute_lot_totals")
    lot_ids = fields.One2many("credit.lot", "wallet_id", string="Lots")
    entry_ids = fields.One2many("credit.entry", "wallet_id", string="Ledger")
    spender_ids = fields.Many2many(
        "res.partner", string="Who may spend",
        domain="[('id', 'child_of', partner_id)]",
        help="Contacts of the company who may see and spend these credits.")
    reader_ids = fields.Many2many(
        "res.partner", compute="_compute_reader_ids", search="_search_reader_ids",
        string="Who may see it", help="The owner and who may spend.")

    _partner_company_unique = models.Constraint(
        "UNIQUE(partner_id, company_id)", "This customer already has a wallet in this company.")
    _balance_not_negative = models.Constraint(
        "CHECK(balance >= 0)", "A wallet cannot hold fewer than zero credits.")

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

    @api.depends("partner_id", "spender_ids")
    def _compute_reader_ids(self):
        for wallet in self:
            wallet.reader_ids = wallet.partner_id | wallet.spender_ids

    def _search_reader_ids(self, operator, value):
        """Two look-ups by index: an OR over both tables would read every wallet."""
        if operator != "in":
            return NotImplemented
        spenders = self._fields["spender_ids"]
        return fields.Domain("id", "any!", SQL(
            "SELECT id FROM credit_wallet WHERE partner_id = ANY(%(ids)s) "
            "UNION ALL SELECT %(wallet)s FROM %(relation)s WHERE %(partner)s = ANY(%(ids)s)",
            ids=[partner_id for partner_id in value if partner_id],
            wallet=SQL.identifier(spenders.column1), partner=SQL.identifier(spenders.column2),
            relation=SQL.identifier(spenders.relation)))

    @api.model
    def _of(self, partner, company):
        """The wallet of the partner's company or of the person, made when missing.

        sudo: customers have no right to create wallets; the caller names whose it is.
        """
        owner = partner.commercial_partner_id
        wallets = self.sudo().with_company(company)
        wallet = wallets.search([("partner_id", "=", owner.id), ("company_id", "=", company.id)])
        if wallet:
            return wallet
        if not owner:
            raise UserError(self.env._("Sign in or name a customer: a wallet needs an owner."))
        return wallets.create({"partner_id": owner.id, "company_id": company.id})

    def _may_spend(self, partner):
        """Whether the person may spend: the owner, or a contact the owner's company named."""
        self.ensure_one()
        return partner == self.partner_id or partner in self.spender_ids

    @api.model
    def _credits_label(self, credits):
        """« 1 crédit », « 2 crédits »: a number of credits as people say it."""
        if not credits:
            return self.env._("0 credits")
        if credits == 1:
            return self.env._("1 credit")
        return self.env._("%(count)s credits", count=credits)

    # Movements --------------------------------------------------------------------------

    def _grant(self, credits, value, key, kind="purchase", expiry_date=False, **entry_vals):
        """Add a lot of credits.

        :param int credits: how many, more than zero
        :param float value: untaxed value of the lot, company currency; zero for a gift
        :param str key: idempotency key: the second call with it returns the first entry
        :param date expiry_date: last local day the credits can be spent, or False
        :return: the ``credit.entry``
        :raise UserError: not a positive whole number, or an expiry already past
        :raise IdempotencyConflict: the key is known with other content
        """
        self.ensure_one()
        self._check_whole_credits(credits)
        if known := self._known_entry(key, kind, credits):
            return known
        if expiry_date and expiry_date < self.company_id._credit_today():
            raise UserError(self.env._(
                "Credits cannot be granted with an expiry in the past (%(date)s).",
                date=expiry_date))
        balance = self._move_balance(credits)
        lot = self.env["credit.lot"].sudo().create({
            "wallet_id": self.id,
            "granted": credits, "remaining": credits,
            "value_granted": value, "value_remaining": value,
            "expiry_date": expiry_date,
        })
        return self._record(kind, key, balance, [(lot, credits, value)], **entry_vals)

    def _spend(self, credits, key, kind="booking", **entry_vals):
        """Take credits from the lots that expire first, then from the oldest.

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
        moves = self._open_lots()._take(credits)
        return self._record(kind, key, balance, moves, **entry_vals)

    def _open_lots(self):
        """Lots with credits left, in the order they are spent."""
        return self.env["credit.lot"].sudo().search_fetch(  # sudo: spending moves any lot
            [("wallet_id", "=", self.id), ("remaining", ">", 0)],
            ["remaining", "value_remaining", "company_id"])

    def _check_whole_credits(self, credits):
        if not isinstance(credits, int) or isinstance(credits, bool) or credits <= 0:
            raise UserError(self.env._(
                "A number of credits is a whole number above zero, not %(credits)s.",
                credits=credits))

    def _known_entry(self, key, kind, credits):
        """The entry already posted under this key, after comparing what it did."""
        entry = self.env["credit.entry"].sudo().search([("idempotency_key", "=", key)])
        if entry and (entry.wallet_id, entry.kind, entry.credits) != (self, kind, credits):
            raise IdempotencyConflict(self.env._(
                "The operation “%(key)s” was already recorded with another content "
                "(%(credits)s credits). Use a new key for a new operation.",
                key=key, credits=entry.credits))
        return entry

    def _move_balance(self, credits):
        """The one statement that decides: it locks the row, and refuses to go below zero."""
        self.env.cr.execute(SQL(
            "UPDATE credit_wallet SET balance = balance + %(credits)s "
            "WHERE id = %(id)s AND balance + %(credits)s >= 0 RETURNING balance",
            credits=credits, id=self.id))
        row = self.env.cr.fetchone()
        self.invalidate_recordset(["balance"])
        if row is None:
            raise InsufficientCredits(self.env._(
                "Not enough credits: %(needed)s needed, %(balance)s in the wallet of %(name)s. "
                "Buy a pack of credits to go on.",
                needed=self._credits_label(-credits), balance=self._credits_label(self.balance),
                name=self.partner_id.display_name))
        return row[0]

    def _record(self, kind, key, balance, moves, **entry_vals):
        """Write the ledger row of movements already made on the balance and the lots.

        sudo: nobody has the right to create ledger rows but this method.
        """
        return self.env["credit.entry"].sudo().create({
            **entry_vals,
            "wallet_id": self.id, "kind": kind, "idempotency_key": key,
            "credits": sum(credits for _lot, credits, _value in moves),
            "value": sum(value for _lot, _credits, value in moves),
            "balance_after": balance,
            "lot_move_ids": [
                fields.Command.create({"lot_id": lot.id, "credits": credits, "value": value})
                for lot, credits, value in moves],
        })

    def _expire_lots(self):
        """Take what expired out of these wallets; its value becomes income (breakage).

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
                entries += wallet._record("expiry", key, balance, lot._take(lot.remaining))
        entries._post_breakage()
        return entries

    @api.model
    def _cron_expire(self, limit=500):
        """Nightly: expire lots, a batch of wallets at a time, one commit a batch."""
        companies = [company for (company,) in self._read_group([], ["company_id"])]
        domain = fields.Domain.OR(
            fields.Domain("company_id", "=", company.id) & fields.Domain(
                "lot_ids", "any", [("remaining", ">", 0),
                                   ("expiry_date", "<", company._credit_today())])
            for company in companies)
        wallets = self.search(domain, limit=limit).try_lock_for_update()
        wallets._expire_lots()
        self.env["ir.cron"]._commit_progress(len(wallets), remaining=self.search_count(domain))

    def action_view_entries(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "credit_wallet.credit_entry_action")
        return {**action, "domain": [("wallet_id", "=", self.id)], "context": {}}

    def _portal_expiring_soon(self, days=30):
        """Lots of the wallet that expire within the given number of days."""
        self.ensure_one()
        horizon = self.company_id._credit_today() + timedelta(days=days)
        return self.lot_ids.filtered(
            lambda lot: lot.remaining and lot.expiry_date and lot.expiry_date <= horizon)
