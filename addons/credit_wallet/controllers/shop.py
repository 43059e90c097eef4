from odoo import http
from odoo.http import request

from odoo.addons.website_sale.controllers.main import WebsiteSale

from ..tools import own_path


class CreditShop(WebsiteSale):

    @http.route("/credits/packs", type="http", auth="public", website=True, sitemap=False)
    def credit_packs(self, back=None, **kw):
        """Redirect to the packs, and remember the page of this site to return to after payment."""
        if path := own_path(back or ""):
            request.session["credit_return_path"] = path
        category = request.env.ref("credit_wallet.public_category_packs", False)
        if not category:
            return request.redirect("/shop")
        return request.redirect(f"/shop/category/{request.env['ir.http']._slug(category)}")

    def _prepare_shop_payment_confirmation_values(self, order):
        """Add the wallet, and the page that the customer came from."""
        values = super()._prepare_shop_payment_confirmation_values(order)
        if order.order_line.filtered(lambda line: line._credit_is_sold()):
            values["credit_return_path"] = request.session.pop("credit_return_path", None)
            wallet = request.env["credit.wallet"].sudo().search([
                # sudo: the visitor who just paid sees the balance of the order's customer
                ("partner_id", "=", order.partner_id.commercial_partner_id.id),
                ("company_id", "=", order.company_id.id)])
            values["credit_wallet"] = wallet
        return values
