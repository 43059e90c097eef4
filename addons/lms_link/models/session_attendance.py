from odoo import fields, models


class SessionAttendance(models.Model):
    _inherit = "session.attendance"

    lms_visits = fields.Integer(
        related="registration_id.lms_visits",
        help="Of the whole session: evidence for those who follow it online.")
