from odoo import api, fields, models

OUTCOMES = [
    ("suspend", "Suspend the service"),
    ("end", "End the subscription"),
]


class DunningStep(models.Model):
    """One day of the dunning, and what is done on it."""

    _name = "dunning.step"
    _description = "Dunning Step"
    _order = "days"

    policy_id = fields.Many2one(
        "dunning.policy", required=True, index=True, ondelete="cascade")
    days = fields.Integer(
        required=True, help="Days after the charge was refused, or after the due date.")
    retry = fields.Boolean(
        string="Charge again",
        help="Not after a final refusal (card reported lost, account closed), nor when the bank "
        "asks for the customer's authentication.")
    remind = fields.Boolean(
        string="Remind the customer",
        help="By mail. When the charge is tried again, only if it is refused; without this, a "
        "refusal of the day is not told.")
    notify = fields.Boolean(string="Tell the responsible")
    outcome = fields.Selection(OUTCOMES, string="Then")

    _days_not_negative = models.Constraint(
        "CHECK(days >= 0)", "A step comes on the day of the refusal or later.")
    _one_a_day = models.Constraint(
        "UNIQUE(policy_id, days)", "A policy has one step a day: put all it does in this one.")

    @api.depends("days")
    def _compute_display_name(self):
        for step in self:
            step.display_name = step.env._("Day %(days)s", days=step.days)
