from odoo import api, fields, models


class EventType(models.Model):
    _inherit = "event.type"

    lms_url = fields.Char(
        string="Course on the LMS", help="https address of the course; each session can differ.")

    @api.constrains("lms_url")
    def _check_lms_url(self):
        for training in self.filtered("lms_url"):
            self.env.company._check_lms_url(training.lms_url)
