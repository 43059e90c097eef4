"""A route that checks who asks, reads what is sent, and answers: the least a route can do."""

from odoo import http
from odoo.http import request


class Noop(http.Controller):

    @http.route("/bench/noop", type="http", auth="user", methods=["POST"], csrf=False,
                readonly=True, save_session=False)
    def noop(self):
        """As a route of the quota API reads and answers, and as quick as Odoo's options allow."""
        asked = request.get_json_data()
        return request.make_json_response({"allowed": True, "items": [asked]})
