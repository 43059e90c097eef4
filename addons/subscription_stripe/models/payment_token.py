from odoo import models

from .. import const


class PaymentToken(models.Model):
    _inherit = "payment.token"

    def _stripe_update_card(self, payment_method):
        """Follow the bank, which replaced the card behind a saved means of payment: the token is
        the same, its number is new."""
        card = payment_method.get("card") or {}
        self.card_expiry = self._stripe_expiry(payment_method)
        for token in self:
            if card.get("last4") and token.payment_details != card["last4"]:
                token.payment_details = card["last4"]
                token._stripe_forget_hard_declines()

    def _stripe_forget_hard_declines(self):
        """Forget that the former card was refused for good: the new one may be tried."""
        self.env["payment.transaction"].search([
            ("token_id", "in", self.ids), ("decline_kind", "=", "hard"),
        ]).decline_kind = "soft"

    def _stripe_expiry(self, payment_method):
        """Return the last day of the card behind a means of payment; False when it is no card."""
        card = payment_method.get("card") or {}
        return bool(card.get("exp_month")) and self._card_expiry_of(
            card["exp_month"], card["exp_year"])

    def _is_contested(self):
        """Tell whether the holder contests a payment with it, or did and was right: then it is
        never charged again."""
        # sudo: yes or no, for whoever pays or charges
        return bool(self) and bool(self.env["payment.dispute"].sudo().search_count([
            ("token_id", "in", self.ids), ("status", "not in", const.HARMLESS_DISPUTES)],
            limit=1))

    def _get_available_tokens(self, *args, is_validation=False, **kwargs):
        """Offer no card whose payment the customer contests."""
        tokens = super()._get_available_tokens(*args, is_validation=is_validation, **kwargs)
        if is_validation:
            return tokens  # the page where they are removed
        return tokens.filtered(lambda token: not token._is_contested())
