from datetime import UTC, datetime

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_stripe import const as stripe_const

from .. import const

LINES = [
    ("payments", "Payments"),
    ("refunds", "Refunds"),
    ("disputes", "Disputes"),
    ("fees", "Fees"),
    ("payouts", "Payouts"),
    ("others", "Other movements"),
]


class StripeBalanceTransaction(models.Model):
    """A movement of the balance at Stripe, and the journal entries that record it here.

    The row is the idempotency key of its entries: however often Stripe's list is fetched, and
    whoever tells of a movement first, each is on the books once.
    """

    _name = "stripe.balance.transaction"
    _description = "Movement of the Stripe Balance"
    _engine_only = True
    _order = "created_at desc, id desc"
    _rec_name = "ref"

    provider_id = fields.Many2one(
        "payment.provider", required=True, readonly=True, ondelete="restrict", index=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    ref = fields.Char(string="Movement", required=True, readonly=True)
    created_at = fields.Datetime(string="Date", required=True, readonly=True)
    day = fields.Date(
        required=True, readonly=True, help="Civil day where the company is: that of its entries.")
    kind = fields.Char(
        string="Type at Stripe", required=True, readonly=True, help="As Stripe names it.")
    line = fields.Selection(
        LINES, string="Type", compute="_compute_line",
        help="The line of the month's reconciliation it belongs to.")
    category = fields.Char(readonly=True, help="As Stripe's reports name it.")
    description = fields.Char(readonly=True)
    source_ref = fields.Char(string="Object", readonly=True)
    payment_ref = fields.Char(readonly=True, help="Payment intent of a charge.")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(required=True, readonly=True)
    fee = fields.Monetary(required=True, readonly=True)
    net = fields.Monetary(
        string="At Stripe", required=True, readonly=True, help="What the balance moved by.")
    transaction_id = fields.Many2one(
        "payment.transaction", readonly=True, ondelete="restrict", index="btree_not_null")
    dispute_id = fields.Many2one(
        "payment.dispute", readonly=True, ondelete="restrict", index="btree_not_null")
    move_id = fields.Many2one(
        "account.move", string="Entry", readonly=True, ondelete="restrict",
        index="btree_not_null")
    fee_move_id = fields.Many2one(
        "account.move", string="Entry of the fee", readonly=True, ondelete="restrict",
        index="btree_not_null")
    amount_here = fields.Monetary(string="On the books", compute="_compute_amount_here")
    difference = fields.Monetary(compute="_compute_amount_here")

    _once = models.Constraint(
        "UNIQUE(provider_id, ref)", "This movement of the balance is already known.")
    _adds_up = models.Constraint(
        "CHECK(round(net - amount + fee, 3) = 0)", "A movement is its amount less its fee.")

    @api.depends("kind", "dispute_id")
    def _compute_line(self):
        for row in self:
            row.line = row._line_of_kind()

    def _line_of_kind(self):
        self.ensure_one()
        if "refund" in self.kind:
            return "refunds"
        for line, kinds in (("payments", const.PAYMENT_MOVEMENTS),
                            ("payouts", const.PAYOUT_MOVEMENTS), ("fees", const.FEE_MOVEMENTS)):
            if self.kind in kinds:
                return line
        return "disputes" if self.dispute_id else "others"

    @api.depends(
        "move_id.state", "fee_move_id.state", "transaction_id.payment_id.move_id.state")
    def _compute_amount_here(self):
        for row in self:
            row.amount_here = row._booked_amount()
            row.difference = row.currency_id.round(row.net - row.amount_here)

    def _booked_amount(self):
        """Sum what the posted entries of the movement put on the account of Stripe."""
        self.ensure_one()
        entry = self._amount_entry()
        account = self.provider_id._stripe_account()
        booked = sum(entry.line_ids.filtered(
            lambda line: line.account_id == account and line.parent_state == "posted"
        ).mapped("amount_currency"))
        if self.fee_move_id.state == "posted" and self.fee_move_id != self.move_id:
            booked -= self._total_fee()
        return self.currency_id.round(booked)

    def _amount_entry(self):
        """Return the entry of the amount: ours, or that of Odoo's payment."""
        self.ensure_one()
        if self.kind in const.PAYMENT_MOVEMENTS:
            # sudo: the payment's entry, for an accountant who may see the movement
            return self.sudo().transaction_id.payment_id.move_id
        return self.move_id

    def _total_fee(self):
        """Return what the movement cost: its fee, or all of it when it is itself a fee."""
        self.ensure_one()
        own = -self.amount if self.kind in const.FEE_MOVEMENTS else 0.0
        return self.currency_id.round(self.fee + own)

    def _split_by_account(self):
        """Split what a payment paid in proportion to the items of its invoices; an advance is the
        customer's.

        :return: list of (``account.account``, amount); the amounts add up to the movement's
        """
        self.ensure_one()
        items = self.transaction_id.invoice_ids.line_ids.filtered(
            lambda line: line.display_type in ("product", "tax", "rounding"))
        whole = -sum(items.mapped("amount_currency"))
        if not whole:
            account = self.transaction_id.payment_id.destination_account_id
            return [(account, self.amount)] if account else []
        shares = [(line.account_id, self.currency_id.round(
            -line.amount_currency * self.amount / whole)) for line in items[1:]]
        rest = self.currency_id.round(self.amount - sum(amount for _account, amount in shares))
        return [(items[0].account_id, rest), *shares]

    # Known once ---------------------------------------------------------------------------------

    @api.model
    def _record_movements(self, provider, objects):
        """Record balance transactions as Stripe tells them; what is known stays as it is, for they
        never change (https://docs.stripe.com/api/balance_transactions).

        :param list objects: of Stripe; their ``source`` may be expanded
        :return: their rows
        """
        foreign = self._foreign(provider, objects)
        objects = [each for each in objects if each["id"] not in foreign]
        # Stripe may hold a currency that is not used here (any more).
        currencies = self.env["res.currency"].with_context(active_test=False).search([
            ("name", "in", [each["currency"].upper() for each in objects])]).grouped("name")
        for each in objects:
            vals = self._prepare_movement_vals(provider, each, currencies[each["currency"].upper()])
            self.env.cr.execute(SQL(
                "INSERT INTO stripe_balance_transaction (%s) VALUES %s"
                " ON CONFLICT (provider_id, ref) DO NOTHING",
                SQL(", ").join(map(SQL.identifier, vals)), tuple(vals.values())))
        rows = self.search([
            ("provider_id", "=", provider.id), ("ref", "in", [each["id"] for each in objects])])
        rows.filtered(lambda row: not row.transaction_id)._link_transactions()
        rows.filtered(lambda row: not row.dispute_id)._link_disputes()
        return rows

    @api.model
    def _foreign(self, provider, objects):
        """Find the movements of the account that are not this provider's: payments
        of another company or database with the same account, and what is of the account as a
        whole where another one books that.

        :return: set of their numbers
        """
        refs = {each["id"]: _payment_of(_balance_source(each)) for each in objects}
        # sudo: whose they are; the payments of other companies are not read
        others = set(self.env["payment.transaction"].sudo().search([
            ("provider_id", "!=", provider.id), ("provider_id.code", "=", "stripe"),
            ("provider_reference", "in", list(filter(None, refs.values())))
        ]).mapped("provider_reference"))
        books_account = provider._stripe_books_account()
        return {
            each["id"] for each in objects
            if not self.env["stripe.difference"]._is_of_this_database(_balance_source(each))
            or refs[each["id"]] in others
            or (not books_account and each["type"] in const.ACCOUNT_MOVEMENTS)}

    def _prepare_movement_vals(self, provider, each, currency):
        """Prepare the values of a movement, in units of the currency."""
        source = _balance_source(each)
        created_at = datetime.fromtimestamp(each["created"], UTC).replace(tzinfo=None)
        return {
            "provider_id": provider.id, "company_id": provider.company_id.id, "ref": each["id"],
            "created_at": created_at, "day": provider._stripe_day(created_at),
            "kind": each["type"], "category": each.get("reporting_category"),
            "description": each.get("description"), "source_ref": source["id"],
            "payment_ref": _payment_of(source), "currency_id": currency.id,
            **{name: to_major_units(each[name], currency) for name in ("amount", "fee", "net")},
            "create_uid": self.env.uid, "create_date": fields.Datetime.now(),
        }

    def _link_transactions(self):
        """Find the payments and refunds that moved the balance."""
        wanted = self.filtered(lambda row: row.kind in const.PAYMENT_MOVEMENTS)
        found = self.env["payment.transaction"].search([
            ("provider_id", "in", wanted.provider_id.ids),
            ("provider_reference", "in", [
                *wanted.mapped("source_ref"), *filter(None, wanted.mapped("payment_ref"))]),
        ]).grouped("provider_reference")
        for row in wanted:
            refund = "refund" in row.kind
            row.transaction_id = found.get(row.source_ref if refund else row.payment_ref)

    def _link_disputes(self):
        found = self.env["payment.dispute"].search([
            ("provider_id", "in", self.provider_id.ids),
            ("reference", "in", [ref for ref in self.mapped("source_ref") if ref]),
        ]).grouped("reference")
        for row in self.filtered(lambda row: row.source_ref in found):
            row.dispute_id = found[row.source_ref]

    # On the books once --------------------------------------------------------------------------

    def _lock(self):
        """Make whoever else posts these wait, then look again: a write, for only a conflict makes
        Odoo start the other's request anew, with our entries in sight."""
        self.flush_recordset()
        self.env.cr.execute(SQL(
            "UPDATE stripe_balance_transaction SET id = id WHERE id = ANY(%s)", self.ids))
        self.invalidate_recordset()

    def _post_disputes(self):
        """Post the money that a bank takes back as a contested claim (PCG 416) until the bank
        decides, and what Stripe charges for the dispute as an expense (PCG 627).
        """
        self._lock()
        for row in self.sorted("created_at").filtered(
                lambda row: row.dispute_id and not row.move_id):
            dispute = row.dispute_id
            row.move_id = row.fee_move_id = row._post_entry(
                row.day, self.env._("Dispute %(reference)s of %(customer)s",
                                    reference=dispute.reference, customer=dispute.partner_id.name),
                [(dispute.account_id, -row.amount, dispute.partner_id),
                 (row.company_id._stripe_fee_account(), row.fee, None)])

    def _post_payouts(self):
        """Post money on its way to the bank to the account of internal transfers (PCG 58), where
        the bank's own statement meets it.
        """
        self._lock()
        for row in self.filtered(lambda row: row.kind in const.PAYOUT_MOVEMENTS):
            if not row.move_id:
                row.move_id = row._post_entry(
                    row.day, self.env._("Payout of Stripe %(reference)s", reference=row.source_ref),
                    [(row.company_id._stripe_transfer_account(), -row.amount, None)])

    def _post_fees(self):
        """Post one entry a day: what Stripe kept of that day's movements (PCG 627).

        Without VAT: what Stripe charges for payments is exempt (CGI art. 261 C, 1°); the VAT of
        another service is on Stripe's monthly invoice, which is booked as any supplier's.
        """
        self._lock()
        due = self.filtered(lambda row: not row.fee_move_id and row._total_fee())
        for (day, currency, company), rows in due.grouped(
                lambda row: (row.day, row.currency_id, row.company_id)).items():
            cost = currency.round(sum(row._total_fee() for row in rows))
            rows.fee_move_id = rows[0]._post_entry(
                day, self.env._("Fees of Stripe, %(count)s movements", count=len(rows)),
                [(company._stripe_fee_account(), cost, None)])

    def _post_entry(self, day, label, items):
        """Post an entry against the account of Stripe.

        :param date day: moved to the first open one when the books are closed
        :param list items: (account, amount in the row's currency, partner or None)
        :return: the ``account.move``
        """
        self.ensure_one()
        items = [each for each in items if not self.currency_id.is_zero(each[1])]
        total = sum(amount for _account, amount, _partner in items)
        items.append((self.provider_id._stripe_account(), -total, None))
        return self.company_id._stripe_post(day, label, self.currency_id, items)


def _balance_source(each):
    """Return what moved the balance; its number only, when it was not expanded."""
    return each["source"] if isinstance(each["source"], dict) else {"id": each["source"]}


def _payment_of(source):
    """Return the payment intent that a charge, refund or dispute belongs to, or None."""
    return source.get("payment_intent")


def to_major_units(amount, currency):
    """Convert an amount from cents, as Stripe counts them.

    :param int amount: in the smallest unit that Stripe counts in
    :return: float in the currency
    """
    return payment_utils.to_major_currency_units(
        amount, currency,
        arbitrary_decimal_number=stripe_const.CURRENCY_DECIMALS.get(currency.name))
