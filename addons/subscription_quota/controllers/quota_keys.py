from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.company_role.controllers.portal import refuse_unless
from odoo.addons.concurrency_base.tools import take_turn
from odoo.addons.portal.controllers.portal import CustomerPortal

KEYS = "/my/quota/keys"
SECRET = "quota_secret"
SECRET_SECONDS = 60  # within which the browser comes back for the page that shows it


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

    @http.route(KEYS, type="http", auth="user", methods=["GET"], website=True)
    def portal_keys(self, **kw):
        """List the keys of the customer, and show the secret of one just made, this once."""
        response = self._keys_page(
            quota_secret=request.httprequest.cookies.get(SECRET),
            quota_key_error=request.session.pop("quota_key_error", None))
        if SECRET in request.httprequest.cookies:
            response.set_cookie(SECRET, "", max_age=0, httponly=True, samesite="Strict")
        return response

    @http.route(KEYS, type="http", auth="user", methods=["POST"], website=True)
    def portal_make_key(self, name="", **kw):
        """Make a key, and lead to the page that shows its secret."""
        refuse_unless("develop", request.env.user.commercial_partner_id)
        scopes = request.httprequest.form.getlist("scopes")
        customer = request.env.user.commercial_partner_id
        try:
            take_turn(request.env, customer)  # the number of keys is limited
        except UserError as error:
            return self._refuse(error)
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
        return request.redirect(KEYS, code=303)

    def _show_secret(self, action):
        """Lead to the page with the secret that the action returns, or with the reason of its
        refusal: loaded again, it makes no other key.

        The secret is stored nowhere on the server, not even in a session: the browser, which is to
        show it, brings it along.
        """
        try:
            with request.env.cr.savepoint():
                secret = action()
        except UserError as error:
            return self._refuse(error)
        response = request.redirect(KEYS, code=303)
        response.headers["Cache-Control"] = "no-store"
        response.set_cookie(
            SECRET, secret, max_age=SECRET_SECONDS, httponly=True, samesite="Strict",
            secure=request.httprequest.scheme == "https")
        return response

    def _refuse(self, error):
        request.session["quota_key_error"] = str(error)
        return request.redirect(KEYS, code=303)

    def _keys_page(self, **more):
        values = self._prepare_portal_layout_values()
        values.update({
            "page_name": "quota_keys", "keys": self._my_keys(),
            "scopes": request.env["quota.api.key"]._scopes(), **more})
        response = request.render("subscription_quota.portal_quota_keys", values)
        response.headers["Cache-Control"] = "no-store"
        return response
