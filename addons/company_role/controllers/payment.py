from odoo import http
from odoo.exceptions import AccessError
from odoo.http import request

from odoo.addons.payment.controllers.portal import PaymentPortal


class RolePayment(PaymentPortal):
    """The cards of a company are charged and removed by those who pay its bills only."""

    def _create_transaction(
            self, provider_id, payment_method_id, token_id, amount, currency_id, partner_id, flow,
            *args, **kwargs):
        """Refuse a card that is neither the payer's own nor one of a company they act for.

        :raise AccessError: the card may not be charged by this person
        """
        if flow == "token":
            user = request.env.user
            payer = request.env["res.partner"].browse(partner_id) if (
                user._is_public()) else user.partner_id
            # sudo: tokens are readable by their owner only
            token = request.env["payment.token"].sudo().browse(token_id)
            if not token._usable_by(payer):
                raise AccessError(payer._refusal("bill", token.partner_id))
        return super()._create_transaction(
            provider_id, payment_method_id, token_id, amount, currency_id, partner_id, flow,
            *args, **kwargs)

    @http.route()
    def archive_token(self, token_id):
        """Remove a card of one's own, or of the company whose bills one pays."""
        person = request.env.user.partner_id
        # sudo: tokens are readable by their owner only
        token = request.env["payment.token"].sudo().search([
            ("id", "=", token_id),
            ("partner_id", "in", [person.id, person.commercial_partner_id.id])])
        if not token._usable_by(person):
            person._check_may("bill", person.commercial_partner_id)
        return super().archive_token(token_id)
