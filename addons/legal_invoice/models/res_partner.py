from odoo import api, models
from odoo.exceptions import ValidationError

from ..tools import is_siren_or_siret, siren_of_vat, territory_of, without_separators
from ..tools.numbers import INSEE_COUNTRIES

EU_PREFIXES = {"GR": "EL"}  # VAT prefix where it is not the country's code


class ResPartner(models.Model):
    _inherit = "res.partner"

    # Checks ---------------------------------------------------------------------------------

    @api.constrains("company_registry", "country_id")
    def _check_siret(self):
        """Check the key of SIREN and SIRET where INSEE gives them.

        :raise ValidationError: it is wrong
        """
        for partner in self:
            number = without_separators(partner.company_registry)
            if (number and partner.country_id.code in INSEE_COUNTRIES
                    and not is_siren_or_siret(number)):
                raise ValidationError(self.env._(
                    "“%(number)s”, of %(name)s, is not a valid SIRET (14 digits) or SIREN "
                    "(9 digits): a digit is wrong, missing or repeated. Look it up in the "
                    "company directory of the State (annuaire-entreprises.data.gouv.fr).",
                    number=partner.company_registry, name=partner.display_name))

    def _check_vat(self, validation="error"):
        """Check the country of the number, too, for every form, checkout and import.

        :raise ValidationError: see :meth:`_check_vat_country`
        """
        result = super()._check_vat(validation=validation)
        if validation == "error":
            self._check_vat_country()
        return result

    def _check_vat_country(self):
        """Check that number and address are of the same member state.

        Which state taxes a sale is read off the address, and whether the customer pays the VAT
        itself off the number (Directive 2006/112/EC, art. 44 and 196): they have to agree.

        :raise ValidationError: they are of two
        """
        # sudo: the list of countries is nobody's secret
        states = {EU_PREFIXES.get(country.code, country.code): country for country in
                  self.env.ref("base.europe").sudo().country_ids}
        for partner in self:
            country = partner.commercial_partner_id.country_id
            own = EU_PREFIXES.get(country.code, country.code)
            prefix = (partner.vat or "")[:2].upper()
            if own in states and prefix in states and prefix != own:
                raise ValidationError(self.env._(
                    "The VAT number “%(vat)s” is of %(number_country)s, but the address of "
                    "%(name)s is in %(country)s. Correct the one that is wrong; for another "
                    "establishment of the same company, create a contact with its own address "
                    "and number.",
                    vat=partner.vat, number_country=states[prefix].name, country=country.name,
                    name=partner.display_name or self.env._("the customer")))

    # VIES -----------------------------------------------------------------------------------

    @api.depends("vat")
    def _compute_vies_valid(self):
        """Ask VIES once a number and month, briefly, and later again when it does not answer.

        Odoo asks at each change and waits ten seconds, in the customer's checkout.
        """
        # sudo: a setting, whoever the customer is
        if not self.env["res.company"].sudo().search_count(
                [("vat_check_vies", "=", True)], limit=1):
            self.vies_valid = False
            return
        # sudo: answers of VIES are kept for everyone
        answers = self.env["vies.answer"].sudo()._query_validity(
            set(filter(None, self.mapped("vat"))))
        for partner in self:
            partner.vies_valid = answers.get(without_separators(partner.vat), False)

    # Where it is ----------------------------------------------------------------------------

    def _vat_country(self):
        """Return the country whose rules of VAT the address follows.

        :return: ``res.country``: the country of the address; in a territory outside the VAT area
            of the European Union, the territory's own country, or none when it has none
        """
        self.ensure_one()
        territory = territory_of(self.country_id.code, self.zip, self.state_id.code)
        if not territory:
            return self.country_id
        countries = self.env["res.country"]
        return (countries.search([("code", "=", territory.iso)], limit=1) if territory.iso
                else countries)

    # Who it is ------------------------------------------------------------------------------

    def _legal_is_professional(self):
        """Tell whether penalties, the fixed charge and the SIREN concern this customer."""
        self.ensure_one()
        partner = self.commercial_partner_id
        return bool(partner.is_company or partner.vat or partner.company_registry)

    def _legal_siren(self):
        """Return the nine figures of a French customer, or none.

        They are in its SIRET or in its VAT number.
        """
        self.ensure_one()
        partner = self.commercial_partner_id
        number = without_separators(partner.company_registry)
        if partner.country_id.code in INSEE_COUNTRIES and is_siren_or_siret(number):
            return number[:9]
        return siren_of_vat(partner.vat)
