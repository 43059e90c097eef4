import werkzeug

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal


def refuse_unless(right, customer):
    """Let the user go on when they may act for the customer, else answer with who may.

    :param str right: see ``res.partner._may``
    :raise HTTPException: the page, with status 403
    :raise AccessError: the same for a script of a page
    """
    person = request.env.user.partner_id
    if request.dispatcher.routing_type == "jsonrpc":
        person._check_may(right, customer)
    elif not person._may(right, customer):
        response = request.render(
            "company_role.refused", {"refusal": person._refusal(right, customer)})
        response.status_code = 403
        response.flatten()
        werkzeug.exceptions.abort(response)


class PeoplePortal(CustomerPortal):
    """« Mon compte › Personnes »: who acts for the company, kept by its managers."""

    def _my_company(self):
        """Return the company whose people the user keeps.

        :raise NotFound: the user is no company's
        :raise HTTPException: the user is not its manager
        """
        company = request.env.user.commercial_partner_id
        if not company.is_company:
            raise request.not_found()
        refuse_unless("manage", company)
        # sudo: the manager was checked; the methods called refuse people of other companies
        return company.sudo()

    @http.route("/my/people", type="http", auth="user", methods=["GET"], website=True)
    def portal_people(self, **kw):
        """List the people of the company with their roles."""
        company = self._my_company()
        values = self._prepare_portal_layout_values()
        values.update({
            "page_name": "people", "company": company, "people": company._people(),
            "roles": request.env["company.member"].sudo()._role_labels(),  # sudo: their names
            "people_error": request.session.pop("people_error", None),
            "people_done": request.session.pop("people_done", None)})
        return request.render("company_role.portal_people", values)

    @http.route("/my/people/invite", type="http", auth="user", methods=["POST"], website=True)
    def portal_invite(self, name="", email="", **kw):
        """Add a person to the company and send them Odoo's invitation."""
        company = self._my_company()
        return self._run_and_return(
            lambda: company._invite_person(name, email, request.httprequest.form.getlist("roles")),
            request.env._("An invitation is on its way to %(email)s.", email=email[:200]))

    @http.route("/my/people/<int:person_id>/<any(roles,remove):what>", type="http", auth="user",
                methods=["POST"], website=True)
    def portal_change_person(self, person_id, what, **kw):
        """Set the roles of a person of the company, or remove the person."""
        company = self._my_company()
        person = company._people().filtered(lambda person: person.id == person_id)
        if not person:
            raise request.not_found()
        if what == "remove":
            return self._run_and_return(lambda: company._remove_person(person), request.env._(
                "%(name)s has no access to %(company)s any more.", name=person.name,
                company=company.name))
        return self._run_and_return(
            lambda: company._set_roles(person, request.httprequest.form.getlist("roles")),
            request.env._("The roles of %(name)s are saved.", name=person.name))

    def _run_and_return(self, action, done):
        """Carry out an action and return to the page, with the reason when it is refused."""
        try:
            with request.env.cr.savepoint():
                action()
        except UserError as error:
            request.session["people_error"] = str(error)
        else:
            request.session["people_done"] = done
        return request.redirect("/my/people", code=303)
