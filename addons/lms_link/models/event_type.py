from odoo import api, fields, models


class EventType(models.Model):
    _inherit = "event.type"

    lms_url = fields.Char(
        string="Course on the LMS",
        help="https address of the course; each session can differ. {session_code}, and after "
        "the question mark {email}, {name} and {jwt} (a token signed with the company's secret), "
        "tell the LMS who comes.")
    lms_redirect = fields.Boolean(
        string="Open the course after booking",
        help="Customers who book for themselves are taken to the course at once, when it is "
             "open.")

    lms_confirm_visit = fields.Boolean(
        string="Visits are evidence of attendance",
        help="The link in mails opens a page with a button, and only its click counts as a "
        "visit: mail scanners open links, too, but click nothing.")

    @api.constrains("lms_url")
    def _check_lms_url(self):
        for training in self.filtered("lms_url"):
            self.env.company._check_lms_url(training.lms_url)
