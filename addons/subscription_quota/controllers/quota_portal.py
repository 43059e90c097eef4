from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.subscription_billing.controllers.portal import SubscriptionPortal


class QuotaPortal(SubscriptionPortal):
    """Extra units for a subscription: what is on sale, and the way into the cart."""

    def _rights_values(self, customer):
        """Tell the page whether it leads to the keys."""
        return {**super()._rights_values(customer),
                "may_develop": request.env.user.partner_id._may("develop", customer)}

    @http.route("/my/subscriptions/<int:subscription_id>/packs", type="http", auth="user",
                methods=["GET"], website=True)
    def portal_packs(self, subscription_id, **kw):
        """Show the packs of extra units on sale for a subscription."""
        subscription = self._find_own(subscription_id)
        return self._render_page(
            "subscription_quota.portal_packs", subscription,
            **self._packs_values(subscription))

    def _packs_values(self, subscription):
        """Extension point: prepare what the page of packs shows."""
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
        """Put a pack in the cart for this subscription, then go to the checkout."""
        subscription = self._find_own(subscription_id)
        pack = self._find_pack(subscription, pack_id)
        order = request.cart or request.website._create_cart()
        try:
            with request.env.cr.savepoint():
                order._cart_add_quota_pack(pack, subscription)
        except UserError as error:
            return self._back_to_packs(subscription, str(error))
        return request.redirect("/shop/cart", code=303)

    def _find_pack(self, subscription, pack_id):
        """Find a pack on sale for this subscription.

        :raise NotFound: there is no such pack
        """
        pack = subscription._quota_packs().filtered(lambda pack: pack.id == pack_id)
        if not pack:
            raise request.not_found()
        return pack

    def _do_packs(self, subscription, action):
        """Carry out an action, then go back to the packs with its result or the reason of its
        refusal.
        """
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
