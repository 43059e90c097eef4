from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.subscription_billing.controllers.portal import SubscriptionPortal


class QuotaPortal(SubscriptionPortal):
    """Extra units for a subscription: what is on sale, and the way into the cart."""

    @http.route("/my/subscriptions/<int:subscription_id>/packs", type="http", auth="user",
                methods=["GET"], website=True)
    def portal_packs(self, subscription_id, **kw):
        subscription = self._mine(subscription_id)
        return self._page(
            "subscription_quota.portal_packs", subscription,
            **self._packs_values(subscription))

    def _packs_values(self, subscription):
        """Extension point: what the page of packs shows."""
        packs = subscription._quota_packs()
        return {
            "packs": packs,
            "prices_of_packs": {
                pack.id: pack._get_combination_info()["price"] for pack in packs},
            "quota_done": request.session.pop("quota_done", None),
        }

    @http.route("/my/subscriptions/<int:subscription_id>/packs/<int:pack_id>", type="http",
                auth="user", methods=["POST"], website=True)
    def portal_buy_pack(self, subscription_id, pack_id, **kw):
        """Put a pack in the cart for this subscription, then to the checkout."""
        subscription = self._mine(subscription_id)
        pack = self._pack(subscription, pack_id)
        order = request.cart or request.website._create_cart()
        try:
            with request.env.cr.savepoint():
                order._cart_add_quota_pack(pack, subscription)
        except UserError as error:
            return self._back_to_packs(subscription, str(error))
        return request.redirect("/shop/cart", code=303)

    def _pack(self, subscription, pack_id):
        """:raise NotFound: not a pack on sale for this subscription"""
        pack = subscription._quota_packs().filtered(lambda pack: pack.id == pack_id)
        if not pack:
            raise request.not_found()
        return pack

    def _do_packs(self, subscription, action):
        """Back to the packs: the units are there, or the reason why not."""
        try:
            with request.env.cr.savepoint():
                action()
        except UserError as error:
            return self._back_to_packs(subscription, str(error))
        request.session["quota_done"] = request.env._(
            "Done: the units are added to your quota.")
        return self._back_to_packs(subscription)

    def _back_to_packs(self, subscription, error=None):
        if error:
            request.session["subscription_error"] = error
        return request.redirect(f"/my/subscriptions/{subscription.id}/packs", code=303)
