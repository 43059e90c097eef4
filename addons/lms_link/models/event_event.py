from dateutil.relativedelta import relativedelta

from odoo import api, fields, models


class EventEvent(models.Model):
    _inherit = "event.event"

    lms_url = fields.Char(
        compute="_compute_lms_url", store=True, readonly=False, string="Course on the LMS")
    lms_open_hours = fields.Integer(
        string="Opens before (hours)", default=0,
        help="Hours before the session from which the link works; 0: from the booking on.")
    lms_close_days = fields.Integer(
        string="Closes after (days)", default=30,
        help="Days after the end of the session until which the link works; 0: for ever.")

    @api.depends("event_type_id")
    def _compute_lms_url(self):
        for event in self:
            event.lms_url = event.event_type_id.lms_url

    @api.constrains("lms_url")
    def _check_lms_url(self):
        for event in self.filtered("lms_url"):
            (event.company_id or self.env.company)._check_lms_url(event.lms_url)

    def _lms_window(self):
        """When the link works: (from, to) in UTC, each None when open-ended."""
        self.ensure_one()
        opens = closes = None
        if self.lms_open_hours:
            opens = self.date_begin - relativedelta(hours=self.lms_open_hours)
        if self.lms_close_days:
            closes = self.date_end + relativedelta(days=self.lms_close_days)
        return opens, closes
