from stdnum.fr import siren, siret

from odoo import models

# Where the French reform of electronic invoices applies (CGI art. 289 bis, I).
REFORM_COUNTRIES = ("FR", "MC", "GP", "MQ", "RE")


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _get_suggested_invoice_edi_format(self):
        """French businesses get Factur-X unless another format is chosen for them."""
        if (self.env.company.account_fiscal_country_id.code == "FR"
                and self._is_french_business()):
            return "facturx"
        return super()._get_suggested_invoice_edi_format()

    def _is_french_business(self):
        """Whether invoices to them are electronic under the French reform."""
        self.ensure_one()
        owner = self.commercial_partner_id
        return owner.country_id.code in REFORM_COUNTRIES and bool(
            owner.is_company or owner.vat or owner.company_registry)

    def _french_siren(self):
        """Nine digits, from the SIRET or the VAT number; or an empty text."""
        self.ensure_one()
        owner = self.commercial_partner_id
        number = (owner.company_registry or "").replace(" ", "")
        for candidate in (number[:9] if siret.is_valid(number) else number,
                          (owner.vat or "").replace(" ", "")[4:]):
            if siren.is_valid(candidate):
                return candidate
        return ""

    def _french_siret(self):
        """Fourteen digits, or an empty text."""
        self.ensure_one()
        number = (self.commercial_partner_id.company_registry or "").replace(" ", "")
        return number if siret.is_valid(number) else ""
