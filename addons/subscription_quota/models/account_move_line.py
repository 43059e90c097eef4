from odoo import fields, models

from odoo.addons.concurrency_base.tools import as_engine


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    quota_grant_id = fields.Many2one(
        "quota.grant", string="Extra units", readonly=True, engine=True, copy=False,
        index="btree_not_null",
        ondelete="restrict", help="The units that the line paid for, or takes back.")
    quota_units = fields.Integer(
        string="Units given or taken back", readonly=True, engine=True, copy=False, aggregator=None)

    def _is_quota_pack(self):
        self.ensure_one()
        return (self.display_type == "product" and self.quantity > 0
                and self.product_id.service_tracking == "quota_pack")

    def _quota_sale_line(self):
        """Return the order line that names the subscription the units are for, or none."""
        # sudo: accountants need no right on orders to post their invoices
        return self.sudo().sale_line_ids.filtered("quota_subscription_id")[:1]

    def _quota_grant_packs(self):
        """Grant the units of paid lines, each once, less what is already credited."""
        for line in self.filtered(
                lambda line: line._is_quota_pack() and not line.quota_grant_id):
            sale_line = line._quota_sale_line()
            packs = round(line.quantity - line._quota_refunded())
            if sale_line and packs > 0:
                grant = sale_line.quota_subscription_id._quota_add_packs(
                    line.product_id.product_tmpl_id, packs, line._quota_key(sale_line),
                    note=line.move_id.name)
                as_engine(line).write({"quota_grant_id": grant.id, "quota_units": grant and (
                    packs * line.product_id.product_tmpl_id.quota_units)})

    def _quota_key(self, sale_line):
        """Name what the units are given for, so that they are given once.

        It is the order line: two invoices made of one order by two payment notifications grant
        once. Lines that are invoiced in parts are told apart by their own ids.
        """
        if self.quantity < sale_line.product_uom_qty:
            return f"account.move.line:{self.id}"
        # Refunded and invoiced again, the same order grants again.
        notes = len(sale_line.invoice_lines.filtered(
            lambda line: line.move_id.move_type == "out_refund"
            and line.parent_state == "posted" and line.id < self.id))
        return f"sale.order.line:{sale_line.id}" + (f":{notes}" if notes else "")

    def _quota_refunded(self):
        """Count the packs of the line that posted credit notes refund."""
        notes = self.move_id.reversal_move_ids.filtered(lambda note: note.state == "posted")
        return sum(notes.invoice_line_ids.filtered(
            lambda line: line.sale_line_ids & self.sale_line_ids).mapped("quantity"))

    def _quota_given(self):
        """Return the paid lines that granted units for the order lines that these lines refund.

        Ask before the refund is posted: posting may settle the invoice, and what is granted then
        is already lowered by the refund.
        """
        lines = self.filtered(lambda line: line._is_quota_pack())
        return lines.sale_line_ids.invoice_lines.filtered(
            lambda line: line.quota_grant_id and line.move_id.move_type == "out_invoice")

    def _quota_take_back_packs(self, given):
        """Take back the units that posted credit notes refund, as far as they are not used.

        :param given: see :meth:`_quota_given`
        """
        for line in self.filtered(
                lambda line: line._is_quota_pack() and not line.quota_grant_id):
            paid = given.filtered(
                lambda paid, line=line: paid.sale_line_ids & line.sale_line_ids)[-1:]
            if paid:
                units = round(paid.quota_units * line.quantity / paid.quantity)
                as_engine(line).write({
                    "quota_grant_id": paid.quota_grant_id.id,
                    "quota_units": paid.quota_grant_id.subscription_id._quota_take_back(
                        paid.quota_grant_id, units, line.move_id.name)})
