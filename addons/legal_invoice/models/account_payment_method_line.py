from odoo import api, models


class AccountPaymentMethodLine(models.Model):
    _inherit = "account.payment.method.line"

    @api.model_create_multi
    def create(self, vals_list):
        """Name ways to pay in the company's language: the name stands before each payment in the
        journal and in the file of accounting entries (LPF, art. L47 A), and Odoo gives it in the
        language of whoever made the journal.
        """
        lines = super().create(vals_list)
        lines._name_as_the_company_speaks()
        return lines

    def _name_as_the_company_speaks(self):
        """Translate a name that is that of the method; one that somebody chose stays."""
        for line in self:
            method, lang = line.payment_method_id, line.company_id.partner_id.lang
            if lang and line.name in (method.name, method.with_context(lang="en_US").name):
                line.name = method.with_context(lang=lang).name

    @api.model
    def _name_again(self):
        """Name those that were there before this addon."""
        self.search([("journal_id", "!=", False)])._name_as_the_company_speaks()
