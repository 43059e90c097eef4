from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    training_declaration = fields.Char(
        string="Training declaration number",
        help="Number under which the training body is registered (France: numéro de déclaration "
        "d’activité); printed on attendance sheets.")
    waiting_hours = fields.Integer(
        string="Waiting list: seat held (hours)", default=24, required=True,
        help="How long a freed seat is held for the next of the waiting list, at most until the "
        "session starts.")

    _waiting_hours_positive = models.Constraint(
        "CHECK(waiting_hours > 0)", "A freed seat is held for at least one hour.")
