from odoo import api, models


class PaymentToken(models.Model):
    _inherit = "payment.token"

    def _usable_by(self, person):
        """Keep the means of payment that the person may charge, show and remove.

        They are the person's own, and all of the company's when they pay its bills.
        """
        return self.filtered(lambda token: token.partner_id == person or (
            person._may("bill", token.partner_id)))

    @api.model
    def _get_available_tokens(self, providers_ids, partner_id, is_validation=False, **kwargs):
        """Leave out the cards of the company for those who do not pay its bills."""
        tokens = super()._get_available_tokens(
            providers_ids, partner_id, is_validation=is_validation, **kwargs)
        return tokens._usable_by(self.env["res.partner"].browse(partner_id))
