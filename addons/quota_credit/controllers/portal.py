import uuid

from odoo import http
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.credit_wallet.controllers.portal import CreditPortal
from odoo.addons.subscription_quota.controllers.quota_portal import QuotaPortal


class QuotaCreditPortal(QuotaPortal):
    """The portal page of packs, with the way to pay them from the wallet."""

    def _packs_values(self, subscription):
        """Give each page a key of its own, so that the same button clicked twice pays once."""
        return {**super()._packs_values(subscription), "purchase_key": uuid.uuid4().hex}

    @http.route("/my/subscriptions/<int:subscription_id>/packs/<int:pack_id>/credits",
                type="http", auth="user", methods=["POST"], website=True)
    def portal_pay_pack_with_credits(self, subscription_id, pack_id, key="", **kw):
        """Pay a pack from the wallet; the units are there at once."""
        subscription = self._find_own(subscription_id)
        pack = self._find_pack(subscription, pack_id)
        key = key[:64] or uuid.uuid4().hex
        return self._do_packs(subscription, lambda: subscription._quota_buy_with_credits(
            pack, request.env.user.partner_id, key))


class QuotaCreditHistory(CreditPortal):

    """The history of a wallet, with a filter on extra units."""

    def _history_filters(self):
        """Add the movements that bought extra units."""
        return {**super()._history_filters(), "quota": {
            "label": request.env._("Extra units"), "domain": Domain("kind", "=", "quota")}}
