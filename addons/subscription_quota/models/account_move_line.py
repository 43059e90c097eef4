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
        """The line in the terms of its price: with included taxes, without the others."""
        self.ensure_one()
        return self.currency_id.round(
            self.price_unit * self.quantity * (1 - self.discount / 100))

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

    # Packs of extra units ---------------------------------------------------------------------

    def _is_quota_pack(self):
        self.ensure_one()
        return (self.display_type == "product" and self.quantity > 0
                and self.product_id.service_tracking == "quota_pack")

    def _quota_sale_line(self):
        """The line of the order that says which subscription the units are for, or none."""
        # sudo: accountants need no right on orders to post their invoices
        return self.sudo().sale_line_ids.filtered("quota_subscription_id")[:1]

    def _quota_grants(self):
        """What these lines of invoices granted, and those of credit notes took back."""
        return self.env["quota.grant"].search([("invoice_line_id", "in", self.ids)])

    def _quota_grant_packs(self):
        """Grant the units of paid lines, each once.

        The key is the line of the order, so that two invoices made of one order by two payment
        notifications still grant once; lines invoiced in parts are told apart by their own.
        """
        for line in self.filtered(lambda line: line._is_quota_pack()):
            sale_line = line._quota_sale_line()
            packs = round(line.quantity - line._quota_refunded())
            if sale_line and packs > 0:
                sale_line.quota_subscription_id._quota_add_packs(
                    line.product_id.product_tmpl_id, packs, line._quota_key(sale_line),
                    sale_line_id=sale_line.id, invoice_line_id=line.id)

    def _quota_key(self, sale_line):
        if self.quantity < sale_line.product_uom_qty:
            return f"account.move.line:{self.id}"
        # Refunded and invoiced again, the same order grants again.
        notes = len(sale_line.invoice_lines.filtered(
            lambda line: line.parent_state == "posted" and line.move_type == "out_refund"
            and line.id < self.id))
        return f"sale.order.line:{sale_line.id}" + (f":{notes}" if notes else "")

    def _quota_refunded(self):
        """Packs of the line that posted credit notes refunded before it was paid."""
        return sum(self.move_id.reversal_move_ids.filtered(
            lambda note: note.state == "posted").invoice_line_ids.filtered(
                lambda line: line.product_id == self.product_id
                and line.sale_line_ids & self.sale_line_ids).mapped("quantity"))

    def _quota_take_back_packs(self):
        """Follow posted credit notes: what they refund and is not used yet is taken back."""
        for line in self.filtered(lambda line: line._is_quota_pack()):
            if sale_line := line._quota_sale_line():
                sale_line.quota_subscription_id._quota_take_back(
                    sale_line, line,
                    round(line.quantity * line.product_id.product_tmpl_id.quota_units))
