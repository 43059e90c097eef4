from odoo import fields, models
from odoo.exceptions import UserError


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    credit_entry_id = fields.Many2one(
        "credit.entry", string="Credit movement", readonly=True, copy=False,
        index="btree_not_null", ondelete="restrict")
    credit_tax_included = fields.Boolean(
        readonly=True,
        help="The price is what was paid in credits, taxes included: they are taken out of it.")
    credit_refunded_line_id = fields.Many2one(
        "account.move.line", readonly=True, copy=False, index="btree_not_null",
        help="On a credit note: the invoice line of the packs it refunds.")

    def _is_credit_pack(self):
        self.ensure_one()
        return self.product_id.service_tracking == "credit_pack" and self.quantity > 0

    # Taxes --------------------------------------------------------------------------------

    def _get_computed_taxes(self):
        """No VAT on a multi-purpose voucher (VAT Directive 2006/112/EC, art. 30b(2))."""
        if (self.product_id and self.move_id.is_sale_document(include_receipts=True)
                and self.product_id.with_company(
                    self.company_id).product_tmpl_id._credit_is_untaxed_pack()):
            return self.env["account.tax"]
        return super()._get_computed_taxes()

    def _credit_voucher_kind(self):
        """The kind of voucher this line of a pack sold, whatever the setting became since.

        A taxed line sold a single-purpose voucher. An untaxed one, of a pack that would be
        taxed, sold a multi-purpose one: its VAT waits for the booking.
        """
        self.ensure_one()
        if self.tax_ids:
            return "single"
        # Not ours, which would leave the taxes out.
        if super()._get_computed_taxes():  # pylint: disable=super-method-mismatch
            return "multi"
        return self.company_id.credit_voucher_kind

    def _compute_discount_allocation_needed(self):
        """A discount on a pack lowers what is owed; it is no expense of its own."""
        result = super()._compute_discount_allocation_needed()
        for line in self:
            if line.product_id.service_tracking == "credit_pack":
                line.discount_allocation_needed = False
        return result

    # Purchases ----------------------------------------------------------------------------

    def _credit_grant_packs(self):
        """Grant the credits of paid pack lines, each once, less what is already credited.

        The idempotency key is the sale order line, so that two invoices made of one order by
        two payment notifications still grant once; lines invoiced in parts, and invoices made
        without an order, are told apart by their own line.
        """
        packs = self.filtered(lambda line: line._is_credit_pack())
        entries = self.env["credit.entry"]
        if not packs:
            return entries
        granted = entries.search([("invoice_line_id", "in", packs.ids)]).invoice_line_id
        refunds = packs._credit_refunds()
        for line in packs - granted:
            refunded, refunded_balance = refunds.get(line, (0.0, 0.0))
            key = line._credit_grant_key()
            if (refunded < line.quantity
                    and not entries.search_count([("idempotency_key", "=", key)], limit=1)):
                entries += line._credit_grant_pack(
                    key, line.quantity - refunded, line.balance + refunded_balance)
        entries._send_mail("credit_wallet.mail_template_credits_granted")
        return entries

    def _credit_grant_pack(self, key, quantity, balance):
        """Grant one paid line.

        :param float quantity: packs paid for
        :param float balance: their untaxed price as a journal balance (credit -), company
            currency
        """
        company = self.company_id
        template = self.product_id.product_tmpl_id
        return self.env["credit.wallet"]._of(self.partner_id, company)._grant(
            round(quantity * template.credit_count),
            self.company_currency_id.round(-balance),
            key,
            expiry_date=template._credit_expiry_date(company._credit_today()),
            voucher_kind=self._credit_voucher_kind(),
            origin=self.move_id.name,
            sale_line_id=self.sale_line_ids[:1].id,
            invoice_line_id=self.id,
            pack_count=quantity,
        )

    def _credit_grant_key(self):
        self.ensure_one()
        sale_line = self.sale_line_ids[:1]
        if not sale_line or self.quantity < sale_line.product_uom_qty:
            return f"pack:account.move.line:{self.id}"
        key = f"pack:sale.order.line:{sale_line.id}"
        # Refunded and invoiced again, the same order grants again.
        refunds = self.search_count([
            ("credit_refunded_line_id", "in", sale_line.invoice_lines.ids),
            ("parent_state", "=", "posted")])
        return f"{key}:{refunds}" if refunds else key

    def _reconcile_post_hook(self, data):
        """Credit notes of something else may pay for a pack, too: Odoo calls its invoice
        reversed, not paid, and has no hook for it."""
        result = super()._reconcile_post_hook(data)
        data["not_paid_invoices"].filtered(
            lambda move: move.payment_state == "reversed")._credit_grant_paid()
        return result

    # Refunds ------------------------------------------------------------------------------

    def _credit_refunds(self):
        """Quantity and balance of the posted credit notes on these lines, by line."""
        return {
            line: (quantity, balance) for line, quantity, balance in self._read_group(
                [("credit_refunded_line_id", "in", self.ids), ("parent_state", "=", "posted"),
                 ("move_id.move_type", "=", "out_refund")],
                ["credit_refunded_line_id"], ["quantity:sum", "balance:sum"])}

    def _copy_data_extend_business_fields(self, values):
        """A credit note made from an invoice remembers the line it refunds."""
        result = super()._copy_data_extend_business_fields(values)
        if self.move_id.move_type == "out_invoice" and self._is_credit_pack():
            values["credit_refunded_line_id"] = self.id
        return result

    def _credit_link_refunded(self):
        """Name the invoice line each credit note line refunds, before it is posted.

        :raise UserError: the credit note has no invoice, so no lot to take back
        """
        for line in self.filtered(lambda line: not line.credit_refunded_line_id):
            sold = line.sale_line_ids.invoice_lines.filtered(
                lambda sale: sale.move_id.move_type == "out_invoice"
                and sale.parent_state == "posted")
            if not sold:
                raise UserError(self.env._(
                    "“%(line)s” refunds a pack of credits, but of which purchase? Make the "
                    "credit note from the invoice of the pack; for a commercial gesture, use a "
                    "line without the pack.", line=line.name))
            # The latest purchase has the most credits left.
            line.credit_refunded_line_id = sold.sorted("id")[-1:]

    def _credit_check_refunded_once(self):
        """:raise UserError: the credit notes of a line exceed what it sold."""
        refunds = self.credit_refunded_line_id._credit_refunds()
        for line, (quantity, _balance) in refunds.items():
            if quantity > line.quantity:
                raise UserError(self.env._(
                    "%(invoice)s sold %(sold)s × “%(pack)s”, and its credit notes refund "
                    "%(refunded)s. Lower the quantity; for a commercial gesture, use a line "
                    "without the pack.", invoice=line.move_id.name, sold=line.quantity,
                    pack=line.product_id.display_name, refunded=quantity))
