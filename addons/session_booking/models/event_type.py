import base64

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

NO_SHOW_POLICIES = [("keep", "Credits are kept"), ("return", "Credits go back")]
DEFAULT_REMINDERS = [(7, "days"), (1, "days"), (1, "hours")]


class EventType(models.Model):
    """An event template that is a training: its sessions are booked with credits."""

    _inherit = "event.type"

    is_training = fields.Boolean(
        string="Booked with credits", help="Sessions of this template are booked with credits.")
    credit_price = fields.Integer(string="Price (credits)", help="Credits for one seat.")
    cancel_hours = fields.Integer(
        string="Free cancellation (hours)", default=48,
        help="Customers can cancel and get their credits back until this many hours before "
        "the session starts.")
    waiting_hours = fields.Integer(
        string="Waiting list: seat held (hours)", help="How long a freed seat is held for the "
        "next of the waiting list; 0: as long as the company's settings say.")
    no_show_policy = fields.Selection(
        NO_SHOW_POLICIES, default="keep", required=True, string="Absent without cancelling",
        help="What becomes of the credits of who has a seat and does not come. It applies to "
        "new sessions; each session can differ.")
    min_attendees = fields.Integer(
        string="Minimum of attendees", help="With fewer, you are reminded to decide whether a "
        "session takes place; 0: it takes place with anybody.")
    decision_days = fields.Integer(
        string="Decide (days before)", default=7,
        help="How many days before a session you are reminded to decide.")
    trainer_id = fields.Many2one("res.partner")
    training_objectives = fields.Html(
        string="Objectives", translate=True, help="What participants can do after the training.")
    training_audience = fields.Text(
        string="Audience and prerequisites", translate=True, help="Whom the training is for.")
    training_hours = fields.Float(
        string="Duration (hours)", default=2.0, help="Of one session; new sessions last this long.")
    programme_file = fields.Binary(string="Programme (PDF)", attachment=True)
    programme_filename = fields.Char()
    reminder_rule_ids = fields.One2many(
        "session.reminder.rule", "event_type_id", string="Reminders", copy=True,
        default=lambda self: self._default_reminder_rule_ids())
    session_ids = fields.One2many("event.event", "event_type_id", string="Sessions")
    coming_session_count = fields.Integer(compute="_compute_coming_session_count")
    training_product_id = fields.Many2one(
        "product.product", string="Product on invoices", domain=[("type", "=", "service")],
        default=lambda self: self.env.ref("session_booking.product_training", False),
        help="Its income account receives the value of the credits used.")
    training_product_problems = fields.Text(
        string="What is wrong with the product", related="training_product_id.service_problems")

    _training_has_price = models.Constraint(
        "CHECK(NOT COALESCE(is_training, FALSE) OR credit_price > 0)",
        "A training is booked with credits: give it a price of at least 1 credit.")
    _cancel_hours_not_negative = models.Constraint(
        "CHECK(cancel_hours >= 0)", "The time for free cancellation is a number of hours.")
    _training_hours_positive = models.Constraint(
        "CHECK(training_hours > 0)", "A training lasts more than zero hours.")
    _waiting_hours_not_negative = models.Constraint(
        "CHECK(COALESCE(waiting_hours, 0) >= 0)", "A seat is held for a number of hours.")

    _minimum_not_negative = models.Constraint(
        "CHECK(COALESCE(min_attendees, 0) >= 0 AND COALESCE(decision_days, 0) BETWEEN 0 AND 365)",
        "The minimum of attendees is 0 or more, and it is decided 0 to 365 days before.")

    @api.model
    def _default_reminder_rule_ids(self):
        return [
            fields.Command.create({"count": count, "unit": unit})
            for count, unit in DEFAULT_REMINDERS]

    def _compute_coming_session_count(self):
        counts = dict(self.env["event.event"]._read_group([
            ("event_type_id", "in", self.ids), ("kanban_state", "!=", "cancel"),
            ("date_begin", ">", fields.Datetime.now())], ["event_type_id"], ["__count"]))
        for training in self:
            training.coming_session_count = counts.get(training, 0)

    @api.constrains("programme_file")
    def _check_programme_file(self):
        for training in self.with_context(bin_size=False).filtered("programme_file"):
            if not base64.b64decode(training.programme_file).startswith(b"%PDF-"):
                raise ValidationError(self.env._(
                    "The programme of “%(training)s” is not a PDF file. Export it as PDF and "
                    "choose that file.", training=training.name))

    @api.constrains("min_attendees", "seats_max", "has_seats_limitation")
    def _check_minimum_fits(self):
        for training in self.filtered("has_seats_limitation"):
            if training.min_attendees > training.seats_max:
                raise ValidationError(self.env._(
                    "“%(training)s” has %(seats)s seats: at least %(minimum)s attendees is more "
                    "than it can have.", training=training.name, seats=training.seats_max,
                    minimum=training.min_attendees))

    @api.constrains("is_training")
    def _check_stays_a_training(self):
        for training in self.filtered(lambda training: not training.is_training):
            training.session_ids._refuse_with_seats(lambda event, training=training: self.env._(
                "“%(training)s” is still booked with credits: “%(session)s” of %(date)s has "
                "bookings (%(names)s). Cancel its sessions first.",
                training=training.name, **event._described_with_seats()))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_planned(self):
        """Refuse to delete a training with sessions, which would then be sold without credits.

        :raise UserError: the training has sessions
        """
        for training in self.filtered("is_training"):
            # sudo: sessions of any company; archived ones count, for the books refer to them
            sessions = training.sudo().with_context(active_test=False).session_ids
            if sessions:
                raise UserError(self.env._(
                    "“%(training)s” has sessions (the last on %(date)s) and cannot be deleted. "
                    "Delete those nobody ever booked first, or untick “Booked with credits”.",
                    training=training.name,
                    date=max(sessions, key=lambda event: event.date_begin)._local_begin()))

    @api.onchange("is_training")
    def _onchange_is_training(self):
        """Remove Odoo's mails: trainings confirm and remind in their own way."""
        if self.is_training:
            self.event_type_mail_ids = [fields.Command.clear()]
            self.question_ids = [fields.Command.clear()]

    def action_plan_series(self):
        """Open the wizard that plans many sessions of the training."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "session_booking.session_series_action")
        return {**action, "context": {"default_event_type_id": self.id}}

    def action_view_sessions(self):
        """Open the sessions of the training."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("session_booking.session_action")
        return {**action, "domain": [("event_type_id", "=", self.id)],
                "context": {"default_event_type_id": self.id, "default_name": self.name}}
