from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from ..exceptions import LinkReplaced


class LmsLink(http.Controller):

    @http.route("/lms/go/<string:token>", type="http", auth="public", website=True,
                sitemap=False, multilang=False)
    def go(self, token, **kw):
        """Open the course a personal link was made for; say clearly why not otherwise."""
        try:
            registration = request.env["event.registration"]._lms_from_token(token)
        except LinkReplaced as replaced:
            return self._refuse(str(replaced), 410)
        if not registration:
            return self._refuse(request.env._(
                "This link is not valid. Open the one in your latest confirmation mail, or "
                "“My trainings”."), 404)
        try:
            url = registration._lms_visit()
        except UserError as error:
            return self._refuse(str(error), 403)
        response = request.redirect(url, code=303, local=False)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _refuse(self, message, status):
        response = request.render("lms_link.refused", {"message": message})
        response.status_code = status
        return response
