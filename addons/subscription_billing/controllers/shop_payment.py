from odoo.http import request, route

from odoo.addons.website_sale.controllers.main import WebsiteSale
from odoo.addons.website_sale.controllers.payment import PaymentPortal

LAST_ORDER = "sale_last_order_id"  # Odoo's key: the order that the confirmation page shows


class ShopPayment(WebsiteSale):
    """After a payment, the buyer sees the order just paid, or why the payment was refused.

    Odoo remembers the order to confirm when a buyer passes the checkout page only. Who comes to
    the payment page another way, from the second purchase of a session on, is thanked for the
    order before, even when the card was just declined; and a refusal ends on the confirmation
    page, without the cart.
    """

    @route()
    def shop_payment(self, **post):
        """Remember the order that is about to be paid."""
        _remember(request.cart)
        return super().shop_payment(**post)

    def _get_shop_payment_values(self, order, **kwargs):
        """Say why the last attempt was refused."""
        return {**super()._get_shop_payment_values(order, **kwargs),
                "payment_refusal": order._payment_refusal()}

    @route()
    def shop_payment_validate(self, sale_order_id=None, **post):
        """Return to the payment page after a refusal, with the reason; the cart is kept.

        :param sale_order_id: not looked at, nobody of Odoo's sends it: the session knows the order
        """
        _remember(request.cart)
        return self._back_after_refusal(request.cart) or super().shop_payment_validate(**post)

    @route()
    def shop_payment_confirmation(self, **post):
        """Confirm nothing that was refused, nor what nobody has tried to pay."""
        # sudo: the order of the visitor's own session
        order = request.env["sale.order"].sudo().browse(
            request.session.get(LAST_ORDER)).exists()
        if refused := self._back_after_refusal(order):
            return refused
        if not order._is_paid_or_under_way():
            return request.redirect("/shop/cart")
        return super().shop_payment_confirmation(**post)

    def _back_after_refusal(self, order):
        """Return where the buyer can pay a refused order another way; None when it was not."""
        if not order._payment_refusal():
            return None
        return request.redirect(
            "/shop/payment" if order == request.cart else order.get_portal_url())


class ShopTransaction(PaymentPortal):

    def _validate_transaction_for_order(self, transaction, sale_order):
        """Remember the order that is being paid, on whatever page."""
        _remember(sale_order)
        return super()._validate_transaction_for_order(transaction, sale_order)


def _remember(order):
    if order:
        request.session[LAST_ORDER] = order.id
