from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.company_role.controllers.portal import PeoplePortal

from .portal import _read_amount

MAX_BOUND = 1e9  # an amount of money nobody is charged


class BoundPortal(PeoplePortal):
    """The bound of charges above which the managers of a company are told before."""

    @http.route("/my/people/bound", type="http", auth="user", methods=["POST"], website=True)
    def portal_set_bound(self, bound="", **kw):
        """Set the bound; empty: twice the invoice before."""
        company = self._my_company()
        return self._run_and_return(
            lambda: self._set_bound(company, _read_amount(bound or "0")),
            request.env._("The bound is saved."))

    def _set_bound(self, company, amount):
        if not 0 <= amount < MAX_BOUND:
            raise UserError(request.env._("The bound is an amount of 0 or more."))
        company.charge_bound = amount
