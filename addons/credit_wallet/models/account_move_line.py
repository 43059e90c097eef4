from odoo import fields, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    credit_entry_id = fields.Many2one(
        "credit.entry", string="Credit movement", readonly=True, copy=False,
        index="btree_not_null", ondelete="restrict")

    def _credit_grant_packs(self):
        """Grant the credits of paid pack lines, each once.

        The idempotency key is the sale order line, so that two invoices made of one order by
        two payment notifications still grant once; lines invoiced in parts, and invoices made
        without an order, are told apart by their own line.
        """
        entries = self.env["credit.entry"]
        for line in self:
            product = line.product_id
            if product.service_tracking != "credit_pack" or line.quantity <= 0:
                continue
            company = line.company_id
            wallet = self.env["credit.wallet"]._of(line.partner_id, company)
            key = line._credit_grant_key()
            if entries.search_count([("idempotency_key", "=", key)], limit=1):
                continue
            entries += wallet._grant(
                round(line.quantity * product.credit_count),
                line.company_currency_id.round(-line.balance),
                key,
                expiry_date=product.product_tmpl_id._credit_expiry_date(
                    company._credit_today()),
                origin=line.move_id.name,
                sale_line_id=line.sale_line_ids[:1].id,
            )
        entries._send_grant_mail()
        return entries

    def _credit_grant_key(self):
        self.ensure_one()
        sale_line = self.sale_line_ids[:1]
        if sale_line and self.quantity >= sale_line.product_uom_qty:
            return f"pack:sale.order.line:{sale_line.id}"
        return f"pack:account.move.line:{self.id}"
