from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    subscription_period_id = fields.Many2one(
        "subscription.period", readonly=True, copy=False, index="btree_not_null",
        ondelete="restrict", help="The period of a subscription that the line bills or credits.")

    def _copy_data_extend_business_fields(self, values):
        """A credit note made by hand counts as one made by the subscription."""
        result = super()._copy_data_extend_business_fields(values)
        if self.env.context.get("include_business_fields"):
            values["subscription_period_id"] = self.subscription_period_id.id
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

    def _reconcile_post_hook(self, data):
        """Credit notes settle an invoice as payments do, but Odoo calls it reversed, not paid,
        and has no hook for it. One that is written off it calls paid, and nobody paid it."""
        written_off = data["not_paid_invoices"].filtered(
            lambda move: move.payment_state in move._SETTLED_STATES and move._is_written_off())
        data["not_paid_invoices"] -= written_off
        result = super()._reconcile_post_hook(data)
        written_off._invoice_written_off_hook()
        data["not_paid_invoices"].filtered(
            lambda move: move.payment_state == "reversed")._invoice_netted_hook()
        return result
