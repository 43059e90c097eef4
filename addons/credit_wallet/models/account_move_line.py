from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import formatLang

from odoo.addons.concurrency_base.tools import as_engine

from .res_company import VOUCHER_KINDS
from .sale_order_line import CREDIT_TERMS


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    credit_entry_id = fields.Many2one(
        "credit.entry", string="Credit movement", readonly=True, engine=True, copy=False,
        index="btree_not_null", ondelete="restrict")
    credit_tax_included = fields.Boolean(
        readonly=True, engine=True,
        help="The price is what was paid in credits, taxes included: they are taken out of it.")
    credit_refunded_line_id = fields.Many2one(
        "account.move.line", readonly=True, engine=True, copy=False, index="btree_not_null",
        help="On a credit note: the invoice line of the packs it refunds.")

    credit_count = fields.Integer(
        string="Credits each", readonly=True, engine=True, copy=False,
        help="Credits that one pack of this line adds to the wallet, as sold.")
    credit_validity_months = fields.Integer(
        string="Validity of the credits (months)", readonly=True, engine=True, copy=False)
    credit_voucher_kind = fields.Selection(
        VOUCHER_KINDS, string="Voucher", readonly=True, engine=True, copy=False,
        help="When VAT is due on these credits, as sold.")
    credit_value = fields.Monetary(
        string="Value of the credits", currency_field="company_currency_id", readonly=True,
        engine=True,
        copy=False, help="What the customer pays for the packs of this line, untaxed and all "
        "discounts taken off; on a credit note, what is given back for them.")
    credit_moves_discount = fields.Boolean(
        readonly=True, engine=True,
        help="Takes a discount off the packs it is on, instead of off income.")

    @api.constrains("credit_refunded_line_id")
    def _check_credit_refunds_own_purchase(self):
        """Refuse to refund the packs of another customer or company.

        :raise ValidationError: naming the invoice
        """
        for line in self:
            sale, note = line.credit_refunded_line_id.move_id, line.move_id
            if sale and (sale.commercial_partner_id, sale.company_id) != (
                    note.commercial_partner_id, note.company_id):
                raise ValidationError(self.env._(
                    "“%(line)s” refunds %(invoice)s, which is not an invoice of the same company "
                    "to %(customer)s. Make the credit note from the customer's own invoice.",
                    line=line.name, invoice=sale.display_name,
                    customer=note.commercial_partner_id.display_name))

    # Terms --------------------------------------------------------------------------------

    def _is_credit_pack(self):
        """Tell whether the line sells packs of credits or, on a credit note, refunds them."""
        self.ensure_one()
        return self.quantity > 0 and bool(
            self.credit_refunded_line_id.credit_count or self._credit_terms()["credit_count"])

    def _credit_terms(self):
        """Return the terms agreed on for the packs of the line: when posted, or else when ordered.

        The product is only asked when there is no order, and only until the invoice is posted.

        :return: dict; see ``product.template._credit_pack_terms``
        """
        self.ensure_one()
        if self.move_id.state in ("posted", "cancel"):
            source = self
        else:
            # sudo: accountants need no right on orders to post their invoices
            source = self.sudo().sale_line_ids._origin.filtered(
                lambda line: line.product_id == self.product_id)[:1]
        if source:
            return {name: source[name] for name in CREDIT_TERMS}
        product = self.product_id.with_company(self.company_id)
        return product.product_tmpl_id._credit_pack_terms()

    def _credit_keep_terms(self):
        """Store the terms that these lines, about to be posted, sell or refund, and their value."""
        values = self._paid_values("balance")
        for line in self:
            as_engine(line).write({
                **line._credit_terms(), "credit_value": values[line],
                "credit_voucher_kind": line._credit_sold_voucher_kind()})

    def _credit_price_waits(self):
        """Tell whether the price of the line waits for its payment, and then is owed.

        Extension point: by default, it does when the line sells or refunds packs.
        """
        self.ensure_one()
        return self.display_type == "product" and self._is_credit_pack()

    def _compute_account_id(self):
        """Book the price on its own pending account, even when the product is no longer a pack."""
        result = super()._compute_account_id()
        for line in self.filtered("sale_line_ids"):
            if line.move_id.is_sale_document() and line._credit_price_waits():
                line.account_id = line.company_id._credit_account("credit_pending_account_id")
        return result

    def _compute_discount_allocation_needed(self):
        """Leave out discounts on credits: they lower what is owed, and are not an expense."""
        result = super()._compute_discount_allocation_needed()
        for line in self:
            if line.discount_allocation_needed and line._credit_price_waits():
                line.discount_allocation_needed = False
        return result

    def _credit_move_discounts(self):
        """Prepare the items that take discounts on credits off the pending account.

        Odoo lowers income by a discount on a line of its own; but the price of credits is no
        income until they are used.

        :return: list of dicts of values, two for each discount; `self` are lines of one invoice
        """
        waiting = self.filtered(lambda line: line._credit_price_waits())
        if not waiting:
            return []
        in_currency, in_books = self._share_discounts(), self._share_discounts("balance")
        items = []
        for discount, shares in in_books.items():
            for account, lines in waiting.grouped("account_id").items():
                amounts = [-self.move_id.direction_sign * sum(
                    of_currency.get(line, 0.0) for line in lines)
                    for of_currency in (in_currency.get(discount, {}), shares)]
                if account != discount.account_id and any(amounts):
                    items += discount._credit_prepare_discount_items(account, *amounts)
        return items

    def _credit_prepare_discount_items(self, account, amount_currency, balance):
        """Prepare the values of the two items that move a part of this discount to the account."""
        self.ensure_one()
        common = {
            "move_id": self.move_id.id, "display_type": "discount", "name": self.name,
            "partner_id": self.partner_id.id, "currency_id": self.currency_id.id,
            "credit_moves_discount": True}
        return [
            {**common, "account_id": account.id, "balance": balance,
             "amount_currency": amount_currency},
            {**common, "account_id": self.account_id.id, "balance": -balance,
             "amount_currency": -amount_currency,
             "analytic_distribution": self.analytic_distribution}]

    # Taxes --------------------------------------------------------------------------------

    def _get_computed_taxes(self):
        """Return no VAT for a multi-purpose voucher (VAT Directive 2006/112/EC, art. 30b(2))."""
        if (self.product_id and self.move_id.is_sale_document(include_receipts=True)
                and self._credit_is_untaxed()):
            return self.env["account.tax"]
        return super()._get_computed_taxes()

    def _credit_is_untaxed(self):
        """Tell whether the line sells a multi-purpose voucher, whose VAT waits for the booking."""
        terms = self._credit_terms()
        if terms["credit_count"]:
            return terms["credit_voucher_kind"] == "multi"
        product = self.product_id.with_company(self.company_id)
        return product.product_tmpl_id._credit_is_untaxed_pack()

    def _credit_sold_voucher_kind(self):
        """Return the kind of voucher that this line, about to be posted, sells.

        A taxed line sells a single-purpose voucher. An untaxed line whose pack would normally be
        taxed sells a multi-purpose one: its VAT waits for the booking. For a pack that never bears
        tax, the order or the setting decides.
        """
        self.ensure_one()
        if self.tax_ids:
            return "single"
        # Not ours, which would leave the taxes out.
        if super()._get_computed_taxes():  # pylint: disable=super-method-mismatch
            return "multi"
        return self._credit_terms()["credit_voucher_kind"] or (
            self.company_id.credit_voucher_kind)

    # Purchases ----------------------------------------------------------------------------

    def _credit_grant_packs(self):
        """Grant the credits of paid pack lines, each once, less what was already refunded.

        The idempotency key is the sale order line, so that two invoices created for one order by
        two payment notifications still grant once. Lines invoiced in parts, and invoices made
        without an order, are told apart by their own line.
        """
        packs = self.filtered(lambda line: line._is_credit_pack())
        entries = self.env["credit.entry"]
        if not packs:
            return entries
        granted = entries.search([("invoice_line_id", "in", packs.ids)]).invoice_line_id
        refunds = packs._credit_refunds()
        for line in packs - granted:
            refunded, refunded_value = refunds.get(line, (0.0, 0.0))
            key = line._credit_grant_key()
            if (refunded < line.quantity
                    and not entries.search_count([("idempotency_key", "=", key)], limit=1)):
                entries += line._credit_grant_pack(
                    key, line.quantity - refunded, line.credit_value - refunded_value)
        entries._send_mail("credit_wallet.mail_template_credits_granted")
        return entries

    def _credit_grant_pack(self, key, quantity, value):
        """Grant one paid line, on the terms agreed when it was sold.

        :param float quantity: packs paid for
        :param float value: their untaxed price, company currency
        """
        company = self.company_id
        return self.env["credit.wallet"]._of(self.partner_id, company)._grant(
            round(quantity * self.credit_count),
            self.company_currency_id.round(max(value, 0.0)),
            key,
            expiry_date=company._credit_expiry_date(self.credit_validity_months),
            voucher_kind=self.credit_voucher_kind,
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
        """Release credits held since a payment was taken back, when the invoice is paid again.

        Credit notes for other lines may pay for a pack, too: Odoo calls its invoice reversed, not
        paid, and has no hook for that.
        """
        result = super()._reconcile_post_hook(data)
        invoices = data["not_paid_invoices"].filtered(
            lambda move: move.move_type == "out_invoice")
        invoices.filtered(lambda move: move.payment_state == "reversed")._credit_grant_paid()
        paid = invoices.filtered(
            lambda move: move.payment_state in ("paid", "in_payment", "reversed"))
        paid.invoice_line_ids._credit_release_held(
            self.env._("The invoice was paid again."))
        return result

    # Refunds ------------------------------------------------------------------------------

    def _credit_refunds(self):
        """Sum quantity and value of the posted credit notes on these lines, by line."""
        return {
            line: (quantity, value) for line, quantity, value in self._read_group(
                [("credit_refunded_line_id", "in", self.ids), ("parent_state", "=", "posted"),
                 ("move_id.move_type", "=", "out_refund")],
                ["credit_refunded_line_id"], ["quantity:sum", "credit_value:sum"])}

    def _copy_data_extend_business_fields(self, values):
        """Keep on a credit note made from an invoice of packs the line that it refunds."""
        result = super()._copy_data_extend_business_fields(values)
        if self.display_type == "product" and self.move_id._credit_sells_packs():
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
            as_engine(line).credit_refunded_line_id = sold.sorted("id")[-1:]

    def _credit_check_refunded_once(self):
        """Refuse to refund more of a line than it sold, or than was paid.

        :raise UserError: the credit notes of a line exceed what it sold, or what was paid
        """
        refunds = self.credit_refunded_line_id._credit_refunds()
        for line, (quantity, _value) in refunds.items():
            if quantity > line.quantity:
                raise UserError(self.env._(
                    "%(invoice)s sold %(sold)s × “%(pack)s”, and its credit notes refund "
                    "%(refunded)s. Lower the quantity; for a commercial gesture, use a line "
                    "without the pack.", invoice=line.move_id.name, sold=line.quantity,
                    pack=line.product_id.display_name, refunded=quantity))

    def _credit_check_given_back(self):
        """Refuse to give back more than was paid for these lines, taxes included.

        :raise UserError: credit notes give back more than was paid for these lines
        """
        left_of = self.move_id.invoice_line_ids.filtered(
            lambda line: line.display_type == "product")._credit_not_given_back()
        for line in self:
            left, currency = sum(left_of[line][1].values()), line.currency_id
            if currency.compare_amounts(left, 0.0) < 0 and not line._lowers_other_lines():
                paid = sum(line._credit_money()[line].values())
                raise UserError(self.env._(
                    "“%(pack)s” of %(invoice)s was paid %(paid)s, taxes included, and its credit "
                    "notes give back %(given)s. Take off the discounts of the invoice, too, or "
                    "lower the price; for a commercial gesture, use a line without the pack.",
                    pack=line.product_id.display_name or line.name, invoice=line.move_id.name,
                    paid=formatLang(self.env, paid, currency_obj=currency),
                    given=formatLang(self.env, paid - left, currency_obj=currency)))
        for move in self.move_id:
            move._credit_check_total_given_back(sum(
                sum(left_of[line][1].values()) for line in move.invoice_line_ids
                if line in left_of))
