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
    ("withdrawal", "Payment taken back"),
    ("reversal", "Reversal"),
    ("transfer", "Transfer"),
]


def forbid_changes(cr, table):
    """Refuse UPDATE and DELETE with a trigger, so that not even SQL rewrites the ledger.

    One column may change: the owner of the wallet, which the rows repeat for look-ups. It becomes
    another contact when Odoo merges the two.
    """
    cr.execute("""
        CREATE OR REPLACE FUNCTION credit_ledger_is_append_only() RETURNS trigger AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'partner_id' = to_jsonb(OLD) - 'partner_id'
            THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'The credit ledger is append-only: reverse the entry instead.'
                USING ERRCODE = 'restrict_violation';
        END $$ LANGUAGE plpgsql""")
    cr.execute(SQL(
        "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s "
        "FOR EACH ROW EXECUTE FUNCTION credit_ledger_is_append_only()", SQL.identifier(table)))


class CreditEntry(models.Model):
    """One line of the ledger: why a balance changed, by how much, and from which lots.

    Its journal entries are handled in ``credit_entry_accounting``.
    """

    _name = "credit.entry"
    _description = "Credit Ledger Entry"
    _engine_only = True
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
    accounting_date = fields.Date(
        required=True, readonly=True,
        help="Civil day of the movement where the company is, or the first day its books are "
        "open: the date of the journal entry.")
    user_id = fields.Many2one(
        "res.users", string="Author", readonly=True, default=lambda self: self.env.uid)
    reason = fields.Char(readonly=True)
    origin = fields.Char(readonly=True, help="The document behind the movement.")
    idempotency_key = fields.Char(required=True, readonly=True)
    reversed_entry_id = fields.Many2one("credit.entry", readonly=True, ondelete="restrict")
    lot_move_ids = fields.One2many("credit.lot.move", "entry_id", string="Lots", readonly=True)
    sale_line_id = fields.Many2one("sale.order.line", readonly=True, ondelete="restrict")
    reversal_ids = fields.One2many("credit.entry", "reversed_entry_id", string="Reversed by")
    invoice_line_id = fields.Many2one(
        "account.move.line", readonly=True, ondelete="restrict",
        help="The line of the invoice that sold the credits, or of the credit note that took "
        "them back.")
    withdrawn_line_id = fields.Many2one(
        "account.move.line", string="Payment taken back of", readonly=True,
        index="btree_not_null", ondelete="restrict",
        help="The line of the invoice whose payment was taken back, which holds these credits.")
    pack_count = fields.Float(readonly=True, string="Packs", help="Packs paid with the line.")
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
    _invoice_line_once = models.UniqueIndex(
        "(invoice_line_id, wallet_id) WHERE invoice_line_id IS NOT NULL",
        "The credits of this invoice line are already in the ledger.")
    _manual_has_reason = models.Constraint(
        "CHECK(kind <> 'adjustment' OR reason <> '')", "A manual change states its reason.")
    _history = models.Index("(wallet_id, id DESC)")

    def init(self):
        """Create the trigger that forbids changes of the table."""
        forbid_changes(self.env.cr, self._table)

    @api.depends("kind", "credits")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for entry in self:
            entry.display_name = f"{kinds.get(entry.kind, entry.kind)} {entry.credits:+d}"

    def write(self, vals):
        """Refuse to change entries.

        :raise UserError: always, unless there are no entries
        """
        if self:
            raise UserError(self.env._(
                "A ledger entry cannot be changed. Reverse it and post the right one."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_posted(self):
        raise UserError(self.env._("A ledger entry cannot be deleted. Reverse it instead."))

    def _is_of(self, kind, operation):
        """Tell whether this entry did what is asked; see ``credit.wallet._known_entries``."""
        same_value = self.currency_id.compare_amounts(
            self.value, operation.get("value", self.value)) == 0
        return same_value and (self.wallet_id, self.kind, self.credits) == (
            operation["wallet"], kind, operation["credits"])

    def _reverse(self, key, kind="reversal", post=True, spent_on=None, **entry_vals):
        """Undo the entry on the very lots it moved, with their value and expiry, once.

        The mirror of its journal entry or invoice is posted with it, or later (``_post_reversal``)
        by a caller that must take other locks before the number of a document.

        :param date spent_on: given when the customer shall be able to spend what has expired since:
            the local day on which it was spent, see ``credit.lot._renewed_expiry``
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
        if spent_on:
            moves = self._renew_expired(moves, spent_on)
        balance = wallet._move_balance(-self.credits)
        self.env["credit.lot"]._apply(moves)
        entry = wallet._write_entry(
            kind, key, balance, moves, reversed_entry_id=self.id,
            **{"origin": self.origin, **entry_vals})
        if wallet.merged_into_id:
            wallet._hand_over(wallet._survivor())
        if post:
            entry._post_reversal()
        return entry

    @api.model
    def _renew_expired(self, moves, spent_on):
        """Replace expired lots that credits go back to by new ones, which can be spent.

        :param moves: list of (lot, credits, value), see ``credit.lot._apply``
        :return: the same list with new lots instead of expired ones
        """
        renewed = []
        for lot, credits, value in moves:
            if credits > 0 and lot._is_expired():
                lot = lot.sudo().create({  # sudo: as every movement of the ledger
                    **lot._prepare_derived_vals(credits, value),
                    "granted_date": lot.company_id._credit_today(),
                    "expiry_date": lot._renewed_expiry(spent_on)})
            renewed.append((lot, credits, value))
        return renewed

    def _returned_label(self, spent_on=None):
        """Describe what a reversal of this entry would give back, as :meth:`_validity_label` does.

        :param date spent_on: see :meth:`_reverse`
        """
        return " · ".join(
            move.lot_id._validity_label(
                -move.credits, move.lot_id._renewed_expiry(spent_on) if spent_on
                and move.lot_id._is_expired() else move.lot_id.expiry_date)
            for move in self.lot_move_ids if move.credits < 0)

    def _validity_label(self):
        """Describe the credits added, lot by lot: « 2 crédits, à utiliser jusqu'au 14/02/2030 »."""
        self.ensure_one()
        return " · ".join(
            move.lot_id._validity_label(move.credits, move.lot_id.expiry_date)
            for move in self.lot_move_ids if move.credits > 0)

    def _take_again(self, key, **entry_vals):
        """Take again, from the very lots, the credits this entry took and a reversal gave back.

        It serves exchanges of one booking for another: the same credits pay, expired or not. Like
        a booking, it is posted to the accounts by the invoice its caller makes.

        :return: the new ``credit.entry``
        :raise UserError: the entry was not reversed
        :raise IdempotencyConflict: the key is known with other content
        """
        self.ensure_one()
        wallet = self.wallet_id
        if known := wallet._known_entry(key, self.kind, self.credits):
            return known
        if not self.reversal_ids:
            raise UserError(self.env._(
                "“%(entry)s” was not undone: what it took is still spent.",
                entry=self.display_name))
        if wallet.merged_into_id:  # what came back is in the other wallet
            return wallet._survivor()._spend(
                -self.credits, key, kind=self.kind, **{"origin": self.origin, **entry_vals})
        balance = wallet._move_balance(self.credits)
        moves = [(move.lot_id, move.credits, move.value) for move in self.lot_move_ids]
        self.env["credit.lot"]._apply(moves)
        return wallet._write_entry(
            self.kind, key, balance, moves, **{"origin": self.origin, **entry_vals})

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
        return self._reverse(f"reversal:entry:{self.id}", reason=reason.strip())

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

    def _portal_invoice(self):
        """Return the invoice or credit note behind the movement, to link to it; or none."""
        self.ensure_one()
        entry = self.sudo()  # sudo: only its number and address are shown to the wallet's owner
        return entry.invoice_line_id.move_id or entry.move_ids.filtered(
            lambda move: move.is_invoice())[:1]

    def _send_mail(self, template):
        """Queue a mail to the customers of these entries, sent after the commit.

        :param str template: XML id of the ``mail.template``
        """
        if self:
            self.wallet_id.mapped("spendable")  # of all at once: mails are made in batches
            # sudo: whoever moves credits, the customer is told
            self.env.ref(template).sudo().send_mail_batch(self.ids)
            # sudo: the mail queue belongs to the system
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
