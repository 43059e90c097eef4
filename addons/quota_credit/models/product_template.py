from odoo import fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    quota_credit_price = fields.Integer(
        string="Price in credits",
        help="Credits that one pack of extra units costs a customer who pays from the wallet; "
        "0: not sold for credits.")

    _quota_credit_price_not_negative = models.Constraint(
        "CHECK(quota_credit_price >= 0)",
        "The price in credits is a whole number, or 0 when the pack is not sold for credits.")
