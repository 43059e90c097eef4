from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

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
    _order = "id desc"

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
    # On the invoice's side, because a posted entry never changes.
    move_ids = fields.One2many("account.move", "credit_entry_id", string="Accounting")

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
        """Expired credits: what was owed becomes income."""
        vals_list = [entry._prepare_breakage_vals() for entry in self if entry.value]
        # sudo: posting breakage follows from the ledger, whoever triggered the expiry
        moves = self.env["account.move"].sudo().create(vals_list)
        if moves:
            moves._post(soft=False)
        return moves

    def _prepare_breakage_vals(self):
        company = self.company_id
        partner = self.partner_id.commercial_partner_id
        label = self.env._("Expired credits of %(name)s", name=partner.display_name)
        return {
            "move_type": "entry",
            "company_id": company.id,
            "journal_id": company._credit_journal().id,
            "date": company._credit_today(),
            "ref": label,
            "credit_entry_id": self.id,
            "line_ids": [
                fields.Command.create({
                    "account_id": account.id, "partner_id": partner.id,
                    "name": label, "debit": max(amount, 0.0), "credit": max(-amount, 0.0)})
                for account, amount in (
                    (company._credit_deferred_account(), -self.value),
                    (company.credit_breakage_account_id, self.value))],
        }

    def _send_grant_mail(self):
        """Tell the customer that credits arrived; queued, sent after the commit."""
        template = self.env.ref("credit_wallet.mail_template_credits_granted")
        for entry in self:
            template.send_mail(entry.id)
        if self:
            # sudo: the mail queue belongs to the system
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
