from odoo import models


class AccountFiscalPosition(models.Model):
    _inherit = "account.fiscal.position"

    def _get_first_matching_fpos(self, partner):
        """Match an address outside the VAT area by its territory, not by its member state.

        Positions made for that very place, by its state or its postcode, come first.
        """
        country = partner._vat_country()
        if country == partner.country_id:
            return super()._get_first_matching_fpos(partner)
        own = self.filtered(
            lambda position: position.state_ids or (position.zip_from and position.zip_to))
        place = partner.new(
            {"vat": partner.vat, "country_id": country.id, "state_id": False, "zip": False},
            origin=partner._origin or None)
        return (super(AccountFiscalPosition, own)._get_first_matching_fpos(partner)
                or super()._get_first_matching_fpos(place))
