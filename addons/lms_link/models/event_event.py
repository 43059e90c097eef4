import re

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class EventEvent(models.Model):
    _inherit = "event.event"

    lms_url = fields.Char(
        compute="_compute_lms_url", store=True, readonly=False, string="Course on the LMS",
        groups="base.group_user")  # attendees are led there by a link of their own
    lms_open_hours = fields.Integer(
        string="Opens before (hours)", default=0,
        help="Hours before the session from which the link works; 0: from the booking on.")
    lms_close_days = fields.Integer(
        string="Closes after (days)", default=30,
        help="Days after the end of the session until which the link works; 0: without limit.")

    lms_session_code = fields.Char(
        string="Session code on the LMS", copy=False, groups="base.group_user",
        help="Replaces {session_code} in the address of the course; empty: the session's number.")

    @api.depends("event_type_id")
    def _compute_lms_url(self):
        for event in self:
            event.lms_url = event.event_type_id.lms_url

    @api.constrains("lms_url")
    def _check_lms_url(self):
        for event in self.filtered("lms_url"):
            (event.company_id or self.env.company)._check_lms_url(event.lms_url)

    @api.constrains("lms_session_code")
    def _check_lms_session_code(self):
        for event in self.filtered("lms_session_code"):
            if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", event.lms_session_code):
                raise ValidationError(self.env._(
                    "“%(code)s” is not a session code: use letters, digits, dashes, underscores "
                    "and single dots between them.", code=event.lms_session_code))

    def _lms_window(self):
        """Return when the link works: (from, to) in UTC, each None when open-ended."""
        self.ensure_one()
        opens = closes = None
        if self.lms_open_hours:
            opens = self.date_begin - relativedelta(hours=self.lms_open_hours)
        if self.lms_close_days:
            closes = self.date_end + relativedelta(days=self.lms_close_days)
        return opens, closes

    def _lms_is_open(self):
        self.ensure_one()
        opens, closes = self._lms_window()
        now = fields.Datetime.now()
        return (not opens or opens <= now) and (not closes or now <= closes)
