from odoo import models
from odoo.tools import float_round


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    def _is_tokenization_required(
            self, *, sale_order_id=None, subscription_id=None, **kwargs):
        """Save the card that pays a first period by self-service, or that replaces another.

        It pays the renewals. Asked of no provider in particular, the answer stays no: ways of
        paying that cannot be saved remain on offer, and their customers pay each invoice.
        """
        saves = any(provider.allow_tokenization for provider in self)
        if subscription_id and saves:
            return True
        if sale_order_id and saves:
            # sudo: the visitor pays an order that the caller has checked to be theirs
            order = self.env["sale.order"].sudo().browse(int(sale_order_id)).exists()
            if order.order_line.subscription_price_id:
                return True
        return super()._is_tokenization_required(sale_order_id=sale_order_id, **kwargs)

    # Amounts that can be charged --------------------------------------------------------------

    def _minimum_amount(self, currency):
        """Extension point: return the least that can be charged at a time.

        :return: float in the currency; 0.0 when there is no minimum
        """
        return 0.0

    def _amount_step(self, currency):
        """Extension point: return what amounts in a currency are multiples of.

        :return: float; the currency's own rounding by default
        """
        return currency.rounding

    def _round_to_step(self, amount, currency):
        """Return the most that the provider can move of an amount: never more than it."""
        step = max(self._amount_step(currency), currency.rounding)
        return currency.round(float_round(
            amount, precision_rounding=step, rounding_method="DOWN"))

    def _chargeable_amount(self, amount, currency):
        """Return how much of an amount can be charged now; 0.0 when it is too small."""
        self.ensure_one()
        rounded = self._round_to_step(amount, currency)
        too_small = currency.compare_amounts(rounded, self._minimum_amount(currency)) < 0
        return 0.0 if too_small else rounded
