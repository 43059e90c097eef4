from odoo import http
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

from .export import download

PORTAL_EXPORT_FIELDS = ("date", "kind", "origin", "reason", "credits", "balance_after")


class CreditPortal(CustomerPortal):
    _entries_per_page = 20

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "credit_balance" in counters:
            values["credit_balance"] = sum(self._my_wallets().mapped("spendable"))
        return values

    def _my_wallets(self):
        """Return the wallets the user owns or may spend from, by the record rules."""
        wallets = request.env["credit.wallet"]
        return wallets.search([]) if wallets.has_access("read") else wallets

    def _team_values(self, wallets):
        """Return the teams of the wallets that the user manages."""
        partner = request.env.user.partner_id
        managed = wallets.filtered(
            lambda wallet: wallet.partner_id.is_company and wallet._may_manage(partner))
        return {
            "managed": managed,
            # sudo: a manager sees the contacts of the company and what they were allotted
            "teams": {wallet.id: wallet.sudo()._team_members() for wallet in managed},
            "team_error": request.session.pop("credit_team_error", None) if managed else None,
        }

    def _history_filters(self):
        """Extension point: list the filters of the history, by name."""
        return {
            "all": {"label": request.env._("All"), "domain": Domain.TRUE},
            "purchase": {
                "label": request.env._("Purchases"),
                "domain": Domain("kind", "in", ["purchase", "clawback"])},
            "booking": {
                "label": request.env._("Bookings"),
                "domain": Domain("kind", "in", ["booking", "refund"])},
            "other": {
                "label": request.env._("Other"),
                "domain": Domain("kind", "in", ["expiry", "adjustment", "reversal", "transfer"])},
        }

    @http.route("/my/credits/export.<any(csv,xlsx):extension>", type="http", auth="user",
                methods=["GET"], readonly=True)
    def portal_export_credits(self, extension):
        """Download the history of the user's own wallets as a spreadsheet.

        :raise NotFound: the user has no right to any
        """
        entries = request.env["credit.entry"]
        if not entries.has_access("read"):  # before the download begins
            raise request.not_found()
        return download(
            entries, Domain("wallet_id", "in", self._my_wallets().ids),
            extension, PORTAL_EXPORT_FIELDS)

    @http.route(
        ["/my/credits", "/my/credits/page/<int:page>"],
        type="http", auth="user", website=True, readonly=False)
    def portal_my_credits(self, page=1, filterby="all", **kw):
        """Show « Mon portefeuille »: balance, expiry dates, history."""
        values = self._prepare_portal_layout_values()
        wallets = self._my_wallets()
        filters = self._history_filters()
        filterby = filterby if filterby in filters else "all"
        entries = request.env["credit.entry"]
        domain = Domain("wallet_id", "in", wallets.ids) & filters[filterby]["domain"]
        pager = portal_pager(
            url="/my/credits", total=entries.search_count(domain), page=page,
            step=self._entries_per_page, url_args={"filterby": filterby})
        values.update({
            "page_name": "credits",
            "default_url": "/my/credits",
            "wallets": wallets,
            **self._team_values(wallets),
            "entries": entries.search(
                domain, limit=self._entries_per_page, offset=pager["offset"]),
            "pager": pager,
            "searchbar_filters": filters,
            "filterby": filterby,
        })
        return request.render("credit_wallet.portal_my_credits", values)
