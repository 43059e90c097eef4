from odoo import api, fields, models

USES = ("booking", "refund", "adjustment", "reversal")


class CreditDebt(models.Model):
    """Credits that are owed, because their price was paid back after they were used.

    The balance of a wallet is never negative. Credits that a credit note, a refund or a chargeback
    cannot take back are recorded here until the centre settles the debt: the customer pays it, or
    it is waived.
    """

    _name = "credit.debt"
    _description = "Credits Refunded after Use"
    _engine_only = True
    _order = "id desc"

    wallet_id = fields.Many2one(
        "credit.wallet", required=True, readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one(related="wallet_id.partner_id", store=True, precompute=True)
    company_id = fields.Many2one(related="wallet_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    lot_id = fields.Many2one(
        "credit.lot", required=True, readonly=True, index=True, ondelete="restrict")
    credit_note_line_id = fields.Many2one(
        "account.move.line", readonly=True, ondelete="restrict",
        help="The line of the credit note that gave the price back.")
    credit_note_id = fields.Many2one(
        related="credit_note_line_id.move_id", store=True, index=True)
    withdrawn_line_id = fields.Many2one(
        "account.move.line", readonly=True, index="btree_not_null", ondelete="restrict",
        help="The line of the invoice whose payment was taken back.")
    withdrawal_reference = fields.Char(
        string="Payment taken back", readonly=True, help="Of the refund or the dispute.")
    credits = fields.Integer(readonly=True, required=True, help="Credits used, then refunded.")
    value = fields.Monetary(
        readonly=True, help="Untaxed money returned for these credits, company currency.")
    state = fields.Selection(
        [("open", "Open"), ("settled", "Settled"), ("void", "Void")], required=True,
        readonly=True, default="open", help="Settled: the customer paid these credits, or they "
        "were waived. Void: the payment came back, or a credit note took its place.")

    _credit_note_line_once = models.Constraint(
        "UNIQUE(credit_note_line_id)", "The debt of this credit note is already stated.")
    _withdrawal_once = models.UniqueIndex(
        "(withdrawn_line_id, withdrawal_reference) WHERE state <> 'void'",
        "The debt of this payment is already stated.")
    _has_one_cause = models.Constraint(
        "CHECK((credit_note_line_id IS NULL) <> (withdrawn_line_id IS NULL)"
        " AND (withdrawn_line_id IS NULL) = (withdrawal_reference IS NULL))",
        "A debt comes from a credit note, or from a payment taken back.")
    _credits_positive = models.Constraint(
        "CHECK(credits > 0 AND value >= 0)", "A debt is at least one credit.")

    @api.depends("credit_note_id.name", "withdrawal_reference")
    def _compute_display_name(self):
        for debt in self:
            # sudo: only the number, for who settles debts without rights on invoices
            debt.display_name = debt.withdrawal_reference or debt.sudo().credit_note_id.name

    def action_settle(self):
        """Settle the debts: the customer paid these credits, or the centre waives them."""
        self.check_access("write")
        # sudo: the right was just checked; debts are written by the system only
        self.sudo().filtered(lambda debt: debt.state == "open").state = "settled"
        for debt in self:
            debt.wallet_id.message_post(body=self.env._(
                "Debt of %(credits)s (%(document)s) settled.",
                credits=debt.wallet_id._credits_label(debt.credits),
                document=debt.display_name))

    # Refund of a pack ---------------------------------------------------------------------

    @api.model
    def _take_back(self, lines, grants):
        """Follow posted credit notes of packs in the ledger.

        :param lines: their ``account.move.line``, each of which names the line it refunds
        :param grants: the ``credit.entry`` that granted the refunded lines, before they were
            posted; a pack refunded before it was paid has none
        """
        grant_of = {grant.invoice_line_id: grant for grant in grants}
        for line in lines - self._followed(lines):
            if grant := grant_of.get(line.credit_refunded_line_id):
                self._take_back_line(line, grant)

    @api.model
    def _followed(self, lines):
        """Return the lines of credit notes that the ledger or the books have already followed."""
        return (
            self.env["credit.entry"].search([("invoice_line_id", "in", lines.ids)]).invoice_line_id
            | self.env["account.move"].search(
                [("credit_given_up_line_id", "in", lines.ids)]).credit_given_up_line_id)

    @api.model
    def _take_back_line(self, line, grant):
        """Follow a credit note line that refunds packs."""
        credits = sum(line.credit_refunded_line_id._credit_note_take(
            line.move_id.credit_refund_scope, line.quantity, line._credit_given()))
        self._take_back_credits(line, grant, credits, line.credit_value)

    @api.model
    def _take_back_credits(self, line, grant, credits, value):
        """Claw back what is left of what was granted, and record the rest as a debt.

        The credit note took the price off the pending account. The credits clawed back fill it
        again from the deferred account. The rest became income when the credits were used or
        expired: it is given up, on the reduction of sales (PCG 709), which also takes a difference
        of price or of exchange rate with the purchase.

        Credits held since a payment was taken back are released first: the credit note replaces
        the hold, and the part it does not cover is held again.

        :param line: the ``account.move.line`` of the credit note
        :param grant: the ``credit.entry`` that granted what is refunded
        :param int credits: how many credits are refunded, used or not
        :param float value: untaxed price returned for them, company currency
        """
        held = grant.invoice_line_id._credit_release_held(self.env._(
            "%(credit_note)s takes its place.", credit_note=line.move_id.name))
        entries = self._claw_back(line, grant, credits)
        given_up = line.company_currency_id.round(value + sum(entries.mapped("value")))
        self._post_given_up(line, given_up)
        missing = credits + sum(entries.mapped("credits"))
        self._record_debt(grant, missing, max(given_up, 0.0), credit_note_line_id=line.id)
        grant.invoice_line_id._credit_hold_rest(held, credits)

    @api.model
    def _record_debt(self, grant, missing, value, **cause):
        """Record as a debt those of the missing credits that were used; others expired.

        :param grant: the ``credit.entry`` that granted them
        :param int missing: credits to take back that are not in the wallet any more
        :param float value: untaxed money returned for the missing credits
        :param cause: ``credit_note_line_id``, or ``withdrawn_line_id`` and its reference
        :return: the debt, or none
        """
        lot = grant.lot_move_ids.lot_id
        used = min(missing, self._used_credits(lot))
        if used <= 0:
            return self.browse()
        return self.create({
            "wallet_id": grant.wallet_id._survivor().id, "lot_id": lot.id, "credits": used,
            "value": lot.currency_id.round(value * used / missing), **cause})

    @api.model
    def _claw_back(self, line, grant, credits):
        """Take credits of the grant back, wherever they are now.

        :return: the ``credit.entry`` records, none when nothing is left to take
        """
        key = f"clawback:account.move.line:{line.id}"
        vals = {"origin": line.move_id.name, "invoice_line_id": line.id}
        lots = grant.lot_move_ids.lot_id._lock_offspring()
        if credits == grant.credits == lots[:1].remaining and not grant.reversal_ids:
            return grant._reverse(key, kind="clawback", **vals)
        return lots._claw_back(credits, "clawback", key, **vals)

    @api.model
    def _used_credits(self, lot):
        """Count the credits of the lot that bought something and are not recorded as a debt yet."""
        lots = lot._with_offspring()
        used = -sum(lots.move_ids.filtered(
            lambda move: move.entry_id.kind in USES).mapped("credits"))
        return used - sum(self.search(
            [("lot_id", "in", lots.ids), ("state", "!=", "void")]).mapped("credits"))

    @api.model
    def _post_given_up(self, line, amount, label=None):
        """Post income given up with a refund: from the reduction of sales to the pending account.

        :param float amount: untaxed, company currency; negative when part of the price is kept
        :param str label: of the journal entry; by default that its credits were used
        """
        company = line.company_id
        if company.currency_id.is_zero(amount):
            return
        label = label or self.env._(
            "%(credit_note)s: credits already used", credit_note=line.move_id.name)
        given_back = company._credit_account("credit_giveback_account_id")
        vals = company._credit_prepare_move_vals(label, [
            {"account_id": account.id, "balance": balance, "name": label,
             "partner_id": line.partner_id.commercial_partner_id.id}
            for account, balance in ((given_back, amount), (line.account_id, -amount))])
        move = self.env["credit.entry"]._ledger_moves().create(
            {**vals, "credit_given_up_line_id": line.id})
        move._post(soft=False)
