from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.website_sale.controllers.cart import Cart


class SubscriptionShop(http.Controller):
    """The plans on sale, and the way from one of them into the shop's cart."""

    @http.route("/subscriptions", type="http", auth="public", website=True, sitemap=True)
    def plans(self, **kw):
        """Show the pricing page: published plans with their cycles in the website's currency."""
        plans = self._published_plans()
        return request.render("subscription_billing.plans_page", {
            "plans": plans,
            "with_tax": self._total_labels(plans.price_ids),
            "currency": request.website.currency_id,
            "subscription_error": request.session.pop("subscription_error", None),
        })

    def _total_labels(self, prices):
        """Compute what consumers pay, where the website shows prices to consumers; "" elsewhere."""
        shown = request.website.show_line_subtotals_tax_selection == "tax_included"
        return {price.id: price._total_label() if shown else "" for price in prices}

    def _published_plans(self):
        # sudo: names and prices of published plans are public
        return request.env["subscription.plan"].sudo().search([
            ("is_published", "=", True), ("sale_ok", "=", True),
            ("company_id", "in", [False, request.website.company_id.id])])

    @http.route("/subscriptions/subscribe", type="http", auth="public", methods=["POST"],
                website=True)
    def subscribe(self, price_id="", **kw):
        """Put a plan in the cart at the cycle chosen, then to the checkout."""
        price = self._published_plans().price_ids.filtered(
            lambda price: str(price.id) == price_id and price.active
            and price.currency_id == request.website.currency_id)  # as the page offers them
        if not price:
            raise request.not_found()
        order = request.cart or request.website._create_cart()
        try:
            with request.env.cr.savepoint():
                order._cart_add_plan(price)
        except UserError as error:
            request.session["subscription_error"] = str(error)
            return request.redirect("/subscriptions", code=303)
        return request.redirect("/shop/cart", code=303)


class SubscriptionCart(Cart):

    @http.route()
    def cart(self, **kw):
        """Show the plans in the cart at what they are on offer for now, trial or not."""
        if request.cart.order_line.subscription_price_id:
            request.cart._recompute_prices()
        return super().cart(**kw)
