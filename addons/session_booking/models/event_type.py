from odoo import api, fields, models


class EventType(models.Model):
    """An event template that is a training ("caps"): its sessions are booked with credits."""

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
    trainer_id = fields.Many2one("res.partner")
    training_product_id = fields.Many2one(
        "product.product", string="Product on invoices", domain=[("type", "=", "service")],
        default=lambda self: self.env.ref("session_booking.product_training", False),
        help="Its income account receives the value of the credits used.")

    _training_has_price = models.Constraint(
        "CHECK(NOT COALESCE(is_training, FALSE) OR credit_price > 0)",
        "A training is booked with credits: give it a price of at least 1 credit.")
    _cancel_hours_not_negative = models.Constraint(
        "CHECK(cancel_hours >= 0)", "The time for free cancellation is a number of hours.")

    _waiting_hours_not_negative = models.Constraint(
        "CHECK(COALESCE(waiting_hours, 0) >= 0)", "A seat is held for a number of hours.")

    @api.onchange("is_training")
    def _onchange_is_training(self):
        """Trainings confirm and remind in their own way; Odoo's mails would come twice."""
        if self.is_training:
            self.event_type_mail_ids = [fields.Command.clear()]
            self.question_ids = [fields.Command.clear()]
