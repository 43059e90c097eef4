from odoo import api, fields, models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"

    _SETTLED_STATES = ("paid", "in_payment", "reversed")  # nothing is left to pay

    written_off_invoice_id = fields.Many2one(
        "account.move", string="Writes off", readonly=True, copy=False, ondelete="restrict",
        index="btree_not_null", help="The unpaid invoice that this entry gives up.")
    write_off_ids = fields.One2many(
        "account.move", "written_off_invoice_id", string="Written off by")

    _write_off_once = models.UniqueIndex(
        "(written_off_invoice_id) WHERE written_off_invoice_id IS NOT NULL"
        " AND state <> 'cancel'",
        "This invoice is already written off.")

    def _subscription_periods(self):
        # sudo: accountants need no right on subscriptions to post their invoices
        return self.invoice_line_ids.sudo().subscription_period_id

    def _post(self, soft=True):
        """Periods take their amounts from the documents posted, whoever made them."""
        posted = super()._post(soft=soft)
        posted._subscription_periods()._refresh_from_invoices()
        return posted

    def _get_next_sequence_format(self):
        """Invoices of a batch with one journal and date are numbered in one form: found once.

        Odoo looks for the last number before each invoice, in a table that grows with them, and
        uses of it the form only: the number itself is counted in its own cache, under its lock.
        """
        formats = self.env.context.get("subscription_number_formats")
        if formats is None or self.journal_id.is_self_billing:
            return super()._get_next_sequence_format()
        kind = (self.journal_id, self.move_type, self.date)
        if kind not in formats:
            formats[kind] = super()._get_next_sequence_format()
        form, values = formats[kind]
        return form, dict(values)  # the caller takes the number out of it

    def button_draft(self):
        """A document taken back to draft, or cancelled, no longer bills its period."""
        periods = self._subscription_periods()
        result = super().button_draft()
        periods._refresh_from_invoices()
        return result

    def button_cancel(self):
        """What a cancelled write-off had given up is due again."""
        periods = (self + self.written_off_invoice_id)._subscription_periods()
        result = super().button_cancel()
        periods._refresh_from_invoices()
        return result

    def _invoice_paid_hook(self):
        """Whatever the route of the payment, the period is settled by it."""
        result = super()._invoice_paid_hook()
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        invoices._subscription_periods()._settle()
        return result

    def _invoice_netted_hook(self):
        """Extension point: credit notes alone settled these invoices, as after a downgrade.

        Nothing is left to pay, so nobody is chased for it. No payment came in, so none is
        confirmed.
        """
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        invoices._subscription_periods()._settle_unpaid()

    def _subscription_queue_mail(self):
        """Send these invoices by mail in the background, once, with Odoo's own queue."""
        # sudo: sending belongs to the system; the customer who subscribes has no right on it
        moves = self.sudo().filtered(
            lambda move: move.state == "posted" and not move.is_move_sent)
        if moves:
            moves.sending_data = {
                "author_user_id": self.env.ref("base.user_root").id,
                "author_partner_id": self.env.ref("base.partner_root").id,
                "sending_methods": ["email"],
            }
            self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()

    # Write-off --------------------------------------------------------------------------------

    def _is_written_off(self):
        self.ensure_one()
        return bool(self.write_off_ids and self.write_off_ids
                    & self.line_ids.matched_credit_ids.credit_move_id.move_id)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_write_off(self):
        for entry in self:
            if entry.written_off_invoice_id and entry.state != "cancel":
                raise UserError(self.env._(
                    "%(entry)s writes off %(invoice)s. Cancel it instead: the invoice is due "
                    "again then.", entry=entry.display_name,
                    invoice=entry.written_off_invoice_id.name))

    def _invoice_written_off_hook(self):
        """What is due of these invoices was given up: nobody is chased for it, and nothing that
        waits for a payment comes."""
        self._subscription_periods()._settle_unpaid()

    def _write_off(self, account, date):
        """Give up what is due of a customer's invoice, by a miscellaneous entry.

        The loss goes to an expense account (PCG 654, « pertes sur créances irrécouvrables »).
        VAT that falls due with the payment (CGI art. 269, 2, c: services) never will: it is
        taken off the account it waits on, and is no loss. VAT that was due with the invoice
        stays in the loss: it can be recovered only under the conditions of CGI art. 272, 1.

        :param account: the ``account.account`` of the loss
        :param date date: of the entry
        :return: the posted entry
        """
        self.ensure_one()
        due = self.line_ids.filtered(
            lambda line: line.account_type == "asset_receivable" and not line.reconciled)
        waiting = self._vat_waiting_for_payment()
        entry = self.create(self._prepare_write_off_vals(account, date, due, waiting))
        entry._post(soft=False)
        # Nothing was paid, so no VAT falls due.
        for account, lines in (due + waiting).grouped("account_id").items():
            lines += entry.line_ids.filtered(
                lambda line, account=account: line.account_id == account)
            if account.reconcile:
                lines.filtered(lambda line: not line.reconciled).with_context(
                    no_cash_basis=True).reconcile()
        return entry

    def _vat_waiting_for_payment(self):
        """Journal items of the VAT that the invoice's payments make due, and made due so far."""
        accounts = self.line_ids.tax_line_id.filtered(
            lambda tax: tax.tax_exigibility == "on_payment").cash_basis_transition_account_id
        moves = self + self.tax_cash_basis_created_move_ids
        return moves.line_ids.filtered(lambda line: line.account_id in accounts)

    def _prepare_write_off_vals(self, account, date, due, waiting):
        """Values of the entry that gives up the items `due`, net of the VAT `waiting`."""
        label = self.env._("Written off: %(invoice)s", invoice=self.name)
        items = [
            *self._write_off_items(due, "amount_residual_currency", "amount_residual"),
            *self._write_off_items(waiting, "amount_currency", "balance")]
        items.append({
            "account_id": account.id,
            "amount_currency": -sum(item["amount_currency"] for item in items),
            "balance": -sum(item["balance"] for item in items)})
        return {
            "move_type": "entry",
            "company_id": self.company_id.id,
            "journal_id": self.company_id._subscription_miscellaneous_journal().id,
            "date": date,
            "ref": label,
            "written_off_invoice_id": self.id,
            "line_ids": [fields.Command.create({
                **item, "name": label, "currency_id": self.currency_id.id,
                "partner_id": self.commercial_partner_id.id}) for item in items],
        }

    def _write_off_items(self, lines, amount_currency, balance):
        """Values of the items that take lines off their accounts, by their fields of amounts."""
        return [
            {"account_id": account.id, "amount_currency": -sum(items.mapped(amount_currency)),
             "balance": -sum(items.mapped(balance))}
            for account, items in lines.grouped("account_id").items()
            if not self.company_currency_id.is_zero(sum(items.mapped(balance)))]
