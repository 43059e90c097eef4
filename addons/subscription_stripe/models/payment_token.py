from odoo import models


class PaymentToken(models.Model):
    _inherit = "payment.token"

    def _stripe_take_card(self, payment_method):
        """The bank replaced the card behind a saved means of payment: same token, new number."""
        card = payment_method.get("card") or {}
        for token in self:
            if card.get("last4") and token.payment_details != card["last4"]:
                token.payment_details = card["last4"]
                token._stripe_forgive()

    def _stripe_forgive(self):
        """A refusal for good was of the former card: the new one may be tried."""
        self.env["payment.transaction"].search([
            ("token_id", "in", self.ids), ("decline_kind", "=", "hard"),
        ]).decline_kind = "soft"
