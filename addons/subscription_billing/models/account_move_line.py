from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import claim_in_order


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    subscription_period_id = fields.Many2one(
        "subscription.period", readonly=True, engine=True, copy=False, index="btree_not_null",
        ondelete="restrict", help="The period of a subscription that the line bills or credits.")
    is_subscription_extra = fields.Boolean(
        readonly=True, engine=True, copy=False,
        help="Billed with the period beside its price: a setup fee, "
        "or what was used. A change, a pause or a cancellation gives none of it back.")

    outstanding_credit = fields.Monetary(
        string="In favour", compute="_compute_outstanding_credit", currency_field="currency_id",
        help="What is left of it in the customer's favour.")
    outstanding_credit_use = fields.Selection(
        related="move_id.outstanding_credit_use", readonly=False)
    card_refund_transaction_id = fields.Many2one(related="move_id.card_refund_transaction_id")

    def _copy_data_extend_business_fields(self, values):
        """Let a credit note made by hand count as one made by the subscription."""
        result = super()._copy_data_extend_business_fields(values)
        if self.env.context.get("include_business_fields"):
            values["subscription_period_id"] = self.subscription_period_id.id
            values["is_subscription_extra"] = self.is_subscription_extra
        return result

    def _subscription_priced_amount(self):
        """Return the line in the terms of its price: with included taxes, without the others."""
        self.ensure_one()
        return self.currency_id.round(
            self.price_unit * self.quantity * (1 - self.discount / 100))

    def _paid_amount(self, measure):
        """Add the measures that credits are computed with, each in the document's currency.

        ``priced``: in the terms of the price; ``untaxed``: as the journal item has it, hence at
        the rounding of its document; ``tax <id>``: what that tax adds to the line.
        """
        if measure == "priced":
            return self._subscription_priced_amount()
        if measure == "untaxed":
            return self.amount_currency * self.move_id.direction_sign
        if measure.startswith("tax "):
            tax = self.env["account.tax"].browse(int(measure.removeprefix("tax ")))
            return self.move_id._subscription_line_taxes()[self].get(tax, 0.0)
        return super()._paid_amount(measure)

    def _subscription_paid_split(self):
        """Return what was paid for the line: its share of what the document says.

        The shares of all lines add up to the untaxed amount and the taxes of the document,
        discounts on the whole taken off; see ``_paid_values``.

        :return: (float untaxed, dict of ``account.tax`` to float)
        """
        self.ensure_one()
        taxes = self.tax_ids.flatten_taxes_hierarchy()
        return self._paid_values("untaxed")[self], {
            tax: self._paid_values(f"tax {tax.id}")[self] for tax in taxes}

    def _subscription_own_taxes(self):
        """Return what each tax adds to the line by itself, by today's weights of its taxes.

        The total is the one stored on the line: a rate changed since plays no part.
        """
        self.ensure_one()
        taxes = self.tax_ids.flatten_taxes_hierarchy()
        total = self.price_total - self.price_subtotal
        if len(taxes) <= 1:
            return {tax: total for tax in taxes}
        details = self.tax_ids._get_tax_details(
            self.price_unit, self.quantity, precision_rounding=self.currency_id.rounding)
        weights = {data["tax"]: data["tax_amount"] for data in details["taxes_data"]}
        whole = sum(weights.values()) or 1.0
        amounts = {tax: self.currency_id.round(total * weight / whole)
                   for tax, weight in weights.items()}
        amounts[taxes[-1]] += self.currency_id.round(total - sum(amounts.values()))
        return amounts

    # Money in the customer's favour -----------------------------------------------------------

    @api.depends("amount_residual_currency", "reconciled")
    def _compute_outstanding_credit(self):
        for line in self:
            line.outstanding_credit = max(-line.amount_residual_currency, 0.0)

    @api.model
    def _subscription_credits(self, partners, companies, currencies):
        """Find what is open in favour of customers and pays their next invoice.

        These count, in the company and currency of the invoice only: credit notes of periods;
        what was paid too much on invoices of periods, or once more than was due; and what staff
        have marked as such. These do not: what staff keep for something else; credit notes and
        payments of other sales, which are that sale's; and what is on its way back to a card.

        :param partners: commercial partners
        """
        if not partners:
            return self.browse()
        return self.search(
            [*self._subscription_credit_domain(), ("partner_id", "in", partners.ids),
             ("company_id", "in", companies.ids), ("currency_id", "in", currencies.ids)],
            order="date, id")

    @api.model
    def _subscription_credit_domain(self):
        """Return the domain of :meth:`_subscription_credits`."""
        on_its_way = self.env["payment.transaction"]._refund_on_its_way_domain()
        return [
            ("account_type", "=", "asset_receivable"), ("parent_state", "=", "posted"),
            ("reconciled", "=", False), ("amount_residual", "<", 0),
            ("move_id.outstanding_credit_use", "=", "subscriptions"),
            "!", ("move_id.transaction_ids", "any", on_its_way),
            "!", ("move_id.origin_payment_id.payment_transaction_id.child_transaction_ids",
                  "any", on_its_way)]

    def _lock_credits(self):
        """Have whoever uses or gives back the same credits wait, and then look again.

        :return: the same journal items
        """
        claim_in_order(self)
        return self

    def action_view_subscription_credits(self):
        """Open the list of what is in favour of customers who have subscriptions."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "subscription_billing.outstanding_credit_action")
        readable = self.sudo(False)._filtered_access("read")
        return {**action, "domain": [("id", "in", readable.ids)]}

    def action_refund_to_card(self):
        """Refund to the card; see ``account.move``."""
        return self.move_id.action_refund_to_card()

    def action_refund_by_transfer(self):
        """Record an outgoing payment of what is left, which whoever does the company's transfers
        makes at the bank.

        :raise UserError: nothing is left, or the company has no bank journal
        """
        self.ensure_one()
        self.check_access("write")
        self._lock_credits()
        if self.reconciled or not self.outstanding_credit:
            raise UserError(self.env._(
                "Nothing is left of %(document)s to give back.", document=self.move_id.name))
        payment = self.env["account.payment"].with_company(self.company_id).create(
            self._prepare_transfer_vals())
        payment.action_post()
        (self + payment.move_id.line_ids.filtered(
            lambda line: line.account_id == self.account_id)).reconcile()
        return payment._get_records_action()

    def _prepare_transfer_vals(self):
        """Prepare the payment that gives the customer back what is left."""
        journals = self.env["account.journal"]
        journal = journals.search(
            [*journals._check_company_domain(self.company_id), ("type", "=", "bank"),
             ("currency_id", "in", (False, self.currency_id.id))], limit=1)
        if not journal:
            raise UserError(self.env._(
                "%(company)s has no bank journal in %(currency)s. Create one in Accounting.",
                company=self.company_id.name, currency=self.currency_id.name))
        return {
            "payment_type": "outbound", "partner_type": "customer",
            "partner_id": self.partner_id.id, "amount": self.outstanding_credit,
            "currency_id": self.currency_id.id, "journal_id": journal.id,
            "destination_account_id": self.account_id.id,
            "memo": self.env._("Back to you: %(document)s", document=self.move_id.name),
        }

    def _reconcile_post_hook(self, data):
        """Call our hooks for invoices that were settled without a payment.

        Odoo calls an invoice settled by credit notes reversed, not paid, and has no hook for it;
        an invoice that is written off it calls paid, though nobody paid it.
        """
        written_off = data["not_paid_invoices"].filtered(
            lambda move: move.payment_state in move._SETTLED_STATES and move._is_written_off())
        data["not_paid_invoices"] -= written_off
        result = super()._reconcile_post_hook(data)
        written_off._invoice_written_off_hook()
        data["not_paid_invoices"].filtered(
            lambda move: move.payment_state == "reversed")._invoice_netted_hook()
        data["not_paid_invoices"].filtered(
            lambda move: move.payment_state == "partial" and move.move_type == "out_invoice"
        )._subscription_periods()._stop_chasing_small_amounts()
        return result
