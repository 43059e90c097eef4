from odoo import models
from odoo.exceptions import UserError


class AccountTax(models.Model):
    _inherit = "account.tax"

    def write(self, vals):
        """Keep the rates that posted documents name.

        :raise UserError: see :meth:`_check_rate_can_change`
        """
        rate = {name: vals[name] for name in ("amount", "amount_type") if name in vals}
        self.filtered(lambda tax: any(
            tax[name] != value for name, value in rate.items()))._check_rate_can_change()
        return super().write(vals)

    def _check_rate_can_change(self):
        """Check that no posted document of a customer bears these taxes.

        A document names the rate of its taxes (CGI, annexe II, art. 242 nonies A, I, 11°), and so
        does its credit note, whose amounts are those of the invoice: a rate that changed in
        between would deny them.

        :raise UserError: there is one
        """
        for tax in self:
            groups = self.with_context(active_test=False).search([
                ("children_tax_ids", "in", tax.ids)])
            # sudo: whether there is a document is all that is asked, in any company
            document = self.env["account.move.line"].sudo().search([
                ("tax_ids", "in", (tax | groups).ids), ("parent_state", "=", "posted"),
                ("move_id.move_type", "in", ("out_invoice", "out_refund"))], limit=1).move_id
            if document:
                raise UserError(self.env._(
                    "“%(tax)s” cannot change its rate: it is on posted documents, such as "
                    "%(document)s, which name that rate, as their credit notes will. Archive the "
                    "tax and make a new one.", tax=tax.name, document=document.name))
