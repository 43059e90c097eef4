from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.concurrency_base.tools import find_staff, tell_once, work_isolated


class SessionReminder(models.Model):
    """A sent reminder: one row, hence one mail, per seat and kind, even if two runs overlap."""

    _name = "session.reminder"
    _description = "Reminder Sent"
    _rec_name = "registration_id"
    _engine_only = True
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
        """Send the reminders that are due, once each, with a commit per batch.

        It runs every few minutes.
        """
        for event, rule, due in self._due_now():
            while seats := self._claim(event, rule, due, limit):
                work_isolated(
                    seats, lambda part: part._send_booking_mail(
                        "session_booking.mail_template_session_reminder"),
                    lambda seat, error: self._tell_of_error(seat.event_id, error))
                if not self.env["ir.cron"]._commit_progress(len(seats)):
                    return

    @api.model
    def _tell_of_error(self, event, error):
        """Tell staff, once a session, that somebody was not reminded; it is not tried again."""
        user = event.user_id or find_staff(
            self.env, "event.group_event_user", event.company_id)
        tell_once(event, user, lambda env: env._("Not everybody was reminded"), error)

    @api.model
    def _due_now(self):
        """Return for each coming session the latest of its reminders that is due, if any.

        Only the latest: after a night without scheduled actions, nobody gets three reminders at
        once.

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
        results, _failed = work_isolated(
            events, lambda part: [
                latest for event in part
                if (latest := by_training[event.event_type_id]._latest_due(event, now))],
            self._tell_of_error)
        return [latest for result in results for latest in result]

    @api.model
    def _claim(self, event, rule, due, limit):
        """Claim the seats that lack the reminder, booked before it was due and not moved since.

        An attendee who books three hours ahead does not get the reminder of the day before, and
        one who is told of a new date is not reminded of it at the same time. Two runs cannot claim
        the same seat: the row is unique.

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
        """Forget the reminders of these seats, so that they are reminded of another date.

        sudo: only the rules of reminders create and remove rows.
        """
        self.sudo().search([("registration_id", "in", registrations.ids)]).unlink()
