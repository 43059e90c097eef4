from datetime import timedelta

from odoo import api, fields, models

EXPIRES_SOON = timedelta(days=30)


class PaymentToken(models.Model):
    _inherit = "payment.token"

    card_expiry = fields.Date(
        readonly=True, engine=True,
        help="Last day on which the card can be charged: that of the month printed on "
        "it. Providers fill it in; empty for what does not expire, or when it is not known.")
    subscription_ids = fields.One2many("subscription.subscription", "token_id")

    @api.model
    def _card_expiry_of(self, month, year):
        """Return the last day of the month printed on a card, for providers to store.

        :param int month: 1 to 12
        :param int year: of four digits
        """
        return fields.Date.end_of(fields.Date.to_date(f"{year:04d}-{month:02d}-01"), "month")

    def _expires_soon(self):
        """Tell whether its customer should give another card by now."""
        self.ensure_one()
        return bool(self.card_expiry) and self.card_expiry <= fields.Date.today() + EXPIRES_SOON
