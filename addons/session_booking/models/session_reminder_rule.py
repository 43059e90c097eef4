from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

UNITS = [("hours", "Hours"), ("days", "Days"), ("weeks", "Weeks")]
HOURS = {"hours": 1, "days": 24, "weeks": 168}


class SessionReminderRule(models.Model):
    """A kind of reminder a training sends: how long before its sessions."""

    _name = "session.reminder.rule"
    _description = "Reminder of a Training"
    _order = "hours desc, id"

    event_type_id = fields.Many2one(
        "event.type", string="Training", required=True, index=True, ondelete="cascade")
    count = fields.Integer(string="How many", default=1, required=True)
    unit = fields.Selection(UNITS, default="days", required=True)
    hours = fields.Integer(
        compute="_compute_hours", store=True, engine=True, precompute=True,
        help="The kind of the reminder: each attendee gets each kind once.")

    _once_per_training = models.Constraint(
        "UNIQUE(event_type_id, hours)", "This training already reminds at that moment.")
    _ahead = models.Constraint(
        "CHECK(count > 0 AND hours <= 24 * 366)",
        "A reminder is sent before the session, by at least an hour and at most a year.")

    @api.depends("count", "unit")
    def _compute_hours(self):
        for rule in self:
            rule.hours = rule.count * HOURS.get(rule.unit, 0)

    @api.depends("count", "unit")
    def _compute_display_name(self):
        units = dict(self._fields["unit"]._description_selection(self.env))
        for rule in self:
            rule.display_name = f"{rule.count} {units.get(rule.unit, '')}".strip()

    def _latest_due(self, event, now):
        """Return (session, rule, moment) of the latest of these reminders that is due, or None."""
        due = [(rule._due_moment(event), rule) for rule in self]
        past = [(moment, rule) for moment, rule in due if moment <= now]
        if not past:
            return None
        moment, rule = max(past, key=lambda pair: pair[0])
        return event, rule, moment

    def _due_moment(self, event):
        """Compute when (UTC) the reminder is due for the session.

        Days and weeks are civil: the day before a session at 18:00 is 18:00 of that day in the
        session's timezone, even when the clock changes in between.
        """
        self.ensure_one()
        if self.unit == "hours":
            return event.date_begin - relativedelta(hours=self.count)
        return event._days_before(self.hours // 24)
