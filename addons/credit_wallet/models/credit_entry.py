from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, split_every

BATCH_SIZE = 1000  # ledger entries in one journal entry
KINDS = [
    ("purchase", "Purchase"),
    ("booking", "Booking"),
    ("refund", "Refund"),
    ("expiry", "Expiry"),
    ("adjustment", "Manual change"),
    ("clawback", "Refund of a pack"),
    ("reversal", "Reversal"),
]


def forbid_changes(cr, table):
    """A trigger that refuses UPDATE and DELETE, so that not even SQL rewrites the ledger."""
    cr.execute("""
        CREATE OR REPLACE FUNCTION credit_ledger_is_append_only() RETURNS trigger AS $$
        BEGIN
            RAISE EXCEPTION 'The credit ledger is append-only: reverse the entry instead.'
                USING ERRCODE = 'restrict_violation';
        END $$ LANGUAGE plpgsql""")
    cr.execute(SQL(
        "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s "
        "FOR EACH ROW EXECUTE FUNCTION credit_ledger_is_append_only()", SQL.identifier(table)))


class CreditEntry(models.Model):
    """One line of the ledger: why a balance changed, by how much, and from which lots."""

    _name = "credit.entry"
    _description = "Credit Ledger Entry"
    _inherit = ["credit.download.mixin"]
    _order = "id desc"
    _export_fields = (
        "id", "date", "partner_id", "kind", "credits", "value", "balance_after", "origin",
        "reason", "user_id", "company_id")

    wallet_id = fields.Many2one(
        "credit.wallet", required=True, readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one(
        related="wallet_id.partner_id", store=True, precompute=True, index=True)
    company_id = fields.Many2one(related="wallet_id.company_id", store=True, precompute=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    kind = fields.Selection(KINDS, required=True, readonly=True, index=True)
    credits = fields.Integer(required=True, readonly=True, help="Added (+) or taken (-).")
    value = fields.Monetary(readonly=True, help="Untaxed value moved, company currency.")
    balance_after = fields.Integer(readonly=True, string="Balance")
    date = fields.Datetime(
        required=True, readonly=True, index=True, default=lambda self: fields.Datetime.now())
    user_id = fields.Many2one(
        "res.users", string="Author", readonly=True, default=lambda self: self.env.uid)
    reason = fields.Char(readonly=True)
    origin = fields.Char(readonly=True, help="The document behind the movement.")
    idempotency_key = fields.Char(required=True, readonly=True)
    reversed_entry_id = fields.Many2one("credit.entry", readonly=True, ondelete="restrict")
    lot_move_ids = fields.One2many("credit.lot.move", "entry_id", string="Lots", readonly=True)
    sale_line_id = fields.Many2one("sale.order.line", readonly=True, ondelete="restrict")
    reversal_ids = fields.One2many("credit.entry", "reversed_entry_id", string="Reversed by")
    # On the invoice's side, because a posted entry never changes.
    move_ids = fields.One2many("account.move", "credit_entry_id", string="Accounting")
    move_line_ids = fields.One2many(
        "account.move.line", "credit_entry_id", string="Journal items",
        help="Of journal entries, which may cover many ledger entries.")

    _idempotency_key_unique = models.Constraint(
        "UNIQUE(idempotency_key)", "This operation is already in the ledger.")
    _moves_something = models.Constraint(
        "CHECK(credits <> 0 AND balance_after >= 0)",
        "A ledger entry moves credits and leaves a balance of zero or more.")
    _reversed_once = models.UniqueIndex(
        "(reversed_entry_id) WHERE reversed_entry_id IS NOT NULL",
        "This entry is already reversed.")
    _manual_has_reason = models.Constraint(
        "CHECK(kind <> 'adjustment' OR reason <> '')", "A manual change states its reason.")
    _history = models.Index("(wallet_id, id DESC)")

    def init(self):
        forbid_changes(self.env.cr, self._table)

    @api.depends("kind", "credits")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for entry in self:
            entry.display_name = f"{kinds.get(entry.kind)} {entry.credits:+d}"

    def write(self, vals):
        if self:
            raise UserError(self.env._(
                "A ledger entry cannot be changed. Reverse it and post the right one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        raise UserError(self.env._("A ledger entry cannot be deleted. Reverse it instead."))

    def _reverse(self, key, kind="reversal", **entry_vals):
        """Undo the entry on the very lots it moved, with their value and expiry, once.

        :return: the new ``credit.entry``
        :raise UserError: the entry is itself a reversal, or the credits it granted are used
        :raise IdempotencyConflict: the key is known with other content
        """
        self.ensure_one()
        wallet = self.wallet_id
        if known := wallet._known_entry(key, kind, -self.credits):
            return known
        if self.reversed_entry_id:
            raise UserError(self.env._(
                "“%(entry)s” already undoes another entry and cannot be reversed.",
                entry=self.display_name))
        moves = [(move.lot_id, -move.credits, -move.value) for move in self.lot_move_ids]
        if any(lot.remaining + credits < 0 for lot, credits, _value in moves):
            raise UserError(self.env._(
                "“%(entry)s” cannot be reversed: its credits are already used.",
                entry=self.display_name))
        balance = wallet._move_balance(-self.credits)
        self.env["credit.lot"]._apply(moves)
        return wallet._record(
            kind, key, balance, moves, reversed_entry_id=self.id,
            **{"origin": self.origin, **entry_vals})

    def _reverse_adjustment(self, reason):
        """Undo a manual change, and its journal items; a second call changes nothing.

        :return: the ``credit.entry`` that reverses this one
        :raise UserError: not a manual change, no reason, or its credits are already used
        """
        self.ensure_one()
        if self.kind != "adjustment":
            raise UserError(self.env._(
                "“%(entry)s” is not a manual change. Cancel the document behind it instead: "
                "%(origin)s.", entry=self.display_name, origin=self.origin or "–"))
        if not (reason or "").strip():
            raise UserError(self.env._(
                "State why “%(entry)s” is reversed: the ledger keeps the reason.",
                entry=self.display_name))
        reversal = self._reverse(f"reversal:entry:{self.id}", reason=reason.strip())
        reversal._post_adjustment()
        return reversal

    # Accounting ---------------------------------------------------------------------------

    def _create_consumption_invoice(self, product, label, partner):
        """Post the zero-payable invoice of credits spent: value goes from deferred to income.

        The VAT was charged with the pack (single-purpose voucher, Directive (EU) 2016/1065,
        art. 30b(1) of the VAT Directive), so neither line bears any.

        :param product: product whose income account the service belongs to
        :param str label: what was bought, for the customer
        :param partner: whom the invoice is for
        """
        self.ensure_one()
        self = self.with_context(lang=partner.lang)
        company = self.company_id
        value = -self.value
        move = self.env["account.move"].with_company(company).create({
            "move_type": "out_invoice",
            "partner_id": partner.id,
            "company_id": company.id,
            "invoice_date": company._credit_today(),
            "credit_entry_id": self.id,
            "invoice_origin": self.origin,
            "invoice_line_ids": [
                fields.Command.create({
                    "product_id": product.id, "name": label, "quantity": 1,
                    "price_unit": value, "tax_ids": [fields.Command.clear()],
                }),
                fields.Command.create({
                    "name": self.env._(
                        "Paid with %(spent)s — balance: %(left)s\n"
                        "VAT charged on the invoice of the pack of credits",
                        spent=self.wallet_id._credits_label(-self.credits),
                        left=self.wallet_id._credits_label(self.balance_after)),
                    "quantity": 1, "price_unit": -value,
                    "account_id": company._credit_deferred_account().id,
                    "tax_ids": [fields.Command.clear()],
                }),
            ],
        })
        move._post(soft=False)  # the civil date may be ahead of the UTC one
        # Now, lest the customer's first look at the invoice collide with its sending.
        move._portal_ensure_token()
        move._credit_queue_mail()
        return move

    def _post_breakage(self):
        """Expired credits: what was owed becomes income, one journal entry per ledger entry."""
        moves_vals = []
        for entry in self.filtered("value"):
            label = entry.env._(
                "Expired credits of %(name)s",
                name=entry.partner_id.commercial_partner_id.display_name)
            account = entry.company_id._credit_account("credit_breakage_account_id")
            moves_vals.append(entry._prepare_transfer_vals(
                label, entry._prepare_transfer_lines(account, label)))
        return self._post_transfers(moves_vals)

    def _post_adjustment(self, account=None):
        """Manual changes of valued credits, once, one journal entry per company and batch.

        What is added was invoiced outside: it is owed, against a clearing account. What is
        removed is no longer owed and becomes income, like credits that expire. What reverses
        a manual change reverses its journal items.

        :param account: clearing account; by default the company's
        :return: the posted ``account.move``
        :raise UserError: the company lacks an account or a miscellaneous journal
        """
        # sudo: who changes credits may have no right to read the books
        unposted = self.sudo().filtered(lambda entry: entry.value and not entry.move_line_ids)
        moves_vals = []
        for company_entries in unposted.grouped("company_id").values():
            for entries in split_every(BATCH_SIZE, company_entries.ids, unposted.browse):
                lines = [line for entry in entries
                         for line in entry._prepare_adjustment_lines(account)]
                label = entries.reason if len(entries) == 1 else self.env._(
                    "Manual changes of credits: %(count)s movements", count=len(entries))
                moves_vals.append(entries._prepare_transfer_vals(label, lines))
        return self._post_transfers(moves_vals)

    def _prepare_adjustment_lines(self, account):
        company = self.company_id
        label = self.env._("Manual change of credits: %(reason)s", reason=self.reason)
        if self.reversed_entry_id:
            return [
                self._prepare_transfer_line(line.account_id, -line.balance, label)
                for line in self.reversed_entry_id.move_line_ids]
        if self.value < 0:
            account = company._credit_account("credit_breakage_account_id")
        elif not account:
            account = company._credit_account("credit_adjustment_account_id")
        return self._prepare_transfer_lines(account, label)

    def _prepare_transfer_lines(self, account, label):
        """Journal items that move the entry's value between what is owed and the account."""
        return [
            self._prepare_transfer_line(line_account, balance, label)
            for line_account, balance in (
                (self.company_id._credit_deferred_account(), -self.value),
                (account, self.value))]

    def _prepare_transfer_line(self, account, balance, label):
        return fields.Command.create({
            "account_id": account.id,
            "partner_id": self.partner_id.commercial_partner_id.id,
            "name": label,
            "balance": balance,
            "credit_entry_id": self.id,
        })

    def _prepare_transfer_vals(self, label, lines):
        """A journal entry for these ledger entries of one company.

        It names its ledger entry when there is one; its lines always do.
        """
        company = self.company_id
        return {
            "move_type": "entry",
            "company_id": company.id,
            "journal_id": company._credit_journal().id,
            "date": company._credit_today(),
            "ref": label,
            "credit_entry_id": self.id if len(self) == 1 else False,
            "line_ids": lines,
        }

    def _post_transfers(self, moves_vals):
        # sudo: the journal entry follows from the ledger, whoever moved the credits
        moves = self.env["account.move"].sudo().create(moves_vals)
        if moves:
            moves._post(soft=False)
        return moves

    def _action_recorded(self):
        """Tell the user what was recorded, and open it."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "credit_wallet.credit_entry_action")
        action["domain"] = [("id", "in", self.ids)]
        if len(self) == 1:
            action.update(res_id=self.id, views=[(False, "form")])
        return {
            "type": "ir.actions.client", "tag": "display_notification",
            "params": {
                "type": "success", "title": self.env._("Recorded"),
                "message": self.env._(
                    "Movements in the ledger: %(count)s. Credits: %(credits)s.",
                    count=len(self), credits=f"{sum(self.mapped('credits')):+d}"),
                "next": action,
            },
        }

    def _send_grant_mail(self):
        """Tell the customer that credits arrived; queued, sent after the commit."""
        template = self.env.ref("credit_wallet.mail_template_credits_granted")
        for entry in self:
            template.send_mail(entry.id)
        if self:
            # sudo: the mail queue belongs to the system
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
