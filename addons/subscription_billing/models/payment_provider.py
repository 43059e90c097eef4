from odoo import models


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    def _is_tokenization_required(
            self, *, sale_order_id=None, subscription_id=None, **kwargs):
        """The card that pays the first period by self-service pays the renewals, so it is saved;
        and the one that takes the place of another.

        Asked of no provider in particular, the answer stays no: ways of paying that cannot be
        saved remain on offer, and their customers pay each invoice.
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
