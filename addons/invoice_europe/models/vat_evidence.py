from odoo import api, fields, models
from odoo.exceptions import UserError

KINDS = [
    ("billing", "Billing address"),
    ("card", "Country of the payment card"),
    ("ip", "IP address"),
    ("bank", "Bank account"),
]


class VatEvidence(models.Model):
    """Where a consumer is, as far as a sale tells: kept with the invoice, never changed.

    Two pieces that do not contradict each other presume the country whose VAT is due
    (Implementing Regulation (EU) 282/2011, art. 24b and 24f); they are kept as long as the
    invoice, ten years under the One Stop Shop (art. 63c).
    """

    _name = "vat.evidence"
    _description = "Evidence of a Customer's Country"
    _order = "move_id desc, id"
    _rec_name = "kind"

    move_id = fields.Many2one(
        "account.move", string="Invoice", required=True, readonly=True, index=True,
        ondelete="cascade")
    company_id = fields.Many2one(related="move_id.company_id", store=True, precompute=True)
    kind = fields.Selection(KINDS, string="Evidence", required=True, readonly=True)
    country_id = fields.Many2one("res.country", required=True, readonly=True, ondelete="restrict")
    detail = fields.Char(readonly=True, help="Where the country was read.")

    _once = models.UniqueIndex(
        "(move_id, kind)", "An invoice has one piece of evidence of each kind.")

    def write(self, vals):  # pylint: disable=method-required-super
        """:raise UserError: evidence stays as it was found"""
        raise UserError(self.env._(
            "The evidence of %(invoices)s is kept as it was found. Correct the customer and make "
            "a credit note instead.", invoices=", ".join(self.move_id.mapped("display_name"))))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_kept(self):
        """:raise UserError: evidence goes with a draft that is deleted only"""
        raise UserError(self.env._(
            "The evidence of %(invoices)s is kept as long as the invoices.",
            invoices=", ".join(self.move_id.mapped("display_name"))))
