from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.company_role.controllers.portal import refuse_unless
from odoo.addons.concurrency_base.tools import take_turn
from odoo.addons.portal.controllers.portal import CustomerPortal


class QuotaKeyPortal(CustomerPortal):
    """« Mon compte › Clés d'API »: the keys of a customer's own programs."""

    def _my_keys(self):
        """Find the keys of the user's company.

        :raise HTTPException: the user does not develop for it
        """
        refuse_unless("develop", request.env.user.commercial_partner_id)
        # sudo: limited to the customer's own by the domain; secrets are not stored
        return request.env["quota.api.key"].sudo().search([
            ("commercial_partner_id", "=", request.env.user.commercial_partner_id.id)])

    def _my_key(self, key_id):
        """Find a key of the user's own company.

        :raise NotFound: it is another customer's, or does not exist
        """
        key = self._my_keys().filtered(lambda key: key.id == key_id)
        if not key:
            raise request.not_found()
        return key

    @http.route("/my/quota/keys", type="http", auth="user", methods=["GET"], website=True)
    def portal_keys(self, **kw):
        """List the keys of the customer."""
        return self._keys_page()

    @http.route("/my/quota/keys", type="http", auth="user", methods=["POST"], website=True)
    def portal_make_key(self, name="", **kw):
        """Make a key, and show its secret this once."""
        refuse_unless("develop", request.env.user.commercial_partner_id)
        scopes = request.httprequest.form.getlist("scopes")
        customer = request.env.user.commercial_partner_id
        try:
            take_turn(request.env, customer)  # the number of keys is limited
        except UserError as error:
            return self._keys_page(quota_key_error=str(error))
        # sudo: the customer's own key; the method checks what is asked
        return self._show_secret(lambda: request.env["quota.api.key"].sudo()._make_for_customer(
            customer, request.website.company_id, name, scopes)[1])

    @http.route("/my/quota/keys/<int:key_id>/rotate", type="http", auth="user",
                methods=["POST"], website=True)
    def portal_rotate_key(self, key_id, **kw):
        """Make the successor of a key; both are live until the old one is revoked."""
        key = self._my_key(key_id)
        return self._show_secret(key._make_successor)

    @http.route("/my/quota/keys/<int:key_id>/revoke", type="http", auth="user",
                methods=["POST"], website=True)
    def portal_revoke_key(self, key_id, **kw):
        """Revoke a key at once, for good."""
        self._my_key(key_id).action_revoke()
        return request.redirect("/my/quota/keys", code=303)

    def _show_secret(self, action):
        """Show the page with the secret that the action returns, or with the reason of its
        refusal.

        The page answers the POST itself, so that the secret is stored nowhere, not even in a
        session.
        """
        try:
            with request.env.cr.savepoint():
                secret = action()
        except UserError as error:
            return self._keys_page(quota_key_error=str(error))
        return self._keys_page(quota_secret=secret)

    def _keys_page(self, **more):
        values = self._prepare_portal_layout_values()
        values.update({
            "page_name": "quota_keys", "keys": self._my_keys(),
            "scopes": request.env["quota.api.key"]._scopes(), **more})
        response = request.render("subscription_quota.portal_quota_keys", values)
        response.headers["Cache-Control"] = "no-store"
        return response
