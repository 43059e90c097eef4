from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from ..exceptions import LinkReplaced


class LmsLink(http.Controller):

    @http.route("/lms/go/<string:token>", type="http", auth="public", website=True,
                methods=["GET", "HEAD", "POST"], sitemap=False, multilang=False)
    def go(self, token, **kw):
        """Open the course that a personal link was made for, or say clearly why it does not open.

        Programs that only look (HEAD) do not count as visitors. Where visits are evidence of
        attendance, opening the link does not count either, because mail scanners do that: only the
        click on the page (POST) counts.
        """
        try:
            registration = request.env["event.registration"]._lms_from_token(token)
        except LinkReplaced as replaced:
            return self._render_refusal(str(replaced), 410)
        if not registration:
            return self._render_refusal(request.env._(
                "This link is not valid. Open the one in your latest confirmation mail, or "
                "“My trainings”."), 404)
        try:
            return self._open_course(registration)
        except UserError as error:
            return self._render_refusal(str(error), 403)

    def _open_course(self, registration):
        """Redirect to the course, or show the page with the button that leads to it.

        :raise UserError: the course is not open to this registration
        """
        method = request.httprequest.method
        confirms = registration.event_id.event_type_id.lms_confirm_visit
        if method == "HEAD" or (method == "GET" and confirms):
            registration._check_lms_open()
            response = request.render(
                "lms_link.confirm", {"event": registration.event_id})
        else:
            response = request.redirect(registration._lms_visit(), code=303, local=False)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def _render_refusal(self, message, status):
        """Return a page that says why the course does not open."""
        response = request.render("lms_link.refused", {"message": message})
        response.status_code = status
        return response
