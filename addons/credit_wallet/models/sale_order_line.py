from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .res_company import VOUCHER_KINDS

CREDIT_TERMS = ("credit_count", "credit_validity_months", "credit_voucher_kind")
PRICE = ("price_unit", "discount", "tax_ids", "product_uom_id")


class SaleOrderLine(models.Model):
    """A line that keeps what a pack of credits offered when it was put on the order.

    The product shows only today's offer: it may change before the order is paid.
    """

    _inherit = "sale.order.line"

    credit_count = fields.Integer(
        string="Credits each", compute="_compute_credit_terms", store=True, engine=True,
        precompute=True, help="Credits that one pack adds to the wallet, as offered on this order.")
    credit_validity_months = fields.Integer(
        string="Validity of the credits (months)", compute="_compute_credit_terms", store=True,
        engine=True,
        precompute=True, help="Months from the payment on, as offered on this order; 0: no expiry.")
    credit_voucher_kind = fields.Selection(
        VOUCHER_KINDS, string="Voucher", compute="_compute_credit_terms", store=True, engine=True,
        precompute=True, help="When VAT is due on these credits, as offered on this order.")

    @api.depends("product_id", "company_id")
    def _compute_credit_terms(self):
        for line in self:
            line.update(line.product_id.with_company(
                line.company_id).product_tmpl_id._credit_pack_terms())

    @api.constrains("product_id", "product_uom_qty")
    def _check_whole_packs(self):
        for line in self.filtered("credit_count"):
            if line.product_uom_qty != int(line.product_uom_qty):
                raise ValidationError(self.env._(
                    "%(pack)s is sold by the piece: %(quantity)s is not a whole number.",
                    pack=line.product_id.display_name, quantity=line.product_uom_qty))
            if line.product_uom_qty < 0:
                raise ValidationError(self.env._(
                    "%(pack)s cannot be sold in a quantity below zero (%(quantity)s). To take "
                    "packs back, make a credit note of their invoice.",
                    pack=line.product_id.display_name, quantity=line.product_uom_qty))

    def _gives_down_payment_back(self):
        """Give back what was paid ahead of packs whose credits are never granted."""
        return bool(self.credit_count) or super()._gives_down_payment_back()

    def write(self, vals):
        """Change the line, unless this would change what was agreed on a pack.

        :raise UserError: see :meth:`_check_credit_terms_kept`
        """
        self._check_credit_terms_kept(vals)
        return super().write(vals)

    def _check_credit_terms_kept(self, vals):
        """Refuse to change what was agreed on a pack.

        :raise UserError: the order is confirmed and `vals` have other credits or another
            product, or the pack is invoiced and they have another price
        """
        packs = self.filtered(lambda line: line.state == "sale" and (
            line.credit_count or self._credit_is_pack_id(vals.get("product_id"))))
        for line in packs:
            if line._changes(vals, ("product_id", *CREDIT_TERMS)):
                raise UserError(self.env._(
                    "“%(pack)s” is sold with the confirmed order %(order)s: its credits cannot "
                    "change any more. Set its quantity to 0, and add a line for another pack.",
                    pack=line.product_id.display_name, order=line.order_id.name))
            if line.qty_invoiced and line._changes(vals, PRICE):
                raise UserError(self.env._(
                    "“%(pack)s” of %(order)s is invoiced: its price cannot change any more. To "
                    "give money back, make a credit note of the invoice.",
                    pack=line.product_id.display_name, order=line.order_id.name))

    def _credit_is_pack_id(self, product_id):
        product = self.env["product.product"].browse(product_id or [])
        return product.service_tracking == "credit_pack"

    def _changes(self, vals, names):
        """Tell whether writing `vals` would change one of these fields of the line."""
        self.ensure_one()
        changed = {name: vals[name] for name in names if name in vals}
        if not changed:
            return False
        after = self.new(changed, origin=self)
        return any(
            after[name]._origin != self[name] if self._fields[name].relational
            else after[name] != self[name] for name in changed)

    @api.depends("credit_voucher_kind")
    def _compute_tax_ids(self):
        """Remove VAT from a multi-purpose voucher (VAT Directive 2006/112/EC, art. 30b(2))."""
        vouchers = self.filtered(lambda line: line._credit_is_untaxed())
        vouchers.tax_ids = False
        return super(SaleOrderLine, self - vouchers)._compute_tax_ids()

    def _credit_is_untaxed(self):
        """Tell whether the line sells a multi-purpose voucher, whose VAT waits for the booking."""
        self.ensure_one()
        if self.credit_count:
            return self.credit_voucher_kind == "multi"
        product = self.product_id.with_company(self.company_id)
        return bool(product) and product.product_tmpl_id._credit_is_untaxed_pack()

    def _compute_price_unit(self):
        """Keep the price of a confirmed order.

        Odoo asks the product again when the quantity changes.
        """
        sold = self.filtered(lambda line: line.credit_count and line.state == "sale")
        return super(SaleOrderLine, self - sold)._compute_price_unit()

    def _reset_price_unit(self):
        """Reset price and credits together, because they are one offer."""
        result = super()._reset_price_unit()
        for name in CREDIT_TERMS:
            self.env.add_to_compute(self._fields[name], self)
        return result

    def _credit_is_sold(self):
        """Tell whether the line adds credits to the customer's wallet once it is paid.

        Extension point: by default, a pack of credits does.
        """
        self.ensure_one()
        return bool(self.credit_count)
