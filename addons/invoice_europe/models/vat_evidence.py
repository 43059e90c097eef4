from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.legal_invoice.tools import TERRITORIES

KINDS = [
    ("billing", "Billing address"),
    ("card", "Country of the payment card"),
    ("ip", "IP address"),
    ("bank", "Bank account"),
]
# Cards and bank accounts tell the member state of a territory that has an ISO code of its own.
MEMBER_STATES = {territory.iso: territory.country for territory in TERRITORIES if territory.iso}


class VatEvidence(models.Model):
    """A piece of evidence of where a consumer is, kept with the invoice and never changed.

    Two pieces that agree give the presumption of the country whose VAT is due (Implementing
    Regulation (EU) 282/2011, art. 24b and 24f). They are kept as long as the invoice, ten years
    under the One Stop Shop (art. 63c).
    """

    _name = "vat.evidence"
    _description = "Evidence of a Customer's Country"
    _engine_only = True
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

    @api.depends("kind")
    @api.depends_context("lang")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for piece in self:
            piece.display_name = kinds.get(piece.kind, "")

    def _agrees_with(self, code):
        """Tell whether the piece speaks for a country.

        :param str code: ISO code of the country or territory
        """
        self.ensure_one()
        found = self.country_id.code
        return found == code or (
            self.kind in ("card", "bank") and found == MEMBER_STATES.get(code))

    def write(self, vals):  # pylint: disable=method-required-super
        """Refuse any change.

        :raise UserError: evidence stays as it was found
        """
        raise UserError(self.env._(
            "The evidence of %(invoices)s is kept as it was found. Correct the customer and make "
            "a credit note instead.", invoices=", ".join(self.move_id.mapped("display_name"))))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_kept(self):
        """Keep evidence; it goes only with a draft that is deleted.

        :raise UserError: always
        """
        raise UserError(self.env._(
            "The evidence of %(invoices)s is kept as long as the invoices.",
            invoices=", ".join(self.move_id.mapped("display_name"))))
