from stdnum.fr import siret

from odoo import models

from odoo.addons.legal_invoice.tools import without_separators

# Where the French reform of electronic invoices applies (CGI art. 289 bis, I).
REFORM_COUNTRIES = ("FR", "MC", "GP", "MQ", "RE")


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _get_suggested_invoice_edi_format(self):
        """Suggest Factur-X for French businesses."""
        if (self.env.company.account_fiscal_country_id.code == "FR"
                and self._is_french_business()):
            return "facturx"
        return super()._get_suggested_invoice_edi_format()

    def _is_french_business(self):
        """Tell whether it is a business established where the French reform applies."""
        self.ensure_one()
        return (self.commercial_partner_id._vat_country().code in REFORM_COUNTRIES
                and self._legal_is_professional())

    def _french_siret(self):
        """Return the SIRET: fourteen digits, or an empty text."""
        self.ensure_one()
        number = without_separators(self.commercial_partner_id.company_registry)
        return number if siret.is_valid(number) else ""
