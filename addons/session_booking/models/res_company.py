from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    training_declaration = fields.Char(
        string="Training declaration number",
        help="Number under which the training body is registered (France: numéro de déclaration "
        "d’activité); printed on attendance sheets.")
