from collections import defaultdict

from odoo import fields, models
from odoo.tools import split_every
from odoo.tools.misc import clean_context

BATCH_SIZE = 1000  # ledger entries in one journal entry


class CreditEntry(models.Model):
    """The journal entries of the ledger; the account of credits owed never moves without it.

    Every ledger entry with a value has its posted items, on the entry's accounting date, that move
    the deferred account by the entry's value:

    ==========================  =====================  ============================== ledger entry
    debit                  credit ==========================  =====================
    ============================== purchase                    pending                deferred
    priced manual addition      invoiced outside       deferred booking (an invoice)
    deferred               income (and VAT, multi-purpose) expiry, credits removed     deferred
    breakage refund of a pack            deferred               pending payment taken back
    deferred               pending reversal, cancelled seat    the mirror of the original's move
    ==========================  =====================  ==============================

    *Pending* (packs invoiced, awaiting payment) is a clearing account: the pack's invoice
    credits it, its credit note debits it, and the ledger carries the value on from there.
    """

    _inherit = "credit.entry"

    def _post_to_accounts(self, account=None):
        """Post the journal entries of these ledger entries; an invoice posts a booking.

        Manual changes share one journal entry per company, day and batch.

        :param account: what manual changes are posted against; by default the company's
        :return: the posted ``account.move``
        """
        valued = self.filtered(lambda entry: entry.value and entry.kind != "transfer")
        manual = valued.filtered(lambda entry: entry.kind == "adjustment")
        vals_list = [entry._prepare_journal_entry_vals() for entry in valued - manual]
        for entries in manual.grouped(
                lambda entry: (entry.company_id, entry.accounting_date)).values():
            vals_list += [
                batch._prepare_journal_entry_vals(account)
                for batch in split_every(BATCH_SIZE, entries.ids, entries.browse)]
        moves = self._ledger_moves().create(vals_list)
        if moves:
            moves._post(soft=False)  # the civil date may be ahead of the UTC one
        return moves

    def _ledger_moves(self):
        """Return the empty ``account.move`` recordset to post with.

        sudo: the books follow from the ledger, whoever triggered it. The defaults of the screen
        the user came from (type, journal) do not apply.
        """
        return self.env["account.move"].sudo().with_context(  # pylint: disable=context-overridden
            clean_context(self.env.context))

    def _counterpart_account(self, account=None):
        """Return the account opposite credits owed; for a pack, that of its invoice line."""
        company = self.company_id
        if sold := self.invoice_line_id or self.withdrawn_line_id:
            return sold.account_id
        if self.reversed_entry_id:
            accounts = self.reversed_entry_id.move_line_ids.account_id
            return accounts - company._credit_account("credit_deferred_account_id")
        if self.kind == "adjustment" and self.value > 0:
            return account or company._credit_account("credit_adjustment_account_id")
        return company._credit_account(
            "credit_pending_account_id" if self.value > 0 else "credit_breakage_account_id")

    def _prepare_journal_entry_vals(self, account=None):
        """Prepare one move for entries of one company and day; its lines name their entry."""
        single = len(self) == 1
        label = self._journal_label() if single else self.env._(
            "Manual changes of credits: %(count)s movements", count=len(self))
        return {
            **self.company_id._credit_prepare_move_vals(
                label, [item for entry in self for item in entry._prepare_journal_items(account)]),
            "date": self[:1].accounting_date,
            "credit_entry_id": self.id if single else False,
        }

    def _journal_label(self):
        return f"{self.display_name} {self.origin or self.reason or ''}".strip()

    def _prepare_journal_items(self, account=None):
        """Prepare the two journal items of an entry."""
        deferred = self.company_id._credit_account("credit_deferred_account_id")
        return [
            {"account_id": item_account.id, "balance": balance, "name": self._journal_label(),
             "partner_id": self.partner_id.commercial_partner_id.id, "credit_entry_id": self.id}
            for item_account, balance in (
                (deferred, -self.value), (self._counterpart_account(account), self.value))]

    def _post_reversal(self):
        """Post the mirror of what the reversed entry posted, a document or journal items."""
        self.ensure_one()
        if self.reversed_entry_id.move_line_ids:
            return self._post_to_accounts()
        return self._mirror_moves()

    def _mirror_moves(self):
        """Post the credit notes of the invoices of the entry this one reverses."""
        self.ensure_one()
        moves = self._ledger_moves().browse(self.reversed_entry_id.move_ids.ids)
        return moves._reverse_moves([{
            "credit_entry_id": self.id,
            "date": self.accounting_date,
            "invoice_date": move.is_invoice() and self.company_id._credit_today(),
            "ref": self.env._("Reversal of: %(move)s", move=move.name),
        } for move in moves], cancel=True)

    # Bookings -----------------------------------------------------------------------------

    def _create_consumption_invoice(self, product, label, partner):
        """Post the zero-payable invoice of credits spent: value goes from deferred to income.

        Credits sold as single-purpose vouchers bore their VAT on the pack's invoice: none is
        charged again (VAT Directive 2006/112/EC, art. 30b(1), added by Directive (EU)
        2016/1065). Those sold as multi-purpose vouchers are taxed now, on what was paid for
        them less the VAT within it (art. 30b(2) and 73a).

        :param product: product whose income account and taxes the service has
        :param str label: what was bought, for the customer
        :param partner: whom the invoice is for
        """
        self.ensure_one()
        self = self.with_context(lang=partner.lang)
        company = self.company_id
        move = self.env["account.move"].with_company(company).create({
            "move_type": "out_invoice",
            "partner_id": partner.id,
            "company_id": company.id,
            "currency_id": company.currency_id.id,
            "invoice_date": company._credit_today(),
            "date": self.accounting_date,
            "credit_entry_id": self.id,
            "invoice_origin": self.origin,
            "invoice_line_ids": self._prepare_consumption_lines(product, label),
        })
        move._post(soft=False)
        # Now, so that the customer's first look at the invoice does not collide with sending.
        move._portal_ensure_token()
        move._credit_queue_mail()
        return move

    def _prepare_consumption_lines(self, product, label):
        """Prepare, by kind of voucher, the service at its value, then the credits that pay it."""
        deferred = self.company_id._credit_account("credit_deferred_account_id")
        services, payments = [], []
        for kind, (credits, value) in self._spent_by_voucher_kind().items():
            service = {"product_id": product.id, "name": label, "quantity": 1,
                       "price_unit": value, "credit_tax_included": kind == "multi"}
            if kind == "single":
                service["tax_ids"] = [fields.Command.clear()]
            services.append(fields.Command.create(service))
            payments.append(fields.Command.create({
                "name": self._payment_label(kind, credits), "quantity": 1, "price_unit": -value,
                "account_id": deferred.id, "tax_ids": [fields.Command.clear()]}))
        return services + payments

    def _spent_by_voucher_kind(self):
        """Sum credits and value (company currency) spent, both positive, by kind of voucher."""
        spent = defaultdict(lambda: (0, 0.0))
        for move in self.lot_move_ids:
            credits, value = spent[move.lot_id.voucher_kind]
            spent[move.lot_id.voucher_kind] = (
                credits - move.credits, self.currency_id.round(value - move.value))
        return spent

    def _payment_label(self, kind, credits):
        spent = self.wallet_id._credits_label(credits)
        left = self.wallet_id._credits_label(self.balance_after)
        if kind == "multi":
            return self.env._(
                "Paid with %(spent)s — balance: %(left)s\n"
                "Credits sold without VAT, which is charged on this invoice",
                spent=spent, left=left)
        return self.env._(
            "Paid with %(spent)s — balance: %(left)s\n"
            "VAT charged on the invoice of the pack of credits", spent=spent, left=left)
