from odoo import models
from odoo.exceptions import UserError


class AccountMove(models.Model):
    _inherit = "account.move"

    def _post(self, soft=True):
        """Grant the credits of periods billed by a plan that does not wait for the payment; take
        back those of the periods that are credited.

        Which periods have their credits is looked up before posting, because posting a credit
        note may itself settle the invoice, and then grants what the note has left.
        """
        refunds = self._credit_period_refunds()
        trusted = self._credit_trusted_periods()
        if not refunds and not trusted:
            return super()._post(soft=soft)
        (refunds.subscription_period_id | trusted)._credit_lock_wallets()
        grants = refunds.subscription_period_id._credit_grants()
        posted = super()._post(soft=soft)
        # sudo: what a credit note takes back does not depend on who may read the ledger
        self.env["credit.debt"].sudo()._take_back_periods(
            refunds.filtered(lambda line: line.move_id in posted), grants)
        (trusted & posted._subscription_periods())._credit_grant()
        return posted

    def _credit_trusted_periods(self):
        """Find the periods billed by these invoices whose credits do not wait for the payment."""
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        return invoices._subscription_periods().filtered(
            lambda period: period.credit_count and period.plan_id.credit_grant_on == "posted")

    def _credit_period_refunds(self):
        """Find the lines of credit notes on periods with credits; link each to what it refunds.

        A credit note that is linked and followed by the ledger cannot be reset to draft
        (``_check_draftable``).
        """
        # sudo: accountants need no right on subscriptions to post their credit notes
        lines = self.filtered(lambda move: move.move_type == "out_refund") \
            .invoice_line_ids.sudo().filtered(
                lambda line: line.subscription_period_id.credit_count
                and not line.is_subscription_extra)
        for line in lines:
            line.credit_refunded_line_id = line.subscription_period_id._charged_line()
        return lines

    def _invoice_paid_hook(self):
        """Grant the credits of a period with its payment, by whatever route it comes."""
        result = super()._invoice_paid_hook()
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        invoices._subscription_periods()._credit_grant()
        return result

    def _invoice_netted_hook(self):
        """Grant credits that credit notes pay for, too: those of a downgrade do."""
        result = super()._invoice_netted_hook()
        invoices = self.filtered(lambda move: move.move_type == "out_invoice")
        invoices._subscription_periods()._credit_grant()
        return result

    def _invoice_written_off_hook(self):
        """Give up the credits that nobody paid for; their price waits no longer."""
        result = super()._invoice_written_off_hook()
        self._subscription_periods()._credit_give_up()
        return result

    def _check_draftable(self):
        """Keep invoices whose credits were given up from returning to draft.

        :raise UserError: the price of credits was given up with the invoice.
        """
        result = super()._check_draftable()
        lines = self.written_off_invoice_id.invoice_line_ids
        # sudo: whoever resets the entry, the books of credits rest on it
        if lines and self.sudo().search_count(
                [("credit_given_up_line_id", "in", lines.ids)], limit=1):
            raise UserError(self.env._(
                "%(entries)s cannot be reset to draft: the credits of the invoice were given up "
                "with it. If the customer pays after all, register the payment as other income "
                "and add the credits by hand.",
                entries=", ".join(self.mapped("display_name"))))
        return result
