from odoo import api, fields, models
from odoo.tools import SQL


class SessionReminder(models.Model):
    """A reminder sent: one row, hence one mail, per seat and kind, whoever runs the cron."""

    _name = "session.reminder"
    _description = "Reminder Sent"
    _order = "hours, id"

    registration_id = fields.Many2one(
        "event.registration", string="Booking", required=True, readonly=True,
        ondelete="cascade")
    hours = fields.Integer(
        required=True, readonly=True, string="Kind (hours before)",
        help="Hours ahead of the session, as the training's rule says.")

    _once = models.Constraint(
        "UNIQUE(registration_id, hours)", "This reminder was already sent.")

    @api.model
    def _cron_send(self, limit=200):
        """Every few minutes: the reminders that are due, once each, a commit per batch."""
        for event, rule, due in self._due_now():
            while seats := self._claim(event, rule, due, limit):
                seats._send_booking_mail("session_booking.mail_template_session_reminder")
                if not self.env["ir.cron"]._commit_progress(len(seats)):
                    return

    @api.model
    def _due_now(self):
        """For each coming session the latest of its reminders that is due, if any is.

        Only the latest: after a night without cron nobody gets three reminders in a heap.

        :return: list of (session, rule, moment due)
        """
        now = fields.Datetime.now()
        rules = self.env["session.reminder.rule"].search([("event_type_id.is_training", "=", True)])
        by_training = rules.grouped("event_type_id")
        horizon = fields.Datetime.add(now, hours=max(rules.mapped("hours"), default=0) + 24)
        events = self.env["event.event"].search([
            ("is_training", "=", True), ("kanban_state", "!=", "cancel"),
            ("event_type_id", "in", [training.id for training in by_training]),
            ("seats_booked", ">", 0), ("date_begin", ">", now), ("date_begin", "<=", horizon)],
            order="date_begin, id")
        found = []
        for event in events:
            due = [(rule._due(event), rule) for rule in by_training[event.event_type_id]]
            past = [(moment, rule) for moment, rule in due if moment <= now]
            if past:
                moment, rule = max(past, key=lambda pair: pair[0])
                found.append((event, rule, moment))
        return found

    @api.model
    def _claim(self, event, rule, due, limit):
        """Seats booked before the reminder was due, and not moved since, that lack it.

        Who books three hours ahead is not told the day before's reminder; who is told of a new
        date is not reminded of it in the same breath. Two runs cannot claim the same seat: the
        row is unique.

        :return: the ``event.registration`` to remind
        """
        self.env["event.registration"].flush_model(["event_id", "state", "active"])
        moved = event.rescheduled_on
        if moved and moved > due:
            return self.env["event.registration"]
        self.env.cr.execute(SQL(
            "INSERT INTO session_reminder (registration_id, hours, create_date, create_uid) "
            "SELECT seat.id, %(hours)s, %(now)s, %(user)s FROM event_registration seat "
            "WHERE seat.event_id = %(event)s AND seat.active AND seat.state = 'open' "
            "AND seat.create_date <= %(due)s "
            "AND NOT EXISTS (SELECT FROM session_reminder known "
            "WHERE known.registration_id = seat.id AND known.hours = %(hours)s) "
            "ORDER BY seat.id LIMIT %(limit)s ON CONFLICT DO NOTHING RETURNING registration_id",
            hours=rule.hours, now=fields.Datetime.now(), user=self.env.uid, event=event.id,
            due=due, limit=limit))
        return self.env["event.registration"].browse(row[0] for row in self.env.cr.fetchall())

    @api.model
    def _forget(self, registrations):
        """Let the seats be reminded anew, of another date.

        sudo: rows are made and removed by the rules of reminders only.
        """
        self.sudo().search([("registration_id", "in", registrations.ids)]).unlink()
