from odoo import api, models
from odoo.exceptions import UserError

ISSUED_FIELDS = {
    "name", "product_id", "product_uom_id", "quantity", "price_unit", "discount", "tax_ids",
    "display_type", "debit", "credit", "balance", "amount_currency", "currency_id", "partner_id"}
PRINTED = ("product", "line_section", "line_subsection", "line_note")


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    @api.model_create_multi
    def create(self, vals_list):
        """Refuse to add lines to documents that were issued.

        :raise UserError: see ``account.move._legal_check_not_final``
        """
        lines = super().create(vals_list)
        lines.filtered(lambda line: line.display_type in PRINTED).move_id._legal_check_not_final()
        return lines

    def write(self, vals):
        """Refuse to rewrite the lines of documents that were issued.

        :raise UserError: see ``account.move._legal_check_not_final``
        """
        if names := ISSUED_FIELDS & vals.keys():
            moves = self.env["account.move"]
            self.filtered(lambda line: line.display_type in PRINTED and any(
                moves._field_will_change(line, vals, name) for name in names)
            ).move_id._legal_check_not_final()
        return super().write(vals)

    def _legal_check_merge(self, partners):
        """Refuse to merge contacts away whose documents are secured; see the dialog of merges.

        :param partners: the ``res.partner`` that would disappear
        :raise UserError: naming them
        """
        # sudo: whoever merges contacts, their invoices stay
        secured = self.sudo().search([
            ("partner_id", "in", partners.ids), ("move_id.inalterable_hash", "!=", False)])
        if names := secured.partner_id:
            raise UserError(self.env._(
                "%(names)s: there are secured invoices to this contact, which name it for good. "
                "Merge the others into it, or archive what is in excess instead.",
                names=", ".join(names.mapped("display_name"))))
