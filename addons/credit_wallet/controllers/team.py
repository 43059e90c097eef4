from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.concurrency_base.tools import take_turn


class CreditTeam(http.Controller):
    """The routes with which a manager allots the company's credits and names who may spend them."""

    def _managed(self, wallet_id, partner_id):
        """Return the wallet and the employee that the form names.

        :raise NotFound: the wallet is not managed by the user, or nobody has that id
        """
        wallet = request.env["credit.wallet"].search([("id", "=", wallet_id)])
        if not wallet or not wallet._may_manage(request.env.user.partner_id):
            raise request.not_found()
        # sudo: the manager was checked; the methods called refuse people of other companies
        wallet = wallet.sudo()
        return wallet, wallet._employees().filtered(lambda partner: partner.id == partner_id)

    @http.route("/my/credits/<int:wallet_id>/spender", type="http", auth="user",
                methods=["POST"], website=True)
    def spender(self, wallet_id, partner_id=0, allowed="", **kw):
        """Let an employee spend from the company's wallet, or no longer."""
        wallet, employee = self._managed(wallet_id, _parse_whole_number(partner_id))
        return self._run_and_return(wallet, lambda: wallet._set_spender(employee, bool(allowed)))

    @http.route("/my/credits/<int:wallet_id>/allot", type="http", auth="user",
                methods=["POST"], website=True)
    def allot(self, wallet_id, partner_id=0, credits="", token="", take_back="", **kw):
        """Give credits to an employee or take them back, once for each token of the page."""
        wallet, employee = self._managed(wallet_id, _parse_whole_number(partner_id))
        move = wallet._take_back if take_back else wallet._allot
        key = f"transfer:{wallet.id}:{employee.id}:{token[:64]}"
        return self._run_and_return(
            wallet, lambda: move(employee, _parse_whole_number(credits), key))

    def _run_and_return(self, wallet, action):
        """Carry out the action and return to the wallet, with the reason when it is refused.

        Whoever moves credits of a company waits in line for its wallet.
        """
        try:
            take_turn(request.env, wallet)
            with request.env.cr.savepoint():
                action()
        except UserError as error:
            request.session["credit_team_error"] = str(error)
        return request.redirect("/my/credits#team", code=303)


def _parse_whole_number(text):
    """Return the number in a form field; 0, which the methods called refuse, when it is none."""
    text = str(text).strip()
    return int(text) if text.isdecimal() and len(text) < 10 else 0
